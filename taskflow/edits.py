"""Every change of an assistant, as data: small, typed, pure and invertible.

`apply(edit, assistant)` gives the changed assistant; `inverse(edit, assistant)` gives the edit that undoes it.
A draft is a version plus its edits, so undo, audit and re-application after a new mining all fall out of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from taskflow.errors import TaskFlowError
from taskflow.model import (
    ActionId,
    Assistant,
    FlowId,
    FlowNode,
    ModelError,
    NodeId,
    TaskFlow,
)


class EditError(TaskFlowError):
    """An edit that does not fit the assistant: one sentence with what stands in its way."""


@dataclass(frozen=True, slots=True)
class RenameAction:
    action_id: ActionId
    name: str


@dataclass(frozen=True, slots=True)
class RenameFlow:
    flow_id: FlowId
    name: str


@dataclass(frozen=True, slots=True)
class SetResponses:
    """What the agent may say at a node, the preferred wording first; fields stand in brackets."""

    flow_id: FlowId
    node_id: NodeId
    responses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AddNode:
    """Add a leaf under its parent, as the child number `index`."""

    flow_id: FlowId
    node: FlowNode
    index: int


@dataclass(frozen=True, slots=True)
class RemoveNode:
    """Remove a leaf that no other node jumps to."""

    flow_id: FlowId
    node_id: NodeId


@dataclass(frozen=True, slots=True)
class MoveNode:
    """Move a node with all below it under another parent, as the child number `index`."""

    flow_id: FlowId
    node_id: NodeId
    parent_id: NodeId
    index: int


Edit = RenameAction | RenameFlow | SetResponses | AddNode | RemoveNode | MoveNode


def apply(edit: Edit, assistant: Assistant) -> Assistant:
    """The assistant with the edit made; raises EditError and changes nothing where it does not fit."""
    try:
        match edit:
            case RenameAction(action_id, name):
                return _rename_action(assistant, action_id, name)
            case RenameFlow(flow_id, name):
                return _with_flow(assistant, replace(_flow(assistant, flow_id), name=_told(name)))
            case _:
                flow = _flow(assistant, edit.flow_id)
                return _with_flow(assistant, replace(flow, nodes=_edited_nodes(edit, flow)))
    except ModelError as error:
        raise EditError(str(error)) from error


def inverse(edit: Edit, assistant: Assistant) -> Edit:
    """The edit that leads back: apply(inverse(e, a), apply(e, a)) == a."""
    match edit:
        case RenameAction(action_id, _):
            return RenameAction(action_id, _action_name(assistant, action_id))
        case RenameFlow(flow_id, _):
            return RenameFlow(flow_id, _flow(assistant, flow_id).name)
        case SetResponses(flow_id, node_id, _):
            return SetResponses(flow_id, node_id, _node(_flow(assistant, flow_id), node_id).responses)
        case AddNode(flow_id, node, _):
            return RemoveNode(flow_id, node.id)
        case RemoveNode(flow_id, node_id):
            flow = _flow(assistant, flow_id)
            return AddNode(flow_id, _node(flow, node_id), _index(flow, node_id))
        case MoveNode(flow_id, node_id, _, _):
            flow = _flow(assistant, flow_id)
            parent = _node(flow, node_id).parent_id
            if parent is None:
                raise EditError(f"node {node_id!r} is the root of its flow and cannot be moved")
            return MoveNode(flow_id, node_id, parent, _index(flow, node_id))


def _rename_action(assistant: Assistant, action_id: ActionId, name: str) -> Assistant:
    _action_name(assistant, action_id)
    renamed = tuple(
        replace(action, name=_told(name)) if action.id == action_id else action for action in assistant.actions
    )
    return replace(assistant, actions=renamed)


def _action_name(assistant: Assistant, action_id: ActionId) -> str:
    if action_id not in assistant.action_by_id:
        raise EditError(f"assistant {assistant.name!r} has no action {action_id!r}")
    return assistant.action_by_id[action_id].name


def _told(name: str) -> str:
    if not name.strip():
        raise EditError("a name cannot be empty")
    return name


def _edited_nodes(edit: SetResponses | AddNode | RemoveNode | MoveNode, flow: TaskFlow) -> tuple[FlowNode, ...]:
    match edit:
        case SetResponses(_, node_id, responses):
            target = _node(flow, node_id)
            return tuple(replace(node, responses=responses) if node is target else node for node in flow.nodes)
        case AddNode(_, node, index):
            if node.parent_id is None:
                raise EditError(f"node {node.id!r} has no parent: a flow has one root")
            _node(flow, node.parent_id)
            return _placed(flow.nodes, [node], node.parent_id, index)
        case RemoveNode(_, node_id):
            return _without_leaf(flow, node_id)
        case MoveNode(_, node_id, parent_id, index):
            return _moved(flow, node_id, parent_id, index)


def _without_leaf(flow: TaskFlow, node_id: NodeId) -> tuple[FlowNode, ...]:
    target = _node(flow, node_id)
    if target.parent_id is None:
        raise EditError(f"node {node_id!r} is the root of its flow and cannot be removed")
    for node in flow.nodes:
        if node_id in (node.parent_id, node.jump_to):
            tie = "is below it" if node.parent_id == node_id else "jumps to it"
            raise EditError(f"node {node_id!r} cannot be removed: node {node.id!r} {tie}; remove that first")
    return tuple(node for node in flow.nodes if node is not target)


def _moved(flow: TaskFlow, node_id: NodeId, parent_id: NodeId, index: int) -> tuple[FlowNode, ...]:
    target = _node(flow, node_id)
    if target.parent_id is None:
        raise EditError(f"node {node_id!r} is the root of its flow and cannot be moved")
    subtree = _subtree(flow.nodes, node_id)
    inside = {node.id for node in subtree}
    if parent_id in inside:
        raise EditError(f"node {node_id!r} cannot be moved below itself")
    _node(flow, parent_id)
    rest = tuple(node for node in flow.nodes if node.id not in inside)
    return _placed(rest, [replace(subtree[0], parent_id=parent_id), *subtree[1:]], parent_id, index)


def _placed(
    nodes: Sequence[FlowNode], block: Sequence[FlowNode], parent_id: NodeId, index: int
) -> tuple[FlowNode, ...]:
    """The nodes with a subtree inserted as its parent's child number `index`, depth first as before."""
    siblings = [node for node in nodes if node.parent_id == parent_id]
    if not 0 <= index <= len(siblings):
        raise EditError(f"node {parent_id!r} has {len(siblings)} children: there is no place {index}")
    before = _subtree(nodes, siblings[index - 1].id)[-1].id if index else parent_id
    place = 1 + next(place for place, node in enumerate(nodes) if node.id == before)
    return (*nodes[:place], *block, *nodes[place:])


def _subtree(nodes: Sequence[FlowNode], node_id: NodeId) -> list[FlowNode]:
    inside = {node_id}
    found = []
    for node in nodes:
        if node.id in inside or node.parent_id in inside:
            inside.add(node.id)
            found.append(node)
    return found


def _flow(assistant: Assistant, flow_id: FlowId) -> TaskFlow:
    if flow_id not in assistant.flow_by_id:
        raise EditError(f"assistant {assistant.name!r} has no flow {flow_id!r}")
    return assistant.flow_by_id[flow_id]


def _node(flow: TaskFlow, node_id: NodeId) -> FlowNode:
    if node_id not in flow.by_id:
        raise EditError(f"flow {flow.name!r} has no node {node_id!r}")
    return flow.by_id[node_id]


def _index(flow: TaskFlow, node_id: NodeId) -> int:
    parent = flow.by_id[node_id].parent_id
    siblings = [node.id for node in flow.nodes if node.parent_id == parent]
    return siblings.index(node_id)


def _with_flow(assistant: Assistant, flow: TaskFlow) -> Assistant:
    return replace(assistant, flows=tuple(flow if other.id == flow.id else other for other in assistant.flows))
