"""Finds personal and order data in English and Chinese text: for masking logs and for filling fields.

What is found, where it is a choice:

- A number of 4 or more digits is a NUMBER unless its form or the words before it say more; so is a bare year.
  Shorter numbers stay ("size 9", "24/7", "4.5分"), and so do digits inside a word ("128GB").
- An ORDER_NUMBER has letters before digits ("TF-20418837", "tf-20418837", "#W5918442") or a cue ("order id 3348").
- A DATE has a day and a month, or is 2026年. Weekdays and words such as "tomorrow" and "上周三" are dates for
  fields, yet stay in masked text: they carry meaning and name nobody.
- A TIME is "3:30 pm", "10 am" or "下午三点"; "一点" alone mostly means "a little" and is none.
- An AMOUNT has a currency ("$42.50", "42 dollars", "328元", "三百块").
- A NAME needs a cue ("my name is", "Mr.", "我叫", "收件人："): a name alone in a turn is not found.

Full-width forms, other scripts' digits and marks that show nothing do not hide a value. All of it is linear
in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from taskflow.model import JsonValue
from taskflow.recognisers.folding import fold
from taskflow.recognisers.moments import AMOUNT_RULES, DATE_RULES, RELATIVE_RULES, TIME_RULES
from taskflow.recognisers.names import NAME_RULES
from taskflow.recognisers.numbers import NUMBER_RULES, ORDER_RULES, PERSONAL_RULES, PHONE_RULES
from taskflow.recognisers.places import ADDRESS_RULES, LINK_RULES
from taskflow.recognisers.rules import FieldKind, Rule

__all__ = ["FieldKind", "Found", "find", "mask", "mask_json"]

# The more telling form first: what one rule finds, the later rules do not see.
_MASKED_RULES = (
    *LINK_RULES,
    *ORDER_RULES,
    *PERSONAL_RULES,
    *ADDRESS_RULES,
    *DATE_RULES,
    *AMOUNT_RULES,
    *PHONE_RULES,
    *TIME_RULES,
    *NAME_RULES,
    *NUMBER_RULES,
)
# Real text settles in two or three sweeps; the bound keeps a text made to unravel bit by bit linear too.
_MOST_SWEEPS = 50
_DIGIT = re.compile("[0-9]")
_PLACEHOLDER = re.compile(rf"\[(?:{'|'.join(FieldKind)})\]")


@dataclass(frozen=True, slots=True)
class Found:
    """A value that stands in `text[start:end]`, as written."""

    kind: FieldKind
    start: int
    end: int
    value: str


@dataclass(frozen=True, slots=True)
class _Span:
    kind: FieldKind
    start: int
    end: int


class _Piece:
    """A stretch of folded text that no rule has cut yet; `start` is its place in the whole."""

    __slots__ = ("has_digit", "lowered", "start", "text")

    def __init__(self, start: int, text: str) -> None:
        self.start = start
        self.text = text
        self.lowered = text.lower()
        self.has_digit = _DIGIT.search(text) is not None

    def invites(self, rule: Rule) -> bool:
        if rule.digits and not self.has_digit:
            return False
        if not rule.cues:
            return True
        lowered = self.lowered
        for cue in rule.cues:  # noqa: SIM110 - any() is three times slower here, and this runs most
            if cue in lowered:
                return True
        return False


def find(text: str) -> tuple[Found, ...]:
    """Return every value in `text` in order, none overlapping; relative dates are among them."""
    return _find(text, relative=True)


def mask(text: str) -> str:
    """Replace every value in `text` but relative dates by its kind: "my order is [order_number]"."""
    parts: list[str] = []
    end = 0
    for found in _find(text, relative=False):
        parts += (text[end : found.start], f"[{found.kind}]")
        end = found.end
    return "".join((*parts, text[end:]))


def mask_json(value: JsonValue) -> JsonValue:
    """Mask every string inside `value`; keys, numbers and the shape are kept."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {key: mask_json(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [mask_json(item) for item in value]
    return value


def _find(text: str, relative: bool) -> tuple[Found, ...]:
    folded = fold(text)
    spans, rest = _settle(_without_placeholders(folded.text))
    if relative:
        for rule in RELATIVE_RULES:
            _cut(rest, rule, spans)
    places = folded.places
    return tuple(
        Found(
            span.kind,
            places[span.start],
            places[span.end - 1] + 1,
            text[places[span.start] : places[span.end - 1] + 1],
        )
        for span in sorted(spans, key=lambda span: span.start)
    )


def _without_placeholders(text: str) -> list[_Piece]:
    """The pieces between placeholders: what was masked before is not read again."""
    starts = [0]
    ends = []
    for match in _PLACEHOLDER.finditer(text) if "[" in text else ():
        ends.append(match.start())
        starts.append(match.end())
    return [_Piece(start, text[start:end]) for start, end in zip(starts, [*ends, len(text)], strict=True)]


def _settle(pieces: list[_Piece]) -> tuple[list[_Span], list[_Piece]]:
    """Cut `pieces` by every rule until no rule finds more, and return the values and what lies between them.

    A value that is cut away leaves pieces that a rule may read anew. Going on until nothing changes is what
    makes masking masked text change nothing.
    """
    spans: list[_Span] = []
    settled: list[_Piece] = []
    for _ in range(_MOST_SWEEPS):
        before = set(pieces)
        for rule in _MASKED_RULES:
            pieces = _cut(pieces, rule, spans)
        settled += (piece for piece in pieces if piece in before)
        pieces = [piece for piece in pieces if piece not in before]
        if not pieces:
            break
    return spans, settled + pieces


def _cut(pieces: list[_Piece], rule: Rule, spans: list[_Span]) -> list[_Piece]:
    """Add the rule's values to `spans`, and return the pieces that they leave."""
    left: list[_Piece] = []
    for piece in pieces:
        if piece.invites(rule):
            left += _left_by(piece, rule, spans)
        else:
            left.append(piece)
    return left


def _left_by(piece: _Piece, rule: Rule, spans: list[_Span]) -> Iterator[_Piece]:
    end = 0
    for start, stop in rule.spans(piece.text):
        spans.append(_Span(rule.kind, piece.start + start, piece.start + stop))
        if start > end:
            yield _Piece(piece.start + end, piece.text[end:start])
        end = stop
    if end == 0:
        yield piece
    elif end < len(piece.text):
        yield _Piece(piece.start + end, piece.text[end:])
