"""Which words and sentences tell an action from the others of its speaker."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from itertools import zip_longest
from typing import NamedTuple

from taskflow.model import ActionId, DialogueAction, Exemplar
from taskflow.recognisers import FieldKind

Piece = tuple[str, ...]
"""A word, two neighbouring Chinese characters, or (after an empty text) the words of a whole sentence."""

_LOOKED_AT = 48  # wordings of an action: the most typical one and the commonest
_PRIOR = 20.0  # utterances that speak of no action in particular
_FEW = 8  # words: what has fewer is seldom telling by itself
_CACHED = 20_000
_TOKEN = re.compile(rf"\[(?:{'|'.join(FieldKind)})\]|[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+(?:['’][^\W_\u3400-\u9fff]+)*")
_SENTENCE = re.compile(
    r"\S.*?(?:[!?]+(?=\s|$)|(?<!\bDr)(?<!\bMr)(?<!\bMs)(?<!\bMrs)\.+(?=\s|$)|[。！？…]+|$)", re.DOTALL
)


class Token(NamedTuple):
    """A word, a Chinese character or a placeholder of a text; `key` is what makes it the same."""

    key: str
    start: int
    end: int


class Place(NamedTuple):
    """Where a piece stands in a text."""

    piece: Piece
    start: int
    end: int


def is_han(text: str) -> bool:
    """Whether a text begins with a Chinese character."""
    return "\u3400" <= text[:1] <= "\u9fff"


def tokens(text: str) -> list[Token]:
    return [Token(found[0].casefold(), *found.span()) for found in _TOKEN.finditer(text)]


def places(found: Sequence[Token]) -> list[Place]:
    """The words, and the Chinese characters by twos, in order."""
    here = []
    for token, following in zip_longest(found, found[1:]):
        if not is_han(token.key):
            here.append(Place((token.key,), token.start, token.end))
        elif following is not None and following.start == token.end and is_han(following.key):
            here.append(Place((token.key, following.key), token.start, following.end))
    return here


@lru_cache(maxsize=_CACHED)
def words(text: str) -> frozenset[Piece]:
    return frozenset(place.piece for place in places(tokens(text)))


@lru_cache(maxsize=_CACHED)
def sentences(text: str) -> tuple[str, ...]:
    return tuple(found.strip() for found in _SENTENCE.findall(text))


@lru_cache(maxsize=_CACHED)
def whole(sentence: str) -> Piece:
    """The piece that stands for a whole sentence, whatever its case and marks."""
    return ("", *(token.key for token in tokens(sentence)))


def typical(action: DialogueAction) -> tuple[Exemplar, ...]:
    """The wordings that an action is named and described by."""
    return action.exemplars[:_LOOKED_AT]


class Distinctive:
    """How often the wordings of each action hold a piece, beside those of all other actions.

    A wording counts by the logarithm of how often it was said: what many wordings share says more than what one
    wording repeats.
    """

    def __init__(self, actions: Sequence[DialogueAction]) -> None:
        self._own: dict[ActionId, dict[Piece, float]] = {}
        self._everywhere: defaultdict[Piece, float] = defaultdict(float)
        self._said: dict[ActionId, float] = {}
        for action in actions:
            own: defaultdict[Piece, float] = defaultdict(float)
            for exemplar in typical(action):
                for piece in words(exemplar.text).union(map(whole, sentences(exemplar.text))):
                    own[piece] += math.log1p(exemplar.count)
            for piece, weight in own.items():
                self._everywhere[piece] += weight
            self._own[action.id] = dict(own)
            self._said[action.id] = sum(math.log1p(exemplar.count) for exemplar in typical(action))
        self._all = sum(self._said.values())

    def telling(self, action: ActionId, text: str, sentence: str | None = None) -> float:
        """How well a wording, or a part of one, stands for the action: log-odds of its words and of its sentences.

        Each counts as often as the action holds it, and what is beside the point makes it less. `sentence` is the one
        that the text is a clause of.
        """
        found = words(text)
        said = [self._weight(action, whole(one)) for one in sentences(sentence or text)]
        part = len(found) / max(len(words(sentence)), 1) if sentence else 1.0
        own = sum(self._weight(action, word) for word in found) / (len(found) + _FEW)
        return (own + part * sum(said) / max(len(said), 1)) * (len(found) + 1) / (len(found) + 2)

    def log_odds(self, action: ActionId, piece: Piece) -> float:
        """Of a piece in the action against the others: above 0 where it is more frequent here.

        Drawn towards 0 by utterances of a prior, in which the piece is as frequent as everywhere.
        """
        here, everywhere, said = self._own[action].get(piece, 0.0), self._everywhere.get(piece, 0.0), self._said[action]
        prior = _PRIOR * (everywhere + 0.5) / (self._all + 1)
        there = max(everywhere - here, 0.0)
        return _logit(here + prior, said + _PRIOR) - _logit(there + prior, self._all - said + _PRIOR)

    def _weight(self, action: ActionId, piece: Piece) -> float:
        here = self._own[action].get(piece, 0.0)
        return here / self._said[action] * self.log_odds(action, piece) if here else 0.0


def _logit(held: float, said: float) -> float:
    return math.log(held / (said - held))
