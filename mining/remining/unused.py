"""Nodes of a reviewed draft that no dialogue of a new run passes any more."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from mining.remining.aligning import Alignment
from mining.remining.gain import Turns
from taskflow.model import ActionId, FlowNode, Status, TaskFlow


def unused_subtrees(
    alignment: Alignment, touched: Collection[str], dialogues: Sequence[Turns]
) -> Iterator[list[FlowNode]]:
    """Each subtree in an order in which it can be removed, its top last; none that people care for."""
    flow = alignment.flow
    for node in flow.nodes:
        if node.id in alignment.branch_of or node.parent_id not in alignment.branch_of or node.jump_to is not None:
            continue
        below = _below(flow, node)
        way = [one.action_id for one in (*reversed(flow.ancestors(node.id)), node) if one.action_id is not None]
        if not _is_cared_for(flow, below, touched) and not any(_in_order(way, turns) for turns in dialogues):
            jumps = [one for one in below if one.jump_to is not None]
            yield [*jumps, *(one for one in reversed(below) if one.jump_to is None)]


def _below(flow: TaskFlow, top: FlowNode) -> list[FlowNode]:
    inside, found = {top.id}, [top]
    for node in flow.nodes:
        if node.parent_id in inside:
            inside.add(node.id)
            found.append(node)
    return found


def _is_cared_for(flow: TaskFlow, below: Sequence[FlowNode], touched: Collection[str]) -> bool:
    """Whether people made or changed a subtree, approved or rejected some of it or what it hangs on, or jump to it."""
    top, inside = below[0], {node.id for node in below}
    return (
        not top.support
        or any(node.status is not Status.PROPOSED for node in below)
        or any(node.status is Status.REJECTED for node in flow.ancestors(top.id))
        or not inside.isdisjoint(touched)
        or any(node.jump_to in inside and node.id not in inside for node in flow.nodes)
    )


def _in_order(way: Sequence[ActionId], turns: Turns) -> bool:
    """Whether a dialogue has the actions on the way to a node in that order, whatever lies between."""
    ahead = iter([action for actions in turns for action in actions])
    return all(action in ahead for action in way)
