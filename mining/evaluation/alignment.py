"""Which gold label each mined action stands for, within the dialogues of one need."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import linear_sum_assignment

from mining.evaluation.labelled import Walk
from taskflow.model import ActionId, Utterance

Form = Literal["one_to_one", "majority"]
FORMS: tuple[Form, ...] = ("one_to_one", "majority")
Counts = Mapping[ActionId, Counter[str | None]]
Labels = Callable[[Utterance], Sequence[str | None]]


@dataclass(frozen=True, slots=True)
class Alignment:
    """Labels of actions. An action in `passed` says what the gold flow does not speak of, and is passed through."""

    label_of: Mapping[ActionId, str]
    passed: frozenset[ActionId]

    def symbol(self, action: ActionId | None) -> str | None:
        """The label; None where nothing is said; a name that is no label, for an action that got none."""
        if action is None or action in self.passed:
            return None
        return self.label_of.get(action, f"\0{action}")


def together(walks: Iterable[Walk], labels_of: Labels) -> Counts:
    """How often each action is given to turns of each label; None counts those without a label that is known."""
    counts: dict[ActionId, Counter[str | None]] = defaultdict(Counter)
    for walk in walks:
        for utterance, actions in zip(walk.dialogue.utterances, walk.turns, strict=True):
            labels = labels_of(utterance)
            for place, action in enumerate(actions):
                counts[action][labels[place] if place < len(labels) else None] += 1
    return counts


def align(counts: Counts, form: Form) -> Alignment:
    """`majority`: each action takes its most frequent label, and a label may have several actions. `one_to_one`:
    the assignment that agrees most often; an action more than there are labels gets none, and its edges are wrong.
    """
    usual = {action: min(labels, key=lambda label: (-labels[label], label or "")) for action, labels in counts.items()}
    passed = frozenset(action for action, label in usual.items() if label is None)
    told = {action: label for action, label in usual.items() if label is not None}
    if form == "majority" or not told:
        return Alignment(told, passed)
    actions = sorted(told)
    labels = sorted({label for action in actions for label in counts[action] if label is not None})
    table = np.array([[counts[action][label] for label in labels] for action in actions])
    rows, columns = linear_sum_assignment(table, maximize=True)
    pairs = {actions[row]: labels[column] for row, column in zip(rows, columns, strict=True) if table[row, column]}
    return Alignment(pairs, passed)
