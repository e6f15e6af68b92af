"""Clusters of wordings by what they say and by what is said around them.

"Yes" and "no" are neighbours in every encoder's space and opposites in every flow; "that's all" and "nothing
else, bye" are far apart and do the same. What tells is the turn before and, above all, the turn after. So fine
clusters of texts are joined by three kinds of evidence of equal weight: their text, the distribution of the
actions before them, and the distribution of those after. As the neighbours' clusters grow truer, so does the
evidence, and a few rounds settle it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mining.clustering import Labels, best_clusters, centroids_of, fine_clusters, side_by_side
from mining.wordings import Spoken
from taskflow.encoders import Vectors, unit_rows
from taskflow.model import Speaker

_ROUNDS = 3
_SHRINK = 2.0  # occurrences' worth of belief that a fine cluster's neighbours are those of all

Counts = NDArray[np.float32]


class Talker:
    """One speaker's wordings in fine clusters, and how those are joined.

    The number of clusters is sought from half to twice the root of the number of wordings: outside that band
    the silhouette is no guide, as it likes two halves, and it likes everything alone.
    """

    def __init__(self, spoken: Spoken, speaker: Speaker, dense: Vectors, sample_size: int) -> None:
        wordings = spoken.wordings[speaker]
        counts = np.array([wording.count for wording in wordings], np.float32)
        points = side_by_side([wording.text for wording in wordings], dense)
        self.speaker = speaker
        self.fine = fine_clusters(points, [wording.count for wording in wordings], sample_size)
        self._sizes = np.bincount(self.fine, counts).astype(np.float32)
        self.text = centroids_of(points, self.fine, np.log1p(counts))

    def join_by_text(self) -> Labels:
        """One label a wording, 0-based; what is of one fine cluster stays together."""
        return self._join([self.text])

    def join_in_context(self, spoken: Spoken, labels: Mapping[Speaker, Labels]) -> Labels:
        """The same, by what is said before and after too, as `labels` group it."""
        trust = np.sqrt(self._sizes / (self._sizes + _SHRINK))[:, None]
        around = _neighbours(spoken, self.speaker, self.fine, labels)
        return self._join([self.text, *(trust * _telling(counts, self._sizes) for counts in around)])

    def _join(self, evidence: Sequence[Vectors]) -> Labels:
        root = math.sqrt(len(self.fine))
        joined = best_clusters(unit_rows(np.hstack(evidence)), self._sizes, math.ceil(root / 2), math.ceil(root * 2))
        return joined[self.fine]


def cluster_in_context(
    spoken: Spoken, talkers: Sequence[Talker], labels: Mapping[Speaker, Labels]
) -> dict[Speaker, Labels]:
    """Better labels from first ones; those of a speaker without a talker stay as they are."""
    settled = dict(labels)
    for _ in range(_ROUNDS):
        settled |= {talker.speaker: talker.join_in_context(spoken, settled) for talker in talkers}
    return settled


def _neighbours(
    spoken: Spoken, speaker: Speaker, fine: Labels, labels: Mapping[Speaker, Labels]
) -> tuple[Counts, Counts]:
    """How often each cluster stands before, and after, each fine cluster; no neighbour at all is column 0."""
    start, width = {}, 1
    for other in Speaker:
        start[other] = width
        width += int(labels[other].max()) + 1 if len(labels[other]) else 0
    before = np.zeros((int(fine.max()) + 1, width), np.float32)
    after = np.zeros_like(before)
    for dialogue in spoken.dialogues:
        columns = [0, *(start[who] + int(labels[who][place]) for who, place in dialogue), 0]
        for turn, (who, place) in enumerate(dialogue):
            if who is speaker:
                before[fine[place], columns[turn]] += 1
                after[fine[place], columns[turn + 2]] += 1
    return before, after


def _telling(counts: Counts, sizes: Counts) -> Vectors:
    """Distributions as unit rows (square roots, so that products are affinities), less what all have in common."""
    everywhere = counts.sum(axis=0) / max(float(counts.sum()), 1.0)
    shrunk = (counts + _SHRINK * everywhere) / (counts.sum(axis=1, keepdims=True) + _SHRINK)
    roots = np.sqrt(shrunk)
    return unit_rows(np.asarray(roots - np.average(roots, axis=0, weights=sizes), np.float32))
