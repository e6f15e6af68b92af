"""Which Dialogue Action an utterance is: retrieval over the actions' exemplars."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taskflow.encoders import Vectors
from taskflow.model import ActionId, Assistant, Speaker


@dataclass(frozen=True, slots=True)
class Match:
    """An action with the cosine of its nearest exemplar; 1.0 for the very words of one."""

    action_id: ActionId
    score: float
    exemplar: str


def normalise(text: str) -> str:
    """The form in which two wordings count as the same: case and spaces do not matter."""
    return " ".join(text.casefold().split())


class ExemplarIndex:
    """The exemplars of one speaker's actions with their vectors, in the order of `exemplar_texts`."""

    def __init__(self, assistant: Assistant, speaker: Speaker, vectors: Vectors) -> None:
        self._actions = [action for action in assistant.actions if action.speaker is speaker and action.exemplars]
        self._texts = exemplar_texts(assistant, speaker)
        if len(self._texts) != len(vectors):
            raise ValueError(f"{len(self._texts)} exemplars but {len(vectors)} vectors")
        self._vectors = vectors
        self._owner = np.repeat(np.arange(len(self._actions)), [len(action.exemplars) for action in self._actions])
        self._starts = np.searchsorted(self._owner, np.arange(len(self._actions)))
        self._exact: dict[str, dict[int, int]] = {}
        for place, text in enumerate(self._texts):
            self._exact.setdefault(normalise(text), {}).setdefault(int(self._owner[place]), place)

    def rank(
        self, text: str, vector: NDArray[np.float32], candidates: Collection[ActionId] | None = None
    ) -> list[Match]:
        """The candidates (all, when None), nearest first; a score is the best cosine of its exemplars."""
        if not self._actions:
            return []
        scores = self._vectors @ vector
        for place in self._exact.get(normalise(text), {}).values():
            scores[place] = 1.0
        best = np.maximum.reduceat(scores, self._starts)
        found = []
        for index in np.argsort(-best, kind="stable"):
            action = self._actions[index]
            if candidates is None or action.id in candidates:
                start = self._starts[index]
                place = start + int(np.argmax(scores[start : start + len(action.exemplars)]))
                found.append(Match(action.id, float(best[index]), self._texts[place]))
        return found

    def nearest(self, texts: Sequence[str], vectors: Vectors) -> list[tuple[ActionId, float] | None]:
        """The nearest action of each text, with its score; None for all where there are no actions."""
        if not self._actions:
            return [None] * len(texts)
        found: list[tuple[ActionId, float] | None] = []
        for start in range(0, len(texts), 1024):
            scores = vectors[start : start + 1024] @ self._vectors.T
            places = np.argmax(scores, axis=1)
            for row, text in enumerate(texts[start : start + 1024]):
                exact = next(iter(self._exact.get(normalise(text), {}).values()), None)
                place = int(places[row]) if exact is None else exact
                score = 1.0 if exact is not None else float(scores[row, place])
                found.append((self._actions[self._owner[place]].id, score))
        return found


def exemplar_texts(assistant: Assistant, speaker: Speaker) -> list[str]:
    """The texts that an index of this speaker needs vectors of, in its order."""
    return [exemplar.text for action in assistant.actions if action.speaker is speaker for exemplar in action.exemplars]
