"""Which of the wordings that agents used may be sent again."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise

from taskflow.retrieval import normalise

_MOST = 5
_DIALOGUES = 3  # in which every word of a response was said: a rarer one may be somebody's name
RESOLVED = "resolved"  # the log's outcome of a dialogue that went well
_WORDS = re.compile(r"\[\w+\]|[\u3400-\u9fff]+|[^\W_\u3400-\u9fff]+")

Said = Mapping[tuple[str, tuple[str, ...]], int]


class Phrasebook:
    """How many dialogues each word of a corpus was said in, and what may be said again for it.

    Masking finds what it knows: a bare first name in "Thanks, Ivan" stays. So a wording that holds a word of one
    or two dialogues alone is never a response (for Chinese, two characters in a row are a word, or one by itself).
    """

    def __init__(self, dialogues: Iterable[Iterable[str]]) -> None:
        self._dialogues: Counter[str] = Counter()
        for texts in dialogues:
            self._dialogues.update({word for text in set(texts) for word in _words(text)})

    def responses(self, said: Said) -> tuple[str, ...]:
        """The safe wordings, each once, the commonest of the dialogues that were resolved first, at most five."""
        counts: dict[str, tuple[int, int]] = {}
        spelling: dict[str, Counter[str]] = {}
        for (text, outcomes), count in said.items():
            key = normalise(text)
            good, all_ = counts.get(key, (0, 0))
            counts[key] = (good + count * (RESOLVED in outcomes), all_ + count)
            spelling.setdefault(key, Counter())[text] += count
        ranked = sorted(counts, key=lambda key: (-counts[key][0], -counts[key][1], key))
        safe = (key for key in ranked if self.is_safe(key))
        texts = (max(spelling[key].items(), key=lambda item: (item[1], item[0]))[0] for key in safe)
        return tuple(text for text, _ in zip(texts, range(_MOST), strict=False))

    def is_safe(self, text: str) -> bool:
        return all(self._dialogues[word] >= _DIALOGUES for word in _words(text))


def _words(text: str) -> set[str]:
    """Words and numbers of spaced scripts, pairs of neighbouring Chinese characters, masked values whole."""
    found: set[str] = set()
    for word in _WORDS.findall(normalise(text)):
        is_chinese = len(word) > 1 and "\u3400" <= word[0] <= "\u9fff"
        found.update(map("".join, pairwise(word)) if is_chinese else (word,))
    return found
