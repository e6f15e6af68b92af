"""Which needs the customers of a corpus have.

Dialogues of one need share their actions: a need is a component of a mixture in which every action is present or
not on its own (multivariate Bernoulli). The number of needs is the one with the shortest description (BIC).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfTransformer

from mining.clustering import Labels
from taskflow.encoders import unit_rows

Table = NDArray[np.float32]

_SMALLEST = 5  # dialogues that a need has, on average, at the least
_NUMBERS = (*range(1, 21), 24, 28, 34, 40, 50, 60)  # of needs that are tried
_SAMPLE = 4_000  # dialogues that the mixture is fitted to
_ROUNDS = 30  # of expectation and maximisation
_DOUBT = 0.1  # dialogues' worth of belief in an action's share of the whole corpus


def find_needs(dialogues: Sequence[Sequence[Hashable]]) -> Labels:
    """One label a dialogue, given by its actions; dialogues too few to tell apart have one need."""
    present = _presence(dialogues)
    if present.shape[1] == 0:
        return np.zeros(len(dialogues), np.int64)
    sample = np.random.default_rng(0).permutation(len(present))[:_SAMPLE]
    seen = present[np.sort(sample)]
    tree = linkage(_smoothed(seen), method="ward") if len(seen) > 1 else None
    best, least = None, math.inf
    for number in _NUMBERS:
        if tree is None or number > max(1, len(seen) // _SMALLEST):
            break
        mixture = _Mixture(seen, np.asarray(fcluster(tree, number, "maxclust"), np.int64) - 1)
        length = mixture.description_length(seen)
        if length < least:
            best, least = mixture, length
    return np.zeros(len(dialogues), np.int64) if best is None else best.label(present)


class _Mixture:
    """Bernoulli components fitted from a first guess at the labels."""

    def __init__(self, present: Table, labels: Labels) -> None:
        responsibility = np.eye(int(labels.max()) + 1, dtype=np.float32)[labels]
        for _ in range(_ROUNDS):
            self._maximise(present, responsibility)
            logs = self._joint(present)
            responsibility = np.exp(logs - np.logaddexp.reduce(logs, axis=1, keepdims=True))

    def description_length(self, present: Table) -> float:
        """Nats: the dialogues given the components, and the components' own parameters."""
        parameters = self._shares.size * math.log(len(present)) / 2
        return float(parameters - np.logaddexp.reduce(self._joint(present), axis=1).sum())

    def label(self, present: Table) -> Labels:
        return np.asarray(np.argmax(self._joint(present), axis=1), np.int64)

    def _maximise(self, present: Table, responsibility: Table) -> None:
        sizes = responsibility.sum(axis=0)
        self._log_weights = np.log((sizes + 1e-3) / (len(present) + 1e-3 * len(sizes)))
        shares = (responsibility.T @ present + _DOUBT * present.mean(axis=0)) / (sizes[:, None] + _DOUBT)
        self._shares = np.clip(shares, 1e-4, 1 - 1e-4)

    def _joint(self, present: Table) -> Table:
        logs = present @ np.log(self._shares).T + (1 - present) @ np.log(1 - self._shares).T
        return np.asarray(logs + self._log_weights, np.float32)


def _presence(dialogues: Sequence[Sequence[Hashable]]) -> Table:
    """A row a dialogue, a column an action of more than one dialogue: 1 where it is said."""
    seen = Counter(action for actions in dialogues for action in dict.fromkeys(actions))
    columns = {action: place for place, action in enumerate(a for a, count in seen.items() if count > 1)}
    present = np.zeros((len(dialogues), len(columns)), np.float32)
    for row, actions in enumerate(dialogues):
        present[row, [columns[action] for action in set(actions) if action in columns]] = 1.0
    return present


def _smoothed(present: Table) -> Table:
    """Few dimensions in which dialogues that share rare actions are near, for the first guess."""
    weighted = TfidfTransformer().fit_transform(present)
    dimensions = min(20, present.shape[0] - 1, present.shape[1] - 1)
    if dimensions < 1:
        return np.asarray(weighted.todense(), np.float32)
    return unit_rows(TruncatedSVD(dimensions, random_state=0).fit_transform(weighted).astype(np.float32))
