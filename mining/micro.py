"""More rows than linkage can take, in many small clusters: k-means within k-means, linear in the number of rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from mining.engine import Engine
from mining.rows import chunks
from taskflow.encoders import Vectors, unit_rows

Labels = NDArray[np.int64]

_RARE = 4  # rows of the sample that are drawn at random, for each one that is there for being common


@dataclass(frozen=True, slots=True)
class _Prototypes:
    """Centroids of coarse clusters, those of the small ones within each, and the number of the first of these."""

    coarse: Vectors
    small: tuple[Vectors, ...]
    first: tuple[int, ...]


def micro_clusters(points: Vectors, commonest: Labels, most: int, engine: Engine) -> Labels:
    """About `most` clusters of unit rows, 0-based, none of them empty; `commonest` are the rows' places in order.

    The commonest half of so many rows stand alone, as they say most of what is said. The centroids of the others
    are fitted to a sample of them, and every one goes to the coarse cluster that is nearest, and to the nearest
    small one within it.
    """
    alone, others = np.split(commonest, [most // 2])
    drawn = np.random.default_rng(0).permutation(len(others) - len(alone))[: _RARE * len(alone)] + len(alone)
    sample = points[np.concatenate([others[: len(alone)], others[np.sort(drawn)]])]
    others = np.sort(others)
    parts = engine.map(
        _nearest, _fit(sample, most - len(alone)), (points[others[part]] for part in chunks(len(others)))
    )
    labels = np.empty(len(points), np.int64)
    labels[alone] = np.arange(len(alone))
    labels[others] = len(alone) + np.unique(np.concatenate(list(parts)), return_inverse=True)[1]
    return labels


def _fit(sample: Vectors, most: int) -> _Prototypes:
    coarse, labels = _means(sample, math.ceil(math.sqrt(most)))
    small = []
    for label in range(len(coarse)):
        members = sample[labels == label]
        small.append(_means(members, max(1, most * len(members) // len(sample)))[0])
    firsts = np.cumsum([0, *(len(centroids) for centroids in small)])[:-1]
    return _Prototypes(coarse, tuple(small), tuple(firsts.tolist()))


def _means(rows: Vectors, number: int) -> tuple[Vectors, Labels]:
    number = min(number, len(np.unique(rows, axis=0)))
    with threadpool_limits(1):  # threads would add up in another order each time
        fitted = KMeans(number, n_init=1, random_state=0, max_iter=10).fit(rows)
    return unit_rows(fitted.cluster_centers_), np.asarray(fitted.labels_, np.int64)


def _nearest(prototypes: _Prototypes, rows: Vectors) -> Labels:
    labels = np.empty(len(rows), np.int64)
    with threadpool_limits(1):  # as in every other process
        near = np.argmax(rows @ prototypes.coarse.T, axis=1)
        for label in np.unique(near):
            own = near == label
            labels[own] = prototypes.first[label] + np.argmax(rows[own] @ prototypes.small[label].T, axis=1)
    return labels
