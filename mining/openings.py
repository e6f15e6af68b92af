"""Where in a dialogue its need is told."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from mining.sequences import Step
from taskflow.model import ActionId, Speaker

_OPENING_WITHIN = 4  # the customer's turns among which the need is told


def openings(sequences: Sequence[Sequence[Step]], needs: Sequence[int]) -> list[int]:
    """For each dialogue the index of the step that tells its need; what comes before is greeting.

    It is the first of the customer's early actions that tells this need from the others: one that closes at
    least half of the gap between the need's share of all dialogues and certainty.
    """
    sizes = Counter(needs)
    total = len(sequences)
    told: dict[ActionId, Counter[int]] = defaultdict(Counter)
    for steps, need in zip(sequences, needs, strict=True):
        told_here = {step.action_id for step in steps if step.speaker is Speaker.USER}
        for action in told_here:
            told[action][need] += 1
    found = []
    for steps, need in zip(sequences, needs, strict=True):
        spoken = [index for index, step in enumerate(steps) if step.speaker is Speaker.USER]
        prior = sizes[need] / total
        specific = (
            index
            for index in spoken[:_OPENING_WITHIN]
            if told[steps[index].action_id][need] / told[steps[index].action_id].total() >= (1 + prior) / 2
        )
        found.append(next(specific, spoken[0] if spoken else 0))
    return found
