"""Edits of the nodes of a TaskFlow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from taskflow.edits.places import EditError, flow_of, index_of, node_of, subtree, with_flow, with_node
from taskflow.model import Assistant, FlowId, FlowNode, NodeId, Status, TaskFlow


@dataclass(frozen=True, slots=True)
class SetResponses:
    """What the agent may say at a node, the preferred wording first; fields stand in brackets."""

    flow_id: FlowId
    node_id: NodeId
    responses: tuple[str, ...]

    def apply(self, assistant: Assistant) -> Assistant:
        flow = flow_of(assistant, self.flow_id)
        return with_node(assistant, flow, replace(node_of(flow, self.node_id), responses=self.responses))

    def inverse(self, assistant: Assistant) -> SetResponses:
        flow = flow_of(assistant, self.flow_id)
        return SetResponses(self.flow_id, self.node_id, node_of(flow, self.node_id).responses)


@dataclass(frozen=True, slots=True)
class AddResponses:
    """More that the agent may say at a node, after what it may say there already."""

    flow_id: FlowId
    node_id: NodeId
    responses: tuple[str, ...]

    def apply(self, assistant: Assistant) -> Assistant:
        flow = flow_of(assistant, self.flow_id)
        node = node_of(flow, self.node_id)
        fresh = (text for text in dict.fromkeys(self.responses) if text not in node.responses)
        return with_node(assistant, flow, replace(node, responses=(*node.responses, *fresh)))

    def inverse(self, assistant: Assistant) -> SetResponses:
        return SetResponses(self.flow_id, self.node_id, self.responses).inverse(assistant)


@dataclass(frozen=True, slots=True)
class SetNodeStatus:
    """Approve or reject a node; a rejected one is neither walked nor published, with all below it."""

    flow_id: FlowId
    node_id: NodeId
    status: Status

    def apply(self, assistant: Assistant) -> Assistant:
        flow = flow_of(assistant, self.flow_id)
        return with_node(assistant, flow, replace(node_of(flow, self.node_id), status=self.status))

    def inverse(self, assistant: Assistant) -> SetNodeStatus:
        flow = flow_of(assistant, self.flow_id)
        return SetNodeStatus(self.flow_id, self.node_id, node_of(flow, self.node_id).status)


@dataclass(frozen=True, slots=True)
class SetCost:
    """How much worse it is to come to a node by mistake than to ask the customer once more."""

    flow_id: FlowId
    node_id: NodeId
    cost: float

    def apply(self, assistant: Assistant) -> Assistant:
        flow = flow_of(assistant, self.flow_id)
        return with_node(assistant, flow, replace(node_of(flow, self.node_id), cost=self.cost))

    def inverse(self, assistant: Assistant) -> SetCost:
        flow = flow_of(assistant, self.flow_id)
        return SetCost(self.flow_id, self.node_id, node_of(flow, self.node_id).cost)


@dataclass(frozen=True, slots=True)
class AddNode:
    """Add a leaf under its parent, as the child number `index`."""

    flow_id: FlowId
    node: FlowNode
    index: int

    def apply(self, assistant: Assistant) -> Assistant:
        flow = flow_of(assistant, self.flow_id)
        if self.node.parent_id is None:
            raise EditError(f"node {self.node.id!r} has no parent: a flow has one root")
        node_of(flow, self.node.parent_id)
        nodes = _placed(flow.nodes, [self.node], self.node.parent_id, self.index)
        return with_flow(assistant, replace(flow, nodes=nodes))

    def inverse(self, _assistant: Assistant) -> RemoveNode:
        return RemoveNode(self.flow_id, self.node.id)


@dataclass(frozen=True, slots=True)
class RemoveNode:
    """Remove a leaf that no other node jumps to."""

    flow_id: FlowId
    node_id: NodeId

    def apply(self, assistant: Assistant) -> Assistant:
        flow = flow_of(assistant, self.flow_id)
        return with_flow(assistant, replace(flow, nodes=_without_leaf(flow, self.node_id)))

    def inverse(self, assistant: Assistant) -> AddNode:
        flow = flow_of(assistant, self.flow_id)
        return AddNode(self.flow_id, node_of(flow, self.node_id), index_of(flow, self.node_id))


@dataclass(frozen=True, slots=True)
class MoveNode:
    """Move a node with all below it under another parent, as the child number `index`."""

    flow_id: FlowId
    node_id: NodeId
    parent_id: NodeId
    index: int

    def apply(self, assistant: Assistant) -> Assistant:
        flow = flow_of(assistant, self.flow_id)
        return with_flow(assistant, replace(flow, nodes=_moved(flow, self.node_id, self.parent_id, self.index)))

    def inverse(self, assistant: Assistant) -> MoveNode:
        flow = flow_of(assistant, self.flow_id)
        parent = node_of(flow, self.node_id).parent_id
        if parent is None:
            raise EditError(f"node {self.node_id!r} is the root of its flow and cannot be moved")
        return MoveNode(self.flow_id, self.node_id, parent, index_of(flow, self.node_id))


def _without_leaf(flow: TaskFlow, node_id: NodeId) -> tuple[FlowNode, ...]:
    target = node_of(flow, node_id)
    if target.parent_id is None:
        raise EditError(f"node {node_id!r} is the root of its flow and cannot be removed")
    for node in flow.nodes:
        if node_id in (node.parent_id, node.jump_to):
            tie = "is below it" if node.parent_id == node_id else "jumps to it"
            raise EditError(f"node {node_id!r} cannot be removed: node {node.id!r} {tie}; remove that first")
    return tuple(node for node in flow.nodes if node is not target)


def _moved(flow: TaskFlow, node_id: NodeId, parent_id: NodeId, index: int) -> tuple[FlowNode, ...]:
    target = node_of(flow, node_id)
    if target.parent_id is None:
        raise EditError(f"node {node_id!r} is the root of its flow and cannot be moved")
    block = subtree(flow.nodes, node_id)
    inside = {node.id for node in block}
    if parent_id in inside:
        raise EditError(f"node {node_id!r} cannot be moved below itself")
    node_of(flow, parent_id)
    rest = tuple(node for node in flow.nodes if node.id not in inside)
    return _placed(rest, [replace(block[0], parent_id=parent_id), *block[1:]], parent_id, index)


def _placed(
    nodes: Sequence[FlowNode], block: Sequence[FlowNode], parent_id: NodeId, index: int
) -> tuple[FlowNode, ...]:
    """The nodes with a subtree inserted as its parent's child number `index`, depth first as before."""
    siblings = [node for node in nodes if node.parent_id == parent_id]
    if not 0 <= index <= len(siblings):
        raise EditError(f"node {parent_id!r} has {len(siblings)} children: there is no place {index}")
    before = subtree(nodes, siblings[index - 1].id)[-1].id if index else parent_id
    place = 1 + next(place for place, node in enumerate(nodes) if node.id == before)
    return (*nodes[:place], *block, *nodes[place:])
