"""Text as the rest of the product may hold it: visible, normalised, encodable."""

from __future__ import annotations

import math
import re
import unicodedata

from mining.logs.entries import DialogueError
from taskflow.model import JsonValue

TEXT_LIMIT = 20_000
NESTING_LIMIT = 50

_LINE_END = re.compile("\r\n?|[\x85\u2028\u2029]")
# Controls but tab and newline; soft hyphens; zero-width characters (with the joiner of emoji: its parts stay
# readable without it); marks of direction; tags, which can carry a whole message unseen.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """The text in NFC, with newlines alone as line ends and without what cannot be seen."""
    text = _UNSEEN.sub("", _LINE_END.sub("\n", text))
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", _SURROGATE.sub("\ufffd", text))


def clean_json(value: object, depth: int = 0) -> JsonValue:
    """A parsed JSON value with its texts and keys clean; a DialogueError for what no database could keep."""
    if depth > NESTING_LIMIT:
        raise DialogueError(f"its result is nested deeper than {NESTING_LIMIT} levels: log a flatter one")
    if isinstance(value, dict):
        return {clean(key): clean_json(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [clean_json(item, depth + 1) for item in value]
    if isinstance(value, str):
        check_size("the length of a text in its result is", len(value), TEXT_LIMIT, "shorten it")
        return clean(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise DialogueError("its result holds a number that is not finite: write null instead")
    if value is None or isinstance(value, (bool, int, float)):
        return value
    raise TypeError(f"{type(value).__name__} is not a JSON type")


def check_size(what: str, size: int, limit: int, remedy: str) -> None:
    """DialogueError if there is more of it than is read; `what` ends where the number follows."""
    if size > limit:
        raise DialogueError(f"{what} {size:,}, over the limit of {limit:,}: {remedy}")
