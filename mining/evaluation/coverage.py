"""Coverage against size: how much of the dialogues the flows still tell as they are cut from the least supported up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mining.evaluation.shares import share
from mining.held_out import ReplayedDialogue
from taskflow.model import FlowNode, NodeId, TaskFlow

_MOST_POINTS = 60


@dataclass(frozen=True, slots=True)
class Curve:
    """(nodes kept, share of the dialogues' steps on the flow), from none to all; `flow` is None for all flows."""

    flow: TaskFlow | None
    points: tuple[tuple[int, float], ...]


def coverage_curves(flows: Sequence[TaskFlow], replayed: Sequence[ReplayedDialogue]) -> list[Curve]:
    """One curve for all flows, then one a flow over its own dialogues. A step is covered while the node that it
    reached on the whole flow is kept.
    """
    curves = [Curve(None, _points([node for flow in flows for node in flow.nodes], replayed))]
    for flow in flows:
        own = [dialogue for dialogue in replayed if dialogue.flow == flow.id]
        curves.append(Curve(flow, _points(flow.nodes, own)))
    return curves


def _points(nodes: Sequence[FlowNode], replayed: Iterable[ReplayedDialogue]) -> tuple[tuple[int, float], ...]:
    reached: Counter[NodeId] = Counter()
    steps = 0
    for dialogue in replayed:
        steps += dialogue.steps
        reached.update(step.reached[1] for step in dialogue.walk if step.reached is not None)
    # Parents stand before their children and have no less support, so what is kept is a tree at every size.
    kept = sorted(nodes, key=lambda node: -node.support)
    covered, points = 0, [(0, 0.0)]
    for size, node in enumerate(kept, start=1):
        covered += reached[node.id]
        points.append((size, share(covered, steps)))
    every = max(1, len(points) // _MOST_POINTS)
    return tuple(point for place, point in enumerate(points) if place % every == 0 or place == len(points) - 1)
