"""Clusters as the configuration `paper` finds them: fine k-means, merged where they are near, then the nearest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import AgglomerativeClustering, KMeans
from threadpoolctl import threadpool_limits

from mining.config import PaperConfig
from taskflow.encoders import Vectors, unit_rows

Labels = NDArray[np.int64]
OTHER = -1
_CHUNK = 8_192


def label_rows(rows: Vectors, counts: NDArray[np.float32], config: PaperConfig) -> Labels:
    """A cluster for each unit row, 0-based, or OTHER; `counts` says how often each was said."""
    fine = _fine(rows, counts, config.fine_clusters)
    merged = _merged(_centroids(rows, counts, fine), config.merge_above)
    return _nearest(rows, _centroids(rows, counts, merged[fine]), config.label_above)


def _fine(rows: Vectors, counts: NDArray[np.float32], number: int) -> Labels:
    number = min(number, len(np.unique(rows, axis=0)))
    with threadpool_limits(1):  # threads would add up in another order each time
        fitted = KMeans(number, n_init=1, random_state=0).fit(rows, sample_weight=counts)
    return np.unique(fitted.labels_, return_inverse=True)[1].astype(np.int64)


def _merged(centroids: Vectors, above: float) -> Labels:
    """Centroids whose mean cosine is at least `above` are one."""
    if len(centroids) < 2:
        return np.zeros(len(centroids), np.int64)
    linked = AgglomerativeClustering(None, metric="cosine", linkage="average", distance_threshold=1 - above)
    return np.asarray(linked.fit_predict(centroids), np.int64)


def _centroids(rows: Vectors, counts: NDArray[np.float32], labels: Labels) -> Vectors:
    sums = np.zeros((int(labels.max()) + 1, rows.shape[1]), np.float32)
    np.add.at(sums, labels, rows * counts[:, None])
    return unit_rows(sums)


def _nearest(rows: Vectors, centroids: Vectors, above: float) -> Labels:
    labels = np.empty(len(rows), np.int64)
    for start in range(0, len(rows), _CHUNK):
        cosines = rows[start : start + _CHUNK] @ centroids.T
        best = cosines.argmax(axis=1)
        labels[start : start + _CHUNK] = np.where(cosines.max(axis=1) >= above, best, OTHER)
    return labels
