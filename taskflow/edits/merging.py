"""Giving nodes other actions, and joining the siblings that thereby become the same."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from taskflow.model import ActionId, FlowNode, NodeId, Status, TaskFlow

_Key = tuple[NodeId | None, ActionId | None, NodeId | None, bool]


def relabelled(flow: TaskFlow, into: Mapping[ActionId, ActionId]) -> TaskFlow:
    """The flow with some actions taken over by others.

    Siblings that become the same action (and the same target, where they jump) are joined into one node, that of
    the action that takes over where there is one; jumps to the others go there. Rejected siblings join rejected
    ones only. What was the same before the change stays as it was.
    """
    if into.keys().isdisjoint(node.action_id for node in flow.nodes):
        return flow
    before = {node.id: _key(node) for node in flow.nodes}
    nodes = [
        replace(node, action_id=into.get(node.action_id, node.action_id)) if node.action_id else node
        for node in flow.nodes
    ]
    while groups := _same_siblings(nodes, before):
        nodes = list(_depth_first(_joined(nodes, groups)))
    return replace(flow, nodes=tuple(nodes))


def _key(node: FlowNode) -> _Key:
    return node.parent_id, node.action_id, node.jump_to, node.status is Status.REJECTED


def _same_siblings(nodes: Sequence[FlowNode], before: Mapping[NodeId, _Key]) -> list[list[FlowNode]]:
    """Groups of siblings that are the same now and were not before; the one to keep comes first."""
    groups: dict[_Key, list[FlowNode]] = defaultdict(list)
    for node in nodes:
        if node.parent_id is not None:
            groups[_key(node)].append(node)
    return [
        sorted(group, key=lambda node: before[node.id][1] != node.action_id)
        for group in groups.values()
        if len({before[node.id] for node in group}) > 1
    ]


def _joined(nodes: Sequence[FlowNode], groups: Sequence[Sequence[FlowNode]]) -> list[FlowNode]:
    """Each group as one node at the place of its first member, with all their children below it."""
    whole = {group[0].id: _as_one(group) for group in groups}
    into = {node.id: group[0].id for group in groups for node in group}
    support = {node.id: node.support for node in nodes}
    placed: set[NodeId] = set()
    found = []
    for node in nodes:
        own = into.get(node.id, node.id)
        if own in placed:
            continue
        placed.add(own)
        kept = whole.get(own, node)
        parent = kept.parent_id
        if parent in into:
            kept = replace(kept, parent_id=into[parent], probability=_share(kept, support[parent], whole[into[parent]]))
        if kept.jump_to in into:
            kept = replace(kept, jump_to=into[kept.jump_to])
        found.append(kept)
    return found


def _share(node: FlowNode, parent_support: int, parent: FlowNode) -> float:
    """P(node | parent) after the parent took over the dialogues of its likes."""
    return node.probability * parent_support / parent.support if parent.support else node.probability


def _as_one(group: Sequence[FlowNode]) -> FlowNode:
    outcomes: Counter[str] = Counter()
    for node in group:
        outcomes.update(dict(node.outcomes))
    return replace(
        group[0],
        support=sum(node.support for node in group),
        probability=min(1.0, sum(node.probability for node in group)),
        responses=tuple(dict.fromkeys(text for node in group for text in node.responses)),
        evidence=tuple(dict.fromkeys(seen for node in group for seen in node.evidence)),
        outcomes=tuple(outcomes.items()),
        cost=max(node.cost for node in group),
    )


def _depth_first(nodes: Sequence[FlowNode]) -> Iterator[FlowNode]:
    children: dict[NodeId | None, list[FlowNode]] = defaultdict(list)
    for node in nodes:
        children[node.parent_id].append(node)
    waiting = list(children[None])
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(children[node.id])
