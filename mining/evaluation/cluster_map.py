"""The actions of a speaker as a map: wordings that mean alike lie near one another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from taskflow.encoders import Vectors, unit_rows
from taskflow.model import Assistant, DialogueAction, Speaker

Encode = Callable[[Sequence[str]], Vectors]
Plane = NDArray[np.float64]

COLOURS = 10  # actions with a colour of their own, and a number; the others are grey
_MOST_ACTIONS = 60
_MOST_WORDINGS = 8  # of an action
_TOO_FEW = 30  # points for neighbourhoods: their first two directions show them better
_SIDE = 400.0
_MARGIN = 18.0


@dataclass(frozen=True, slots=True)
class Dot:
    """A wording, or the middle of an action (`radius` by its support); `colour` counts from 0, None is grey."""

    x: float
    y: float
    radius: float
    colour: int | None
    title: str


@dataclass(frozen=True, slots=True)
class ClusterMap:
    """Dots in a square of `side`; `middles` the largest first, and those of them with a colour are numbered."""

    speaker: Speaker
    side: float
    wordings: tuple[Dot, ...]
    middles: tuple[Dot, ...]
    shown: tuple[DialogueAction, ...]
    hidden: int


def cluster_map(assistant: Assistant, speaker: Speaker, encode: Encode) -> ClusterMap | None:
    """None where the speaker has no action with a wording. The same assistant gives the same map."""
    own = [action for action in assistant.actions if action.speaker is speaker and action.exemplars]
    own.sort(key=lambda action: (-action.support, action.id))
    shown = own[:_MOST_ACTIONS]
    if not shown:
        return None
    exemplars = [(place, one) for place, action in enumerate(shown) for one in action.exemplars[:_MOST_WORDINGS]]
    owner = np.array([place for place, _ in exemplars])
    rows = encode([exemplar.text for _, exemplar in exemplars])
    counts = np.array([exemplar.count for _, exemplar in exemplars], np.float32)
    sums = np.zeros((len(shown), rows.shape[1]), np.float32)
    np.add.at(sums, owner, rows * counts[:, None])
    placed = _in_the_square(_on_a_plane(np.vstack([unit_rows(sums), rows])))
    middles, wordings = placed[: len(shown)], placed[len(shown) :]
    largest = max(1, shown[0].support)
    return ClusterMap(
        speaker,
        _SIDE,
        tuple(
            Dot(*_point(wordings[row]), 2.4, _colour(place), f"{exemplar.text} ({exemplar.count})\n{shown[place].name}")
            for row, (place, exemplar) in enumerate(exemplars)
        ),
        tuple(
            Dot(*_point(middles[place]), 3 + 8 * (action.support / largest) ** 0.5, _colour(place), _title(action))
            for place, action in enumerate(shown)
        ),
        tuple(shown),
        len(own) - len(shown),
    )


def _on_a_plane(rows: Vectors) -> Plane:
    """By neighbourhoods (t-SNE) from the first two directions; few points by these directions alone."""
    centred = np.asarray(rows, np.float64) - rows.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    first = np.zeros((len(rows), 2))
    first[:, : min(2, len(values))] = (left * values)[:, :2]
    spread = float(first.std(axis=0)[0])
    if len(rows) < _TOO_FEW or spread == 0:
        return first
    start = np.asarray(first / spread * 1e-4, np.float32)
    perplexity = min(30.0, (len(rows) - 1) / 4)
    with threadpool_limits(1):  # threads would add up in another order each time
        return np.asarray(TSNE(perplexity=perplexity, init=start, random_state=0).fit_transform(rows), np.float64)


def _in_the_square(plane: Plane) -> Plane:
    low, high = plane.min(axis=0), plane.max(axis=0)
    extent = np.where(high > low, high - low, 1.0)
    return np.asarray(_MARGIN + (plane - low) / extent * (_SIDE - 2 * _MARGIN))


def _point(row: Plane) -> tuple[float, float]:
    return round(float(row[0]), 1), round(float(row[1]), 1)


def _colour(place: int) -> int | None:
    return place if place < COLOURS else None


def _title(action: DialogueAction) -> str:
    return f"{action.name} ({action.support})"
