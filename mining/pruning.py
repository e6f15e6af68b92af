"""Which of an automaton's steps become a TaskFlow: as few as foretell unseen dialogues as well as all."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from mining.automaton import ROOT, Automaton, Sequences
from taskflow.model import ActionId

_FOLDS = 5
_FEWEST = 25  # dialogues from which some can be held out to choose by
_FAITH = 0.9  # that a dialogue goes on along the steps that were kept
_SHORTCUT = 3  # steps that one shortcut passes over, at the most

Kept = Mapping[int, Mapping[ActionId, int]]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """A step is kept if so many dialogues took it, of all (`share`) and of those that were there (`probability`).

    A rarer way than `shortcut` from one state to another is cut where a more travelled one leads there through a few
    steps more: an answer was given early, and what it passes over is passed over in tracking.
    """

    share: float
    probability: float
    shortcut: float

    def least(self, dialogues: int) -> int:
        return max(2 if dialogues >= 10 else 1, math.ceil(self.share * dialogues))


# From the most thorough to the most compact.
_CANDIDATES = [
    Thresholds(share, probability, shortcut)
    for share, probability, shortcut in product((0.005, 0.01, 0.02, 0.03, 0.05), (0.02, 0.05, 0.1), (0.0, 0.35, 0.5))
]
_DEFAULT = Thresholds(0.01, 0.02, 0.35)


def choose_thresholds(sequences: Sequences) -> Thresholds:
    """Those of the fewest steps whose description of held-out dialogues is within a standard error of the best."""
    if len(sequences) < _FEWEST:
        return _DEFAULT
    held = sequences[_FOLDS - 1 :: _FOLDS]
    seen = [sequence for place, sequence in enumerate(sequences) if place % _FOLDS != _FOLDS - 1]
    automaton = Automaton(seen)
    walker = _Describer(automaton, seen)
    measured = []
    for thresholds in _CANDIDATES:
        kept = prune(automaton, thresholds, len(seen))
        lengths = walker.lengths(kept, held)
        measured.append((sum(lengths) / len(lengths), lengths, sum(map(len, kept.values())), thresholds))
    best, lengths, _, _ = min(measured, key=lambda row: row[0])
    error = math.sqrt(sum((length - best) ** 2 for length in lengths) / len(lengths)) / math.sqrt(len(lengths))
    within = [row for row in measured if row[0] <= best + error]
    return min(within, key=lambda row: (row[2], row[0]))[3]


def prune(automaton: Automaton, thresholds: Thresholds, dialogues: int) -> Kept:
    """The kept states, the root first, each with its kept steps."""
    least = thresholds.least(dialogues)
    kept: dict[int, dict[ActionId, int]] = {}
    for state in automaton.states:
        passed = automaton.passed[state]
        enough = max(least, thresholds.probability * passed.total())
        kept[state] = {a: to for a, to in automaton.following[state].items() if passed[a] >= enough}
    if not kept[ROOT]:  # nothing is common: a flow of few dialogues keeps what it has
        kept = {state: dict(automaton.following[state]) for state in automaton.states}
    shortcuts = [
        (state, action)
        for state in kept
        for action in kept[state]
        if _is_shortcut(automaton, kept, state, action, thresholds)
    ]
    for state, action in shortcuts:
        del kept[state][action]
    return reached(kept)


def _is_shortcut(automaton: Automaton, kept: Kept, state: int, action: ActionId, thresholds: Thresholds) -> bool:
    passed, target = automaton.passed[state], kept[state][action]
    if passed[action] >= thresholds.shortcut * passed.total():
        return False

    def heavier(place: int) -> set[int]:
        return {to for a, to in kept[place].items() if automaton.passed[place][a] > passed[action]} - {state}

    found = front = heavier(state) - {target}
    for _ in range(_SHORTCUT):
        front = set().union(*(heavier(place) for place in front)) - found
        if target in front:
            return True
        found = found | front
    return False


def reached(kept: Kept) -> Kept:
    """Those of the states to which steps lead from the root."""
    found, ahead = {ROOT: None}, [ROOT]
    while ahead:
        for state in kept[ahead.pop()].values():
            if state not in found:
                found[state] = None
                ahead.append(state)
    return {state: kept[state] for state in found}


class _Describer:
    """Nats an action that sequences take, given an automaton of which some steps are kept."""

    def __init__(self, automaton: Automaton, seen: Sequences) -> None:
        self._automaton = automaton
        said = Counter(action for sequence in seen for action in sequence)
        total = said.total() + len(said) + 1
        self._anywhere: defaultdict[ActionId, float] = defaultdict(
            lambda: 1 / total, {action: (count + 1) / total for action, count in said.items()}
        )

    def lengths(self, kept: Kept, sequences: Sequences) -> list[float]:
        main = main_states(self._automaton, kept)
        return [self._length(kept, main, sequence) for sequence in sequences]

    def _length(self, kept: Kept, main: Mapping[ActionId, int], sequence: Sequence[ActionId]) -> float:
        state, nats = ROOT, 0.0
        for action in sequence:
            chance = (1 - _FAITH) * self._anywhere[action]
            if action in kept[state]:
                passed = self._automaton.passed[state]
                chance += _FAITH * passed[action] / passed.total()
            nats -= math.log(chance)
            state = kept[state].get(action, main.get(action, state))
        return nats / max(len(sequence), 1)


def main_states(automaton: Automaton, kept: Kept) -> dict[ActionId, int]:
    """The most travelled kept state of each action, where a dialogue that left the steps is met again."""
    found: dict[ActionId, int] = {}
    for state in kept:
        action = automaton.action[state]
        if action is not None:
            known = found.get(action)
            if known is None or automaton.passed[state].total() > automaton.passed[known].total():
                found[action] = state
    return found
