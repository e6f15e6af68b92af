"""How sure one may be that a text is an action: probabilities fitted on exemplars that are held out from the index.

The likeness of a text to an action is no probability: what a cosine means depends on the encoder, the language, and on
how close the actions are to each other. So when a version is published, its own exemplars are taken as messages, fold
by fold, with an index that lacks them; two numbers are fitted to what comes out, and what they promise is checked on
wordings that had no part in the fit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from taskflow.encoders import Vectors
from taskflow.model import Assistant, DialogueAction, Speaker
from taskflow.retrieval import ExemplarIndex, exemplar_texts, normalise

Floats = NDArray[np.float64]

# Measured on our own corpus and on STAR: an assistant with few exemplars keeps close to them.
_SHARPNESS, _OUTSIDE = 15.0, 0.45
_SPREAD = (0.5, 0.15)  # of log sharpness and of outside, from one assistant to the next, and more
_BOUNDS = ((0.0, math.log(100.0)), (-1.0, 1.0))
_STRANGERS = 0.1  # of the new wordings are of no known action: no index can tell how many, so this is assumed
_FOLDS = 5
_NEARLY_THE_SAME = 0.9  # cosine
_MOST_HELD = 2_000  # two numbers need no more
_NEVER = -30.0  # the likeness to an action that has no exemplar left: its weight is nothing
_BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Held-out wordings whose best action has about the same probability.

    `probability` is their mean, `right` the share whose action that was, `share` how many of all they are.
    """

    probability: float
    right: float
    share: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How likeness becomes a probability, from which one on to act, and what that comes to.

    P(action | text) is proportional to exp(sharpness x likeness), and that of no known action to
    exp(sharpness x outside): a text whose likeness to one action is `outside` and to all others less is as probably of
    none. `accept` is the least probability that is acted upon, however cheap an error is. Of new wordings the share
    `coverage` is acted upon at `accept`, and of these `expected_error` are wrong: None where nothing is acted upon.
    Both are measured on `held` wordings, each by numbers fitted without it, and with one new wording in ten assumed to
    be of no known action. Without arguments: what is used where an assistant has too little to be held out.
    """

    sharpness: float = _SHARPNESS
    outside: float = _OUTSIDE
    accept: float = 0.5
    expected_error: float | None = None
    coverage: float = 0.0
    held: int = 0
    reliability: tuple[Bin, ...] = ()

    @property
    def calibration_error(self) -> float | None:
        """The expected calibration error: how far `reliability` is from probability = right, in the mean."""
        return sum(b.share * abs(b.probability - b.right) for b in self.reliability) if self.reliability else None

    def likelihood(self, likeness: float) -> float:
        """P(text | action) in units of P(text | no known action)."""
        return math.exp(self.sharpness * (likeness - self.outside))

    def probabilities(
        self, likeness: Sequence[float] | Vectors | Floats, prior: Sequence[float] | None = None
    ) -> Floats:
        """P of each candidate, on the last axis, and after them P of no known action; together one.

        `prior` is how probable each candidate was before the text was read, up to a common factor; without it all are
        equally so. Either way no known action is as probable beforehand as a candidate is in the mean.
        """
        like = np.asarray(likeness, np.float64)
        outside = np.full((*like.shape[:-1], 1), self.outside)
        weights = np.exp(self.sharpness * (np.concatenate([like, outside], axis=-1) - 1.0))
        if prior is not None:
            before = np.asarray(prior, np.float64)
            weights[..., :-1] *= before / before.mean() if before.any() else 0.0
        return np.asarray(weights / weights.sum(axis=-1, keepdims=True), np.float64)

    def threshold(self, cost: float) -> float:
        """The least probability at which to act, where acting wrongly is `cost` times as bad as asking in vain.

        To act costs (1 - P) x cost in the mean. To ask costs P: the question was in vain where the action was right,
        and needed where it was not. So acting is the better from P = cost / (cost + 1) on: a half where both are
        equally bad, 0.9 where a wrong refund is nine times worse than a question. Never below `accept`.
        """
        if not 0 <= cost < math.inf:
            raise ValueError(f"a wrong action cannot cost {cost} times a question: give a number from 0 up")
        return max(self.accept, cost / (cost + 1))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Calibration:
        return cls(**{**value, "reliability": tuple(Bin(**part) for part in value["reliability"])})


def calibrate(assistant: Assistant, vectors: Vectors, speaker: Speaker = Speaker.USER) -> Calibration:
    """Fit a calibration to one speaker's actions, `vectors` in the order of `exemplar_texts`. Deterministic.

    A wording whose action has no other left is of no known action, and so is every wording once more with its own
    action hidden.
    """
    held = _hold_out(assistant, vectors, speaker)
    if not held.known.any():
        return Calibration()
    judged = _Judged.of(held)
    sharpness, outside = _fit(held)
    reliability = judged.reliability()
    accept = _least_costly(reliability)
    accepted = judged.probability >= accept
    coverage = float(judged.weight[accepted].sum())
    wrong = float(judged.weight[accepted & ~judged.right].sum())
    return Calibration(
        sharpness=sharpness,
        outside=outside,
        accept=accept,
        expected_error=wrong / coverage if coverage else None,
        coverage=coverage,
        held=len(held.own),
        reliability=reliability,
    )


@dataclass(frozen=True, slots=True)
class _HeldOut:
    """Likeness of held-out wordings to their `own` action and to the `others` (wordings, actions; own one: never)."""

    own: Floats
    others: Floats
    fold: NDArray[np.int64]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which wordings' action has other wordings in the index."""
        return self.own > _NEVER

    def part(self, chosen: NDArray[np.bool_]) -> _HeldOut:
        return _HeldOut(self.own[chosen], self.others[chosen], self.fold[chosen])

    def weights(self) -> tuple[Floats, Floats]:
        """Of each wording as one of its action, and as one of no known action; in sum as many as there are."""
        count, known = len(self.own), self.known
        as_known = known.astype(np.float64) * ((1 - _STRANGERS) * count / max(1, int(known.sum())))
        return as_known, np.full(count, _STRANGERS, np.float64)


@dataclass(frozen=True, slots=True)
class _Judged:
    """The probability of each wording's best action, by a fit on the other folds, and whether it is the right one.

    Every wording twice: with its own action and with that one hidden; the weights are one in sum.
    """

    probability: Floats
    right: NDArray[np.bool_]
    weight: Floats

    @classmethod
    def of(cls, held: _HeldOut) -> _Judged:
        best_other = held.others.max(axis=1)
        likeness = np.column_stack([held.own, held.others])
        probability = np.empty((2, len(held.own)))
        for fold in np.unique(held.fold):
            inside = held.fold == fold
            fitted = Calibration(*_fit(held.part(~inside)))
            seen = fitted.probabilities(likeness[inside])[:, :-1]
            probability[0, inside] = seen.max(axis=1)
            probability[1, inside] = fitted.probabilities(held.others[inside])[:, :-1].max(axis=1)
        right = np.stack([held.own > best_other, np.zeros(len(held.own), bool)])
        weight = np.concatenate(held.weights())
        return cls(probability.ravel(), right.ravel(), weight / weight.sum())

    def reliability(self) -> tuple[Bin, ...]:
        """Bins of equal width; those that nothing falls into are left out."""
        bins = np.minimum((self.probability * _BINS).astype(int), _BINS - 1)
        found = []
        for place in range(_BINS):
            weight = self.weight * (bins == place)
            share = float(weight.sum())
            if share > 0:
                mean = float(weight @ self.probability) / share
                found.append(Bin(mean, float(weight @ self.right) / share, share))
        return tuple(found)


def _hold_out(assistant: Assistant, vectors: Vectors, speaker: Speaker) -> _HeldOut:
    """Wordings that say nearly the same are in one fold; what says nearly the same as one of a fold is out with it."""
    actions = [action for action in assistant.actions if _is_recognised(action, speaker)]
    owner = np.repeat(np.arange(len(actions)), [len(action.exemplars) for action in actions])
    if len(owner) != len(vectors):
        raise ValueError(f"{len(owner)} exemplars but {len(vectors)} vectors")
    texts = np.array([exemplar.text for action in actions for exemplar in action.exemplars], object)
    held = np.unique(np.linspace(0, len(owner) - 1, min(len(owner), _MOST_HELD)).round().astype(int))
    cosines = vectors[held] @ vectors.T
    wording = np.unique([normalise(text) for text in texts], return_inverse=True)[1]
    same = (cosines >= _NEARLY_THE_SAME) | (wording[held, None] == wording)
    fold = connected_components(csr_matrix(same[:, held]), directed=False)[1].astype(np.int64) % _FOLDS
    likeness = np.full((len(held), max(1, len(actions))), _NEVER)
    for number in np.unique(fold):
        rows = np.flatnonzero(fold == number)
        kept = ~same[rows].any(axis=0)
        kept[held[rows]] = False
        if kept.any():
            index = ExemplarIndex(_reduced(actions, kept), speaker, vectors[kept])
            columns = np.ix_(rows, np.unique(owner[kept]))
            likeness[columns] = index.likeness(texts[held[rows]].tolist(), cosines[np.ix_(rows, kept)])
    truth = (np.arange(len(held)), owner[held])
    own = likeness[truth].copy()
    likeness[truth] = _NEVER
    return _HeldOut(own, likeness, fold)


def _is_recognised(action: DialogueAction, speaker: Speaker) -> bool:
    return bool(exemplar_texts(Assistant("", (action,), ()), speaker))


def _reduced(actions: Sequence[DialogueAction], kept: NDArray[np.bool_]) -> Assistant:
    """The actions with the exemplars that are kept; those that keep none are left out by the index."""
    stays = iter(kept.tolist())
    return Assistant(
        "",
        tuple(replace(action, exemplars=tuple(said for said in action.exemplars if next(stays))) for action in actions),
        (),
    )


def _fit(held: _HeldOut) -> tuple[float, float]:
    """Sharpness and outside: the likeliest ones, given the held-out wordings and where they usually are."""
    weights = held.weights()
    start = np.array([math.log(_SHARPNESS), _OUTSIDE])
    found = minimize(_loss, start, args=(held, *weights), jac=True, method="L-BFGS-B", bounds=_BOUNDS)
    return math.exp(float(found.x[0])), float(found.x[1])


def _loss(at: Floats, held: _HeldOut, as_known: Floats, as_stranger: Floats) -> tuple[float, Floats]:
    """- log P of the held-out wordings and of the two numbers, with its gradient by log sharpness and outside.

    With z = sharpness x (likeness - 1), every wording has -log softmax of its own action among all, and of no known
    action among the others; the gradient by sharpness is the mean likeness less that of the true one.
    """
    sharpness, outside = math.exp(at[0]), at[1]
    others = np.exp(sharpness * (held.others - 1.0))
    none, own = math.exp(sharpness * (outside - 1.0)), np.exp(sharpness * (held.own - 1.0))
    rest = others.sum(axis=1) + none
    total = rest + own
    rest_like = np.einsum("ij,ij->i", others, held.others) + none * outside
    total_like = rest_like + own * held.own
    known_loss = np.log(total) - sharpness * (held.own - 1.0)
    stranger_loss = np.log(rest) - sharpness * (outside - 1.0)
    by_sharpness = as_known @ (total_like / total - held.own) + as_stranger @ (rest_like / rest - outside)
    by_outside = as_known @ (none / total) + as_stranger @ (none / rest - 1.0)
    away = (at - np.array([math.log(_SHARPNESS), _OUTSIDE])) / np.array(_SPREAD)
    loss = as_known @ known_loss + as_stranger @ stranger_loss + away @ away / 2
    gradient = np.array([by_sharpness * sharpness, by_outside * sharpness]) + away / np.array(_SPREAD)
    return float(loss), gradient


def _least_costly(reliability: Sequence[Bin]) -> float:
    """From a half up, the edge of a bin at which errors and vain questions are fewest; the least of several."""
    edges = [place / _BINS for place in range(_BINS // 2, _BINS)]

    def cost(edge: float) -> float:
        return sum(b.share * ((1 - b.right) if b.probability >= edge else b.right) for b in reliability)

    return min(edges, key=cost)
