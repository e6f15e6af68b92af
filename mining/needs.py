"""Which needs the customers of a corpus have.

Dialogues of one need share their actions: a need is a component of a mixture in which every action is present or
not on its own (multivariate Bernoulli). The number of needs is the one with the shortest description (BIC).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.feature_extraction.text import TfidfTransformer

from mining.clustering import Labels, reduced_rows
from taskflow.encoders import unit_rows
from taskflow.model import Speaker

Action = tuple[Speaker, int]
Dialogues = Sequence[Sequence[Action]]
Table = NDArray[np.float32]

_SMALLEST = 5  # dialogues that a need has, at the least
_SMALLEST_OF_MANY = 10  # the same, where there are twenty times as many dialogues
_SMALLEST_SHARE = 0.005  # of all dialogues, likewise
_NUMBERS = (*range(1, 21), 24, 28, 34, 40, 50, 60)  # of needs that are tried
_SAMPLE = 4_000  # dialogues that the mixture is fitted to
_PATIENCE = 6  # numbers in a row that describe the dialogues no shorter: more needs will not either
_ROUNDS = 15  # of expectation and maximisation
_OPENING_WITHIN = 3  # the customer's turns among which the need is told
_TELLING = 0.3  # nats: an action that says less of the component is a greeting or the like
_THRIFT = 0.5  # of what BIC asks for a parameter: a component too many is joined again by its openings
_SEEN = 3  # dialogues in which an action is said, to tell anything
_ALIKE = 0.4  # of the openings' mass in common: one need
_DOUBT = 0.1  # dialogues' worth of belief in an action's share of the whole corpus


def find_needs(by_text: Dialogues, by_fine: Dialogues) -> Labels:
    """One label a dialogue, 0-based; dialogues too few to tell apart have one need.

    The dialogues are given twice: by their actions as texts alone show them, whose mixture shows the needs, and
    by fine clusters, which tell two needs' openings apart however alike they sound.
    """
    return _joined_by_opening(by_fine, _joined_by_treatment(by_text, _mixed(by_text)))


def needs_of_openings(dialogues: Dialogues, labels: Labels) -> Labels:
    """The needs once more, by better actions: dialogues that open with the same action have the need of most.

    A dialogue cut short, or one whose course is like another need's, is put right by how it began.
    """
    opened = _openings(dialogues, labels)
    needs: dict[Action, Counter[int]] = defaultdict(Counter)
    for action, label in zip(opened, labels.tolist(), strict=True):
        if action is not None:
            needs[action][label] += 1
    settled = [
        label if action is None else max(needs[action], key=lambda need: (needs[action][need], -need))
        for action, label in zip(opened, labels.tolist(), strict=True)
    ]
    kept = _without_tiny(dialogues, np.array(settled, np.int64))
    return np.asarray(np.unique(kept, return_inverse=True)[1], np.int64)


def _without_tiny(dialogues: Dialogues, labels: Labels) -> Labels:
    """A need of a handful of dialogues is none: each takes the need whose dialogues it is most like."""
    names, sizes = np.unique(labels, return_counts=True)
    least = max(_SMALLEST, min(_SMALLEST_OF_MANY, len(labels) // 20), _SMALLEST_SHARE * len(labels))
    large = sizes >= min(sizes.max(), least)
    if large.all():
        return labels
    present = _presence(dialogues)
    profiles = unit_rows(np.array([present[labels == name].mean(axis=0) for name in names[large]]))
    nearest = names[large][np.argmax(present @ profiles.T, axis=1)]
    return np.asarray(np.where(np.isin(labels, names[large]), labels, nearest), np.int64)


def _openings(dialogues: Dialogues, labels: Labels) -> list[Action | None]:
    """The first of the customer's early actions that tells the need, of each dialogue."""
    telling = _telling(dialogues, labels)
    early = ([a for a in dialogue if a[0] is Speaker.USER][:_OPENING_WITHIN] for dialogue in dialogues)
    return [next((action for action in said if action in telling), None) for said in early]


def _mixed(dialogues: Dialogues) -> Labels:
    """The components of the mixture; the branches of one need may still stand apart."""
    present = _presence(dialogues)
    seen = present[np.sort(np.random.default_rng(0).permutation(len(present))[:_SAMPLE])]
    if len(seen) < 2 * _SMALLEST or present.shape[1] == 0:
        return np.zeros(len(dialogues), np.int64)
    tree = linkage(_smoothed(seen), method="ward")
    best, least, worse = None, math.inf, 0
    for number in _NUMBERS:
        if number > len(seen) // _SMALLEST or worse == _PATIENCE:
            break
        mixture = _Mixture(seen, np.asarray(fcluster(tree, number, "maxclust"), np.int64) - 1)
        length = mixture.description_length(seen)
        worse = worse + 1 if length >= least else 0
        if length < least:
            best, least = mixture, length
    return np.zeros(len(dialogues), np.int64) if best is None else best.label(present)


def _joined_by_treatment(dialogues: Dialogues, labels: Labels) -> Labels:
    """Components that agents treat alike are one need: nothing but the customers' words tells them apart.

    Two are joined while one set of shares describes what agents and systems do in both no longer than two sets.
    """
    present = _presence([[action for action in dialogue if action[0] is not Speaker.USER] for dialogue in dialogues])
    groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    said = [present[group].sum(axis=0) for group in groups]  # in how many of its dialogues each action is
    price = math.log(len(dialogues)) / 2

    def saved(pair: tuple[int, int]) -> float:
        (one, other), together = pair, said[pair[0]] + said[pair[1]]
        apart = sum(_length(said[group], len(groups[group])) for group in pair)
        return int((together > 0).sum()) * price + apart - _length(together, len(groups[one]) + len(groups[other]))

    while len(groups) > 1:
        first, second = max(((i, j) for i in range(len(groups)) for j in range(i)), key=saved)
        if saved((first, second)) <= 0:
            break
        groups[second] = np.concatenate([groups[second], groups.pop(first)])
        said[second] = said[second] + said.pop(first)
    joined = np.empty(len(dialogues), np.int64)
    for need, group in enumerate(groups):
        joined[group] = need
    return joined


def _length(said: Table, dialogues: int) -> float:
    """Nats that describe so many dialogues by the share of them in which each action is, alone."""
    shares = np.clip(said / dialogues, 1e-4, 1 - 1e-4)
    return -dialogues * float((shares * np.log(shares) + (1 - shares) * np.log(1 - shares)).sum())


def _joined_by_opening(dialogues: Dialogues, labels: Labels) -> Labels:
    """Components that customers open alike are one need: what differs between them comes later, and is a branch."""
    openings: dict[int, Counter[Action]] = defaultdict(Counter)
    for action, label in zip(_openings(dialogues, labels), labels.tolist(), strict=True):
        openings[label].update([] if action is None else [action])
    joined: list[tuple[Counter[Action], list[int]]] = []
    for label in sorted(openings, key=lambda label: (-openings[label].total(), label)):
        alike = next((group for group in joined if _overlap(group[0], openings[label]) >= _ALIKE), None)
        if alike is None:
            joined.append((Counter(openings[label]), [label]))
        else:
            alike[0].update(openings[label])
            alike[1].append(label)
    need_of = {label: need for need, (_, members) in enumerate(joined) for label in members}
    return np.array([need_of[label] for label in labels.tolist()], np.int64)


def _telling(dialogues: Dialogues, labels: Labels) -> set[Action]:
    """The customer's actions that are said in some components rather than others; greetings are not."""
    sizes = Counter(labels.tolist())
    said: dict[Action, Counter[int]] = defaultdict(Counter)
    for dialogue, label in zip(dialogues, labels.tolist(), strict=True):
        for action in dict.fromkeys(dialogue):
            if action[0] is Speaker.USER:
                said[action][label] += 1
    total = len(dialogues)
    return {
        action
        for action, where in said.items()
        if where.total() >= _SEEN and _divergence(where, sizes, total) >= _TELLING
    }


def _divergence(where: Counter[int], sizes: Counter[int], total: int) -> float:
    """Kullback-Leibler, in nats, of where an action is said from how large the components are."""
    said = where.total()
    return sum(n / said * math.log((n / said) / (sizes[label] / total)) for label, n in where.items())


def _overlap(one: Counter[Action], other: Counter[Action]) -> float:
    """The mass that two distributions share, from 0 to 1."""
    totals = max(one.total(), 1), max(other.total(), 1)
    return sum(min(one[action] / totals[0], count / totals[1]) for action, count in other.items())


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
        parameters = _THRIFT * self._shares.size * math.log(len(present)) / 2
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


def _presence(dialogues: Dialogues) -> Table:
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
    return reduced_rows(weighted, dimensions)
