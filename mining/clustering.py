"""Grouping points: average linkage cut where the silhouette is best, and sums over groups."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import csr_matrix
from scipy.spatial.distance import squareform
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.extmath import randomized_svd
from threadpoolctl import threadpool_limits

from mining.engine import LOCAL, Engine
from mining.micro import micro_clusters
from mining.rows import chunks, empty_rows
from taskflow.encoders import Vectors, unit_rows

Labels = NDArray[np.int64]

_LEXICAL_DIMENSIONS = 256
_LEXICAL_SAMPLE = 5_000  # texts from which the n-grams and their directions are learnt
_MOST_GRAMS = 20_000  # of such a sample, the commonest
_CUTS = 24  # numbers of clusters tried, spread evenly on a logarithmic scale
_CROWD = 15  # fine clusters for each unit of the root of the number of points
_MOST_FINE = 2_000  # of them: joining them, too, takes the square of their number


def fine_clusters(points: Vectors, counts: Sequence[int], sample_size: int, engine: Engine = LOCAL) -> Labels:
    """Many small clusters of unit rows, 0-based: what one of them holds says the same, but not all of it.

    Linkage needs memory and time in the square of what it links, so that of more than `sample_size` rows it links
    the centroids of so many micro-clusters, which are linear in the number of rows.
    """
    if len(points) < 3:
        return np.arange(len(points))
    if len(points) > sample_size:
        micro = micro_clusters(points, _highest_first(counts), sample_size, engine)
        tree, _ = _link(centroids_of(points, micro, np.ones(len(points), np.float32)))
        return _cut(tree, min(_MOST_FINE, math.ceil(_CROWD * math.sqrt(len(points)))))[micro]
    order = _highest_first(counts)
    tree, _ = _link(points[order])
    labels = np.empty(len(points), np.int64)
    labels[order] = _cut(tree, min(len(points), math.ceil(_CROWD * math.sqrt(len(points)))))
    return labels


def best_clusters(points: Vectors, sizes: NDArray[np.float32], fewest: int, most: int) -> Labels:
    """Clusters of unit rows, 0-based; their number, from `fewest` to `most`, is that of the best silhouette.

    `sizes` says how often each point occurs.
    """
    if len(points) < 3:
        return np.arange(len(points))
    tree, distances = _link(points)
    fewest, most = max(1, min(fewest, len(points))), max(1, min(most, len(points)))
    tried = np.unique(np.geomspace(fewest, most, _CUTS).astype(int))
    return max((_cut(tree, int(number)) for number in tried), key=lambda labels: _silhouette(distances, sizes, labels))


def centroids_of(points: Vectors, labels: Labels, weights: NDArray[np.float32]) -> Vectors:
    """The weighted mean direction of every label's points, a unit row each."""
    sums = np.zeros((int(labels.max()) + 1, points.shape[1]), np.float32)
    for part in chunks(len(points)):
        np.add.at(sums, labels[part], points[part] * weights[part, None])
    return unit_rows(sums)


def side_by_side(texts: Sequence[str], dense: Vectors, engine: Engine = LOCAL) -> Vectors:
    """Dense vectors and character n-grams (reduced), of equal weight: neither is better everywhere.

    Which n-grams there are, and the directions to which they are reduced, is learnt from a sample of many texts.
    """
    if len(texts) > _LEXICAL_SAMPLE:
        return _many_side_by_side(texts, dense, engine)
    lexical = _character_grams(2 if len(texts) > 500 else 1)
    try:
        counted = lexical.fit_transform(texts)
    except ValueError:  # no text has a word: there is no lexical evidence
        return dense
    dimensions = min(_LEXICAL_DIMENSIONS, counted.shape[0] - 1, counted.shape[1] - 1)
    if dimensions < 1:
        return dense
    return unit_rows(np.hstack([dense, reduced_rows(counted, dimensions)]))


def _character_grams(least: int, most: int | None = None) -> TfidfVectorizer:
    return TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, min_df=least, max_features=most)


def _many_side_by_side(texts: Sequence[str], dense: Vectors, engine: Engine) -> Vectors:
    drawn = np.sort(np.random.default_rng(0).permutation(len(texts))[:_LEXICAL_SAMPLE])
    lexical = _character_grams(2, _MOST_GRAMS)
    try:
        counted = lexical.fit_transform([texts[place] for place in drawn])
    except ValueError:
        return dense
    dimensions = min(_LEXICAL_DIMENSIONS, counted.shape[1] - 1)
    if dimensions < 1:
        return dense
    _, _, directions = randomized_svd(counted, dimensions, n_iter=2, random_state=0)
    points = empty_rows(len(texts), dense.shape[1] + dimensions)
    parts = engine.map(
        _reduced_texts, (lexical, directions.T.astype(np.float32)), (texts[part] for part in chunks(len(texts)))
    )
    for part, reduced in zip(chunks(len(texts)), parts, strict=True):
        points[part] = unit_rows(np.hstack([dense[part], reduced]))
    return points


def _reduced_texts(learnt: tuple[TfidfVectorizer, Vectors], texts: Sequence[str]) -> Vectors:
    lexical, directions = learnt
    with threadpool_limits(1):  # as in every other process
        return unit_rows(lexical.transform(texts) @ directions)


def reduced_rows(table: csr_matrix, dimensions: int) -> Vectors:
    """The rows in their first singular directions (latent semantic analysis), as unit rows."""
    left, values, _ = randomized_svd(table, dimensions, random_state=0)
    return unit_rows(np.asarray(left * values, np.float32))


def _highest_first(counts: Sequence[int]) -> NDArray[np.int64]:
    """Among equals in a fixed shuffle, so that a sample is not the start of the file."""
    shuffled = np.random.default_rng(0).permutation(len(counts))
    return np.asarray(shuffled[np.argsort(-np.asarray(counts)[shuffled], kind="stable")], np.int64)


def _link(points: Vectors) -> tuple[NDArray[np.float64], Vectors]:
    distances = np.clip(1.0 - points @ points.T, 0.0, 2.0)
    distances = (distances + distances.T) / 2
    np.fill_diagonal(distances, 0.0)
    return linkage(squareform(distances, checks=False), method="average"), distances


def _cut(tree: NDArray[np.float64], number: int) -> Labels:
    return np.asarray(fcluster(tree, number, "maxclust"), np.int64) - 1


def _silhouette(distances: Vectors, sizes: NDArray[np.float32], labels: Labels) -> float:
    """Mean silhouette; a single cluster counts as 0.

    A point alone in its cluster counts as far as it lies from all others, if it occurs often: an agent's canned
    text is an action by itself, a text said once is none.
    """
    number = int(labels.max()) + 1
    if number < 2:
        return 0.0
    size = np.bincount(labels, minlength=number)
    rows = np.arange(len(labels))
    members = csr_matrix((np.ones(len(labels), np.float32), (rows, labels)))
    sums = np.asarray((members.T @ distances).T)
    within = sums[rows, labels] / np.maximum(size[labels] - 1, 1)
    means = sums / size
    means[rows, labels] = np.inf
    nearest = means.min(axis=1)
    scores = (nearest - within) / np.maximum(np.maximum(nearest, within), 1e-12)
    alone = np.minimum(nearest, 1.0) * (sizes - 1) / (sizes + 1)
    return float(np.where(size[labels] > 1, scores, alone).mean())
