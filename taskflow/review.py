"""What reviewers decided about an assistant: what they rejected, and what they took from its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from taskflow.edits import Edit, apply
from taskflow.model import ActionId, Assistant, FlowId, FlowNode, NodeId, Status, TaskFlow

Place = tuple[FlowId, NodeId, ActionId]
"""A flow, a node in it, and an action that follows that node."""


def without_rejected(assistant: Assistant) -> Assistant:
    """Without the rejected actions and nodes, all below them, and the nodes that jump to any of these.

    A flow whose root is rejected goes whole.
    """
    if not _has_rejected(assistant):
        return assistant
    kept = tuple(action for action in assistant.actions if action.status is not Status.REJECTED)
    known = {action.id for action in kept}
    trees = ((flow, _standing(flow, known)) for flow in assistant.flows)
    return replace(assistant, actions=kept, flows=tuple(replace(flow, nodes=nodes) for flow, nodes in trees if nodes))


def _has_rejected(assistant: Assistant) -> bool:
    return any(action.status is Status.REJECTED for action in assistant.actions) or any(
        node.status is Status.REJECTED for flow in assistant.flows for node in flow.nodes
    )


def _standing(flow: TaskFlow, known: set[ActionId]) -> tuple[FlowNode, ...]:
    """The nodes that stand, parents first as before."""
    gone: set[NodeId] = set()
    for node in flow.nodes:
        unknown = node.action_id is not None and node.action_id not in known
        if node.status is Status.REJECTED or unknown or node.parent_id in gone:
            gone.add(node.id)
    # A node that jumps is a leaf, so nothing hangs on it when its target is gone.
    return tuple(node for node in flow.nodes if node.id not in gone and node.jump_to not in gone)


def places_left(before: Assistant, edits: Sequence[Edit]) -> set[Place]:
    """The places that an action had when the edits began or later, and no longer has at their end.

    A node that was removed or moved away leaves such a place: mining would find it there again.
    """
    had = _places(before)
    now = before
    for edit in edits:
        now = apply(edit, now)
        had |= _places(now)
    return had - _places(now)


def _places(assistant: Assistant) -> set[Place]:
    return {
        (flow.id, node.parent_id, node.action_id)
        for flow in assistant.flows
        for node in flow.nodes
        if node.parent_id is not None and node.action_id is not None
    }


def named_in(edit: Edit) -> frozenset[str]:
    """The ids of the actions and nodes that an edit is about."""
    return frozenset(_named(edit))


def _named(value: Any) -> Iterator[str]:
    for field in fields(value):
        held = getattr(value, field.name)
        if field.name in ("id", "action_id", "node_id", "new_id"):
            yield from () if held is None else (held,)
        elif field.name == "merged":
            yield from held
        else:
            for part in held if isinstance(held, tuple) else (held,):
                if is_dataclass(part):
                    yield from _named(part)
