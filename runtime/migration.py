"""Moving a conversation to another version of its assistant: by node, or by the nearest ancestor that is left."""

from __future__ import annotations

from dataclasses import replace

from runtime.state import ConversationState, Frame
from taskflow.model import Assistant, NodeId


def migrate(state: ConversationState, before: Assistant, after: Assistant) -> ConversationState:
    """The state on the new version: nothing that the customer has told is lost.

    A flow that is gone leaves the stack; a node that is gone gives way to its nearest ancestor that stays.
    """
    frames = tuple(moved for frame in state.frames if (moved := _moved(frame, before, after)) is not None)
    there = {(flow.id, node.id) for flow in after.flows for node in flow.nodes}
    known = {action.id for action in after.actions}
    return replace(
        state,
        frames=frames,
        served=None if state.served is None else _moved(state.served, before, after),
        beliefs=tuple(belief for belief in state.beliefs if belief[0] in there) if frames else (),
        choices=tuple(choice for choice in state.choices if choice.position in there),
        early=tuple(early for early in state.early if early.action_id in known),
    )


def _moved(frame: Frame, before: Assistant, after: Assistant) -> Frame | None:
    flow = after.flow_by_id.get(frame.flow_id)
    if flow is None:
        return None
    path = tuple(visit for visit in frame.path if visit.node_id in flow.by_id)
    old = before.flow_by_id[frame.flow_id]
    way: list[NodeId] = [frame.node_id, *(node.id for node in old.ancestors(frame.node_id))]
    stays = next((node_id for node_id in way if node_id in flow.by_id), flow.root.id)
    return replace(frame, node_id=stays, path=path)
