"""What a system turn says: which call it was, and which typed outcome it had."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from taskflow.model import JsonValue, Utterance


class Outcome(StrEnum):
    OK = "ok"
    NOT_FOUND = "not_found"
    REFUSED = "refused"
    FAILED = "failed"


_IDENTIFIER = re.compile(r"[A-Za-z_][\w.-]{0,79}\Z")
_SIGNS = (
    (
        Outcome.NOT_FOUND,
        re.compile(r"\b(not|none|no \w+) found\b|does ?n[o']t exist|\bunknown\b|未找到|找不到|不存在|没有找到", re.I),
    ),
    (
        Outcome.REFUSED,
        re.compile(
            r"\bnot (authori[sz]ed|allowed|eligible|permitted|available|possible)\b|\bunavailable\b"
            r"|\b(denied|refused|rejected|declined)\b|\bcan(no|')t\b|拒绝|不符合|不允许|无法|不可",
            re.I,
        ),
    ),
    (
        Outcome.FAILED,
        re.compile(r"(?<!\bno )(?<!\bwithout )\b(error|failed|failure|timed? ?out|exception)\b|失败|错误|超时", re.I),
    ),
)


_OF_STATUS = {404: Outcome.NOT_FOUND, 408: Outcome.FAILED, 410: Outcome.NOT_FOUND, 429: Outcome.FAILED}


def outcome_of_status(status: int) -> Outcome:
    """What an HTTP status that is no success says."""
    return _OF_STATUS.get(status, Outcome.REFUSED if 400 <= status < 500 else Outcome.FAILED)


def call_name(utterance: Utterance) -> str:
    """The name of the call: the turn's label, its text where that is an identifier, or both."""
    service = utterance.text.strip() if _IDENTIFIER.match(utterance.text.strip()) else ""
    return " ".join(part for part in (utterance.label, service) if part) or "call"


def call_outcome(result: JsonValue) -> Outcome | None:
    """The outcome that the result states, or that its words betray; None when the log kept no result."""
    if result is None:
        return None
    if isinstance(result, Mapping):
        stated = next((outcome for outcome in Outcome if result.get("outcome") == outcome), None)
        if stated is not None or (stated := _of_flags(result)) is not None:
            return stated
    if result is False:
        return Outcome.FAILED
    if result in ("", [], {}):
        return Outcome.NOT_FOUND
    words = " ".join(_strings(result))
    return next((outcome for outcome, sign in _SIGNS if sign.search(words)), Outcome.OK)


def _of_flags(result: Mapping[str, JsonValue]) -> Outcome | None:
    """What the usual keys of answers say without words: an HTTP status, success or not."""
    status = next((result[key] for key in ("status", "status_code", "code") if isinstance(result.get(key), int)), 0)
    if isinstance(status, int) and not isinstance(status, bool) and 400 <= status < 600:
        return outcome_of_status(status)
    return Outcome.FAILED if any(result.get(key) is False for key in ("success", "ok")) else None


def system_keys(utterance: Utterance) -> tuple[str, ...]:
    """What one system turn does, in order: it calls, then (when the log kept a result) it answers."""
    name, outcome = call_name(utterance), call_outcome(utterance.result)
    return (name,) if outcome is None else (name, f"{name}: {outcome}")


def _strings(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from _strings(item)
