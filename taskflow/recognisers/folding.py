"""Text as the rules read it: one form of each digit, letter and mark, and nothing invisible."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

# Characters that show nothing and are not of the category Cf: joiner, variation selectors, keycap, fillers.
_UNSEEN = frozenset(map(chr, (0x034F, 0x115F, 0x1160, 0x20E3, 0x3164, 0xFFA0, *range(0xFE00, 0xFE10))))
# A long dash parts clauses ("order W5918442—the blue one"), so it is left as it is.
_DASHES = frozenset("‐‑‒–−﹣－")
_APOSTROPHES = frozenset("‘’ʼ＇")


def _fold(char: str) -> str | None:
    """The one character that stands for `char`, or None where it shows nothing."""
    if char in _UNSEEN or unicodedata.category(char) == "Cf":
        return None
    if char in _DASHES:
        return "-"
    if char in _APOSTROPHES:
        return "'"
    # The Chinese comma parts a list, where the ASCII one may part thousands: "100，200" is no 100,200.
    if char == "，":
        return char
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    folded = unicodedata.normalize("NFKC", char)
    return folded if len(folded) == 1 else char


class _FoldingTable(dict[int, "str | None"]):
    """A table for str.translate that folds a character when it is first met."""

    def __missing__(self, code: int) -> str | None:
        folded = self[code] = _fold(chr(code))
        return folded


_TABLE = _FoldingTable()


@dataclass(frozen=True, slots=True)
class FoldedText:
    """A folded text, and where each of its characters stands in the text as written."""

    text: str
    places: Sequence[int]


def fold(text: str) -> FoldedText:
    """Fold `text` character by character, leaving out marks that show nothing."""
    if text.isascii():
        return FoldedText(text, range(len(text)))
    folded = text.translate(_TABLE)
    if len(folded) == len(text):
        return FoldedText(folded, range(len(text)))
    return FoldedText(folded, [place for place, char in enumerate(text) if _TABLE[ord(char)] is not None])
