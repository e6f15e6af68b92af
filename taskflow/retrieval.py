"""Which Dialogue Action an utterance is: retrieval over the actions' exemplars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taskflow.encoders import Vectors
from taskflow.model import ActionId, Assistant, DialogueAction, Speaker, Status
from taskflow.texts import normalise

__all__ = ["ExemplarIndex", "Match", "exemplar_texts", "normalise"]

_NEAREST = 8  # exemplars of an action that speak for it
_BEST = 0.3  # of an action's likeness is its very nearest exemplar
_SHARPNESS = 10.0  # P(text | action) grows as exp(sharpness x likeness)


@dataclass(frozen=True, slots=True)
class Match:
    """An action with its nearest exemplar and that one's cosine, `score`.

    `likeness`, by which actions are ranked, also asks the exemplars next to it: one stray wording in an action
    does not outweigh many in another. Both are 1.0 for the very words of an exemplar.
    """

    action_id: ActionId
    score: float
    likeness: float
    exemplar: str

    @property
    def likelihood(self) -> float:
        """P(text | action), up to a factor that all actions of the text share."""
        return math.exp(_SHARPNESS * (self.likeness - 1.0))


class ExemplarIndex:
    """The exemplars of one speaker's actions with their vectors, in the order of `exemplar_texts`."""

    def __init__(self, assistant: Assistant, speaker: Speaker, vectors: Vectors) -> None:
        self._actions = _recognised(assistant, speaker)
        self._texts = exemplar_texts(assistant, speaker)
        if len(self._texts) != len(vectors):
            raise ValueError(f"{len(self._texts)} exemplars but {len(vectors)} vectors")
        self._vectors = vectors
        self._owner = np.repeat(np.arange(len(self._actions)), [len(action.exemplars) for action in self._actions])
        self._starts = np.searchsorted(self._owner, np.arange(len(self._actions)))
        self._sizes = np.array([len(action.exemplars) for action in self._actions])
        self._exact: dict[str, dict[int, int]] = {}
        for place, text in enumerate(self._texts):
            self._exact.setdefault(normalise(text), {}).setdefault(int(self._owner[place]), place)

    def rank(self, text: str, vector: NDArray[np.float32]) -> list[Match]:
        """Every action with a match, the likeliest first."""
        if not self._actions:
            return []
        scores = vector[None, :] @ self._vectors.T
        likeness = self.likeness([text], scores)[0]
        return self._matches(np.argsort(-likeness, kind="stable"), likeness, scores[0])

    def nearest(self, texts: Sequence[str], vectors: Vectors, count: int = 1) -> list[list[Match]]:
        """The likeliest actions of each text, at most `count`, the likeliest first; none where there are no actions."""
        if not self._actions:
            return [[] for _ in texts]
        found: list[list[Match]] = []
        for start in range(0, len(texts), 1024):
            scores = vectors[start : start + 1024] @ self._vectors.T
            likeness = self.likeness(texts[start : start + 1024], scores)
            for row, cosines in zip(likeness, scores, strict=True):
                found.append(self._matches(np.argsort(-row, kind="stable")[:count], row, cosines))
        return found

    def likeness(self, texts: Sequence[str], scores: Vectors) -> Vectors:
        """(texts, actions) from the cosines (texts, exemplars), in which the very words become 1.0."""
        best = np.maximum.reduceat(scores, self._starts, axis=1)
        around = np.add.reduceat(scores, self._starts, axis=1) / self._sizes
        for index in np.flatnonzero(self._sizes > _NEAREST):
            own = scores[:, self._starts[index] : self._starts[index] + self._sizes[index]]
            around[:, index] = np.partition(own, -_NEAREST, axis=1)[:, -_NEAREST:].mean(axis=1)
        likeness = np.asarray(_BEST * best + (1 - _BEST) * around, np.float32)
        for row, text in enumerate(texts):
            for action, place in self._exact.get(normalise(text), {}).items():
                likeness[row, action] = scores[row, place] = 1.0
        return likeness

    def _matches(
        self, chosen: NDArray[np.intp], likeness: NDArray[np.float32], scores: NDArray[np.float32]
    ) -> list[Match]:
        """The chosen actions, each with the first of its nearest exemplars."""
        best = np.maximum.reduceat(scores, self._starts)
        nearest = np.flatnonzero(scores == best[self._owner])
        places = nearest[np.searchsorted(self._owner[nearest], chosen)]
        return [
            Match(self._actions[index].id, score, like, self._texts[place])
            for index, score, like, place in zip(
                chosen.tolist(), scores[places].tolist(), likeness[chosen].tolist(), places.tolist(), strict=True
            )
        ]


def exemplar_texts(assistant: Assistant, speaker: Speaker) -> list[str]:
    """The texts that an index of this speaker needs vectors of, in its order."""
    return [exemplar.text for action in _recognised(assistant, speaker) for exemplar in action.exemplars]


def _recognised(assistant: Assistant, speaker: Speaker) -> list[DialogueAction]:
    return [
        action
        for action in assistant.actions
        if action.speaker is speaker and action.exemplars and action.status is not Status.REJECTED
    ]
