"""The way back from an edit that changes many things: what was different before it, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace

from taskflow.edits.places import EditError
from taskflow.model import ActionId, Assistant, DialogueAction, FlowId, FlowNode, NodeId, TaskFlow


@dataclass(frozen=True, slots=True)
class FlowBefore:
    """A flow as it was: the nodes that only had another action (`labels`), and those that differed in more.

    `order` names all nodes where their order or number differed, and is empty where it did not.
    """

    flow_id: FlowId
    name: str
    order: tuple[NodeId, ...]
    labels: tuple[tuple[NodeId, ActionId], ...]
    nodes: tuple[FlowNode, ...]


@dataclass(frozen=True, slots=True)
class Restore:
    """Put back actions and flows that differed; the orders name all that there were."""

    action_order: tuple[ActionId, ...]
    actions: tuple[DialogueAction, ...]
    flow_order: tuple[FlowId, ...]
    flows: tuple[FlowBefore, ...]

    def apply(self, assistant: Assistant) -> Assistant:
        actions = {**assistant.action_by_id, **{action.id: action for action in self.actions}}
        flows = {**assistant.flow_by_id, **{flow.flow_id: _restored(flow, assistant) for flow in self.flows}}
        missing: list[str] = [key for key in self.action_order if key not in actions]
        missing += [key for key in self.flow_order if key not in flows]
        if missing:
            raise EditError(f"what was before cannot be put back: {missing[0]!r} is not there")
        return replace(
            assistant,
            actions=tuple(actions[key] for key in self.action_order),
            flows=tuple(flows[key] for key in self.flow_order),
        )


def difference(before: Assistant, after: Assistant) -> Restore:
    """The edit that leads from `after` back to `before`."""
    return Restore(
        tuple(action.id for action in before.actions),
        tuple(action for action in before.actions if after.action_by_id.get(action.id) != action),
        tuple(flow.id for flow in before.flows),
        tuple(
            _flow_before(flow, after.flow_by_id.get(flow.id))
            for flow in before.flows
            if after.flow_by_id.get(flow.id) != flow
        ),
    )


def _flow_before(flow: TaskFlow, after: TaskFlow | None) -> FlowBefore:
    order = tuple(node.id for node in flow.nodes)
    if after is None:
        return FlowBefore(flow.id, flow.name, order, (), flow.nodes)
    labels: list[tuple[NodeId, ActionId]] = []
    nodes: list[FlowNode] = []
    for node in flow.nodes:
        now = after.by_id.get(node.id)
        if now is None or replace(now, action_id=node.action_id) != node or (now != node and node.action_id is None):
            nodes.append(node)
        elif now != node and node.action_id is not None:
            labels.append((node.id, node.action_id))
    same = order == tuple(node.id for node in after.nodes)
    return FlowBefore(flow.id, flow.name, () if same else order, tuple(labels), tuple(nodes))


def _restored(before: FlowBefore, assistant: Assistant) -> TaskFlow:
    flow = assistant.flow_by_id.get(before.flow_id)
    nodes = {} if flow is None else dict(flow.by_id)
    nodes |= {node.id: node for node in before.nodes}
    labels = dict(before.labels)
    order = before.order or tuple(nodes)
    missing = [key for key in (*order, *labels) if key not in nodes]
    if missing:
        raise EditError(f"what was before cannot be put back: flow {before.name!r} has no node {missing[0]!r}")
    return TaskFlow(
        before.flow_id,
        before.name,
        tuple(replace(nodes[key], action_id=labels[key]) if key in labels else nodes[key] for key in order),
    )
