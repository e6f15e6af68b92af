"""How well the flows tell dialogues: edits to the nearest path, and what the agent does next."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from mining.evaluation.distance import Paths
from mining.evaluation.shares import Figures, share
from mining.held_out import ReplayedDialogue, ReplayFigures
from taskflow.model import ActionId, TaskFlow

_DEPTHS = (3, 5, 10)

_Sequence = tuple[ActionId | None, ...]


def replay_figures(flows: Sequence[TaskFlow], replayed: Sequence[ReplayedDialogue]) -> dict[str, Any]:
    """Over all dialogues and, where the log tells outcomes, by outcome."""
    paths = Paths(flows, lambda node: node.action_id)
    distances = {sequence: paths.distance(sequence) for sequence in _sequences(replayed)}
    figures: dict[str, Any] = {"all": _figures(replayed, distances)}
    outcomes: dict[str, list[ReplayedDialogue]] = defaultdict(list)
    for dialogue in replayed:
        if dialogue.outcome is not None:
            outcomes[dialogue.outcome].append(dialogue)
    figures["by_outcome"] = {outcome: _figures(own, distances) for outcome, own in sorted(outcomes.items())}
    return figures


def _sequences(replayed: Sequence[ReplayedDialogue]) -> set[_Sequence]:
    return {sequence for dialogue in replayed for sequence in (dialogue.actions, _known(dialogue))}


def _known(dialogue: ReplayedDialogue) -> _Sequence:
    """The steps of known actions alone."""
    return tuple(action for action in dialogue.actions if action is not None)


def _figures(replayed: Sequence[ReplayedDialogue], distances: dict[_Sequence, int]) -> Figures:
    """`edit_distance` is a share of the dialogue's steps, at most 1. A turn of no known action is a step that costs
    an edit; `edit_distance_of_known` passes over these turns.
    """
    shares = ReplayFigures()
    sums: Counter[str] = Counter()
    far = far_known = 0.0
    for dialogue in replayed:
        shares.add(dialogue)
        known = _known(dialogue)
        sums["steps"] += len(dialogue.actions)
        sums["known"] += len(known)
        sums["whole"] += bool(dialogue.actions) and distances[dialogue.actions] == 0
        sums["whole_known"] += bool(known) and distances[known] == 0
        far += min(1.0, distances[dialogue.actions] / max(len(dialogue.actions), 1))
        far_known += min(1.0, distances[known] / max(len(known), 1))
    return {
        **shares.shares(),
        "steps_known": share(sums["known"], sums["steps"]),
        "without_edit": share(sums["whole"], len(replayed)),
        "without_edit_of_known": share(sums["whole_known"], len(replayed)),
        "edit_distance": share(far, len(replayed)),
        "edit_distance_of_known": share(far_known, len(replayed)),
        **{f"covered_to_depth_{depth}": _covered(replayed, depth) for depth in _DEPTHS},
    }


def _covered(replayed: Sequence[ReplayedDialogue], depth: int) -> float:
    """The share of dialogues whose first steps, so many, are each a step of the tree."""
    first = [dialogue.walk[:depth] for dialogue in replayed]
    return share(sum(all(step.reached is not None for step in steps) for steps in first if steps), len(first))
