"""Clusters of wordings by what they say and by what is said around them.

"Yes" and "no" are neighbours in every encoder's space and opposites in every flow; "that's all" and "nothing
else, bye" are far apart and do the same. What tells is the turn before and, above all, the turn after. So fine
clusters of texts are joined by three kinds of evidence of equal weight: their text, the distribution of the
actions before them, and the distribution of those after. As the neighbours' clusters grow truer, so does the
evidence, and a few rounds settle it.

An agent's fine cluster also borrows its neighbours from the few that sound most like it, since agents who sound
alike do alike. Customers do not: "it is here" and "it is not here" sound alike, so theirs borrow nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mining.clustering import Labels, best_clusters, centroids_of, fine_clusters, side_by_side
from mining.engine import LOCAL, Engine
from mining.wordings import SPEAKERS, Part, Spoken
from taskflow.encoders import Vectors, unit_rows
from taskflow.model import Speaker

_ROUNDS = 3
_SHRINK = 2.0  # occurrences' worth of belief that a fine cluster's neighbours are those of all
_LENDERS = 5  # fine clusters of an agent from which one borrows, by the fourth power of their cosine
_FEWEST, _MOST = 1.0, 3.0  # clusters sought, for each unit of the root of the number of wordings

Counts = NDArray[np.float32]


class Talker:
    """One speaker's wordings in fine clusters, and how those are joined.

    The number of clusters is sought from the root of the number of wordings upwards: outside that band the
    silhouette is no guide, as it likes two halves, and it likes everything alone.
    """

    def __init__(
        self, spoken: Spoken, speaker: Speaker, dense: Vectors, sample_size: int, engine: Engine = LOCAL
    ) -> None:
        wordings = spoken.wordings[speaker]
        counts = np.array([wording.count for wording in wordings], np.float32)
        points = side_by_side([wording.text for wording in wordings], dense, engine)
        self.speaker = speaker
        self.points = points
        self.fine = fine_clusters(points, [wording.count for wording in wordings], sample_size, engine)
        self._engine = engine
        self._sizes = np.bincount(self.fine, counts).astype(np.float32)
        self.text = centroids_of(points, self.fine, np.log1p(counts))

    def join_by_text(self) -> Labels:
        """One label a wording, 0-based; what is of one fine cluster stays together."""
        return self._join([self.text])

    def join_in_context(self, spoken: Spoken, labels: Mapping[Speaker, Labels]) -> Labels:
        """The same, by what is said before and after too, as `labels` group it."""
        around: Sequence[Counts] = neighbours(spoken, self.speaker, self.fine, labels, self._engine)
        if self.speaker is Speaker.AGENT:
            around = [_lent(self.text, counts) for counts in around]
        return self._join([self.text, *(_trusted(counts, self._sizes) for counts in around)])

    def _join(self, evidence: Sequence[Vectors]) -> Labels:
        root = math.sqrt(len(self.fine))
        points = unit_rows(np.hstack(evidence))
        joined = best_clusters(points, self._sizes, math.ceil(_FEWEST * root), math.ceil(_MOST * root))
        return joined[self.fine]


def cluster_in_context(
    spoken: Spoken, talkers: Sequence[Talker], labels: Mapping[Speaker, Labels]
) -> dict[Speaker, Labels]:
    """Better labels from first ones; those of a speaker without a talker stay as they are."""
    settled = dict(labels)
    for _ in range(_ROUNDS):
        settled |= {talker.speaker: talker.join_in_context(spoken, settled) for talker in talkers}
    return settled


@dataclass(frozen=True, slots=True)
class _Columns:
    """What is counted: whose fine clusters (rows), and the column of each wording of each speaker."""

    speaker: int
    fine: Labels
    of_wording: tuple[Labels, ...]
    width: int


def neighbours(
    spoken: Spoken, speaker: Speaker, fine: Labels, labels: Mapping[Speaker, Labels], engine: Engine
) -> tuple[Counts, Counts]:
    """How often each cluster stands before, and after, each fine cluster; no neighbour at all is column 0."""
    of_wording, width = [], 1
    for other in SPEAKERS:
        of_wording.append(width + labels[other])
        width += int(labels[other].max()) + 1 if len(labels[other]) else 0
    columns = _Columns(SPEAKERS.index(speaker), fine, tuple(of_wording), width)
    before, after = np.zeros((2, int(fine.max()) + 1, width), np.int64)
    for counted_before, counted_after in engine.map(_count, columns, spoken.dialogues.parts()):
        before += counted_before
        after += counted_after
    return before.astype(np.float32), after.astype(np.float32)


def _count(columns: _Columns, part: Part) -> tuple[Labels, Labels]:
    """The neighbours in some of the dialogues."""
    column = np.zeros(len(part.places) + 2, np.int64)
    for code, of_wording in enumerate(columns.of_wording):
        own = np.flatnonzero(part.speakers == code)
        column[own + 1] = of_wording[part.places[own]]
    before, after = column[:-2].copy(), column[2:].copy()
    # An empty dialogue starts where the next one does.
    before[part.starts[:-1][part.starts[:-1] < len(before)]] = 0
    after[part.starts[1:][part.starts[1:] > 0] - 1] = 0
    own = np.flatnonzero(part.speakers == columns.speaker)
    rows = columns.fine[part.places[own]] * columns.width
    shape = int(columns.fine.max()) + 1, columns.width
    size = shape[0] * shape[1]
    return (
        np.bincount(rows + before[own], minlength=size).reshape(shape),
        np.bincount(rows + after[own], minlength=size).reshape(shape),
    )


def _lent(text: Vectors, counts: Counts) -> Counts:
    """The counts with those of the most alike texts added."""
    likeness = text @ text.T
    np.fill_diagonal(likeness, 0.0)
    lenders = min(_LENDERS, len(text) - 1)
    if lenders < 1:
        return counts
    least = np.partition(likeness, -lenders, axis=1)[:, -lenders, None]
    weights = np.where(likeness >= least, np.maximum(likeness, 0.0) ** 4, 0.0)
    return np.asarray(counts + weights @ counts, np.float32)


def _trusted(counts: Counts, sizes: Counts) -> Vectors:
    """What the counts tell, shorter where there are few of them."""
    seen = counts.sum(axis=1)
    return np.asarray(np.sqrt(seen / (seen + _SHRINK))[:, None] * _telling(counts, sizes), np.float32)


def _telling(counts: Counts, sizes: Counts) -> Vectors:
    """Distributions as unit rows (square roots, so that products are affinities), less what all have in common."""
    everywhere = counts.sum(axis=0) / max(float(counts.sum()), 1.0)
    shrunk = (counts + _SHRINK * everywhere) / (counts.sum(axis=1, keepdims=True) + _SHRINK)
    roots = np.sqrt(shrunk)
    return unit_rows(np.asarray(roots - np.average(roots, axis=0, weights=sizes), np.float32))
