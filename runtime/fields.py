"""What a conversation knows: values that customers gave or calls answered, each typed, with where it came from.

The recognisers that mask logs find the values; nobody designs a list of them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import dateparser

from taskflow.recognisers import FieldKind, find
from taskflow.recognisers.folding import fold

Source = Literal["customer", "call"]
Patterns = Mapping[str, re.Pattern[str]]

_SURE, _GUESSED = 1.0, 0.8  # confidence in a value that its type admits, and in one that it does not
_LONGEST = 200  # characters of a value: they are kept for as long as the conversation, which is bounded
_NUMBERS = (FieldKind.ORDER_NUMBER, FieldKind.TRACKING_NUMBER, FieldKind.PHONE)
_CHINESE_DATE = re.compile(r"(?:(\d{4})年)?(\d{1,2})月(\d{1,2})[日号]")
_CHINESE_WEEKDAY = re.compile(r"(上上|上|这|本|下下|下)?个?(?:周|星期|礼拜)([一二三四五六日天])")
_WEEKS = {"上上": -2, "上": -1, "下": 1, "下下": 2}
_CURRENCIES = (("USD", re.compile(r"\$|dollars?|bucks", re.I)), ("EUR", re.compile(r"€|euros?", re.I)))
_POUNDS_AND_YUAN = (("GBP", re.compile(r"£|pounds?|quid", re.I)), ("CNY", re.compile(r"[¥￥元块]|rmb|yuan", re.I)))
_DECIMAL = re.compile(r"\d+(?:[.,]\d{3})*(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class FieldValue:
    """`value` as written; `typed` as its kind has it: an ISO date, "42.50 USD", a phone's digits, a number in capitals.

    `turn` is the turn that gave it. A call's value is never taken for a customer's.
    """

    value: str
    typed: str
    turn: int
    confidence: float = _SURE
    source: Source = "customer"

    def to_json(self) -> dict[str, Any]:
        return {
            "value": self.value,
            "typed": self.typed,
            "turn": self.turn,
            "confidence": self.confidence,
            "source": self.source,
        }


@dataclass(frozen=True, slots=True)
class Given:
    """The values of one message by kind, and those that are refused: by the shop's own pattern, or as far too long."""

    values: Mapping[str, FieldValue]
    refused: Mapping[str, str]


def read_fields(
    text: str, turn: int, patterns: Patterns, now: datetime, expected: Collection[str] = frozenset()
) -> Given:
    """Of several values of a kind the last counts, as in "not TF-1 but TF-2".

    `expected` are the kinds that were asked for: a bare number is one of them, where the words say nothing else.
    """
    values: dict[str, FieldValue] = {}
    refused: dict[str, str] = {}
    for found in find(text):
        meant = _meant(found.kind, expected)
        kind = meant.value
        if len(found.value) > _LONGEST:
            refused[kind] = f"{found.value[:_LONGEST]}…"
            continue
        pattern = patterns.get(kind)
        typed = _typed(meant, found.value, now)
        if pattern is not None and pattern.fullmatch(typed or "") is None:
            refused[kind] = found.value
        else:
            sure = _SURE if typed is not None else _GUESSED
            values[kind] = FieldValue(found.value, typed or found.value.strip(), turn, sure)
    return Given(values, {kind: value for kind, value in refused.items() if kind not in values})


def spoken(fields: Mapping[str, FieldValue]) -> dict[str, str]:
    """The values as they were written, for responses and calls."""
    return {kind: field.value for kind, field in fields.items()}


def _meant(kind: FieldKind, expected: Collection[str]) -> FieldKind:
    if kind is not FieldKind.NUMBER or kind in expected:
        return kind
    return next((number for number in _NUMBERS if number in expected), kind)


def _typed(kind: FieldKind, value: str, now: datetime) -> str | None:
    """None where the words are a value of this kind, but which one cannot be told."""
    text = fold(value).text.strip()
    match kind:
        case FieldKind.ORDER_NUMBER | FieldKind.TRACKING_NUMBER:
            return text.lstrip("#").upper()
        case FieldKind.PHONE:
            return re.sub(r"[^\d+]", "", text)
        case FieldKind.EMAIL:
            return text.lower()
        case FieldKind.AMOUNT:
            return _amount(text)
        case FieldKind.DATE:
            return _date(text, now)
        case _:
            return text


def _amount(text: str) -> str | None:
    number = _DECIMAL.search(text)
    currency = next((name for name, sign in (*_CURRENCIES, *_POUNDS_AND_YUAN) if sign.search(text)), None)
    if number is None or currency is None:
        return None
    return f"{float(number[0].replace(',', '')):.2f} {currency}"


def _date(text: str, now: datetime) -> str | None:
    weekday = _CHINESE_WEEKDAY.search(text)
    if weekday is not None:
        monday = now - timedelta(days=now.weekday()) + timedelta(weeks=_WEEKS.get(weekday[1] or "", 0))
        return (monday + timedelta(days="一二三四五六日天".index(weekday[2]) % 7)).date().isoformat()
    written = _CHINESE_DATE.sub(lambda part: f"{part[1] or now.year}-{part[2]}-{part[3]}", text)
    try:
        found = dateparser.parse(written, languages=["en", "zh"], settings={"RELATIVE_BASE": now.replace(tzinfo=None)})
    except (ValueError, OverflowError):
        return None
    return None if found is None else found.date().isoformat()
