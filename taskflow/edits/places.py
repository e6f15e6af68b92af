"""Finding what an edit names, and putting it back changed; every miss says what is not there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from taskflow.errors import TaskFlowError
from taskflow.model import ActionId, Assistant, DialogueAction, FlowId, FlowNode, NodeId, TaskFlow


class EditError(TaskFlowError):
    """An edit that does not fit the assistant: one sentence with what stands in its way."""


def action_of(assistant: Assistant, action_id: ActionId) -> DialogueAction:
    if action_id not in assistant.action_by_id:
        raise EditError(f"assistant {assistant.name!r} has no action {action_id!r}")
    return assistant.action_by_id[action_id]


def flow_of(assistant: Assistant, flow_id: FlowId) -> TaskFlow:
    if flow_id not in assistant.flow_by_id:
        raise EditError(f"assistant {assistant.name!r} has no flow {flow_id!r}")
    return assistant.flow_by_id[flow_id]


def node_of(flow: TaskFlow, node_id: NodeId) -> FlowNode:
    if node_id not in flow.by_id:
        raise EditError(f"flow {flow.name!r} has no node {node_id!r}")
    return flow.by_id[node_id]


def index_of(flow: TaskFlow, node_id: NodeId) -> int:
    """Which child of its parent a node is, from 0."""
    parent = flow.by_id[node_id].parent_id
    siblings = [node.id for node in flow.nodes if node.parent_id == parent]
    return siblings.index(node_id)


def subtree(nodes: Sequence[FlowNode], node_id: NodeId) -> list[FlowNode]:
    inside = {node_id}
    found = []
    for node in nodes:
        if node.id in inside or node.parent_id in inside:
            inside.add(node.id)
            found.append(node)
    return found


def told(name: str) -> str:
    if not name.strip():
        raise EditError("a name cannot be empty")
    return name


def with_action(assistant: Assistant, action: DialogueAction) -> Assistant:
    """The assistant with this action in place of the one that has its id."""
    actions = tuple(action if other.id == action.id else other for other in assistant.actions)
    return replace(assistant, actions=actions)


def with_flow(assistant: Assistant, flow: TaskFlow) -> Assistant:
    """The assistant with this flow in place of the one that has its id."""
    return replace(assistant, flows=tuple(flow if other.id == flow.id else other for other in assistant.flows))


def with_node(assistant: Assistant, flow: TaskFlow, node: FlowNode) -> Assistant:
    """The assistant with this node of the flow in place of the one that has its id."""
    nodes = tuple(node if other.id == node.id else other for other in flow.nodes)
    return with_flow(assistant, replace(flow, nodes=nodes))
