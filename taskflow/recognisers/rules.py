"""What a rule is: one kind of value and the pattern that finds it.

Rules read the folded text of `folding.py`, so a pattern need know ASCII digits, letters, dashes and brackets
only. Every repetition in a pattern is bounded or possessive, which keeps a search linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

# Not \b: a Chinese character beside a digit is a word character too, yet no part of the value.
START = r"(?<![A-Za-z0-9])"
END = r"(?![A-Za-z0-9])"


class FieldKind(StrEnum):
    """What a value is; also its name in masked text."""

    ORDER_NUMBER = "order_number"
    TRACKING_NUMBER = "tracking_number"
    PHONE = "phone"
    EMAIL = "email"
    URL = "url"
    AMOUNT = "amount"
    DATE = "date"
    TIME = "time"
    CARD_NUMBER = "card_number"
    ID_NUMBER = "id_number"
    ADDRESS = "address"
    NAME = "name"
    NUMBER = "number"
    PHOTO = "photo"  # stands for a picture, which no text holds


@dataclass(frozen=True, slots=True)
class Rule:
    """Finds values of one kind.

    The value is the pattern's group that took part, or the whole match where it has none. `cues` and `digits`
    save time: a text is worth the pattern if it holds one of the cues (in lower case; none given: always),
    and an ASCII digit where `digits`. `accepts` looks at a value where a pattern cannot (a checksum).
    """

    kind: FieldKind
    pattern: re.Pattern[str]
    cues: tuple[str, ...] = ()
    digits: bool = True
    accepts: Callable[[str], bool] | None = None

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where the values stand in `text`, in order."""
        for match in self.pattern.finditer(text):
            group = match.lastindex or 0
            if self.accepts is None or self.accepts(match[group]):
                yield match.span(group)
