"""What may be told beyond a dialogue: nothing that may be somebody's name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from mining.distinctive import Piece, places, tokens, words

_DIALOGUES = 3  # in which every word that is told was said
_TOO_FEW = 30  # dialogues: with fewer, nearly every word is rare
_HIDDEN = "…"


class Discretion:
    """In how many dialogues each word of a corpus was said.

    Masking finds what it knows: a bare first name in "Thanks, Ivan" stays. So a word of one or two dialogues alone may
    be a name (for Chinese, two characters in a row are a word). A corpus of fewer than 30 dialogues cannot tell, and
    nothing is hidden there.
    """

    def __init__(self, dialogues: Iterable[Iterable[str]]) -> None:
        self._dialogues: Counter[Piece] = Counter()
        heard: Counter[str] = Counter()
        size = 0
        for texts in dialogues:
            size += 1
            rare = [text for text in set(texts) if heard[text] < _DIALOGUES]  # the words of others are known enough
            heard.update(rare)
            self._dialogues.update(frozenset[Piece]().union(*map(words, rare)))
        self._least = _DIALOGUES if size >= _TOO_FEW else 1

    def is_safe(self, text: str) -> bool:
        """Whether no word of the text may be a name; one that nobody said is none."""
        return not any(map(self._is_rare, words(text)))

    def hide(self, text: str) -> str:
        """The text with an ellipsis in place of the words that may be names."""
        shown, before = "", 0
        for place in places(tokens(text)):
            if self._is_rare(place.piece):
                between = text[before : place.start]
                shown += between if shown.endswith(_HIDDEN) and not between.strip() else between + _HIDDEN
                before = place.end
        return shown + text[before:]

    def _is_rare(self, word: Piece) -> bool:
        return 0 < self._dialogues[word] < self._least
