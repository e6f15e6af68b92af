"""What dialogues, Dialogue Actions and TaskFlows are. Standard library only.

A *Dialogue* is logged, a *Conversation* is live. Everything here is frozen and checked when it is made, so
whoever holds one of these values need not check it again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import NewType, TypeAlias

from taskflow.bindings import CallBinding
from taskflow.errors import TaskFlowError

ActionId = NewType("ActionId", str)
FlowId = NewType("FlowId", str)
NodeId = NewType("NodeId", str)

JsonValue: TypeAlias = "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"


class ModelError(TaskFlowError):
    """A value that cannot be: the message names the place and what would be right."""


class Speaker(StrEnum):
    """Who speaks: the customer, the service agent, or a system that the agent called."""

    USER = "user"
    AGENT = "agent"
    SYSTEM = "system"


class Status(StrEnum):
    """What a reviewer thinks of an action or a node; what is rejected is kept, but never served or walked."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Utterance:
    """One turn of a logged dialogue, personal and order data masked.

    `label` is the log's own name of the turn: an annotation, or the call's name on a system turn. Mining
    reads it on system turns only. `result` is what a system turn's call answered.
    """

    speaker: Speaker
    text: str
    label: str | None = None
    result: JsonValue = None
    attachments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A logged dialogue; an utterance's turn is its index here."""

    id: str
    utterances: tuple[Utterance, ...]
    need: str | None = None
    outcome: str | None = None
    satisfaction: float | None = None
    started_at: str | None = None

    def __post_init__(self) -> None:
        if not self.id:
            raise ModelError("a dialogue has an empty id: give it one")
        if not self.utterances:
            raise ModelError(f"dialogue {self.id!r} has no turns: leave it out or add them")


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One distinct masked wording of an action, and how often it was said."""

    text: str
    count: int


@dataclass(frozen=True, slots=True)
class DialogueAction:
    """What a group of utterances by one speaker does in a dialogue; the most typical exemplar comes first.

    A system's action may be bound to an endpoint, which then answers the call.
    """

    id: ActionId
    speaker: Speaker
    name: str
    exemplars: tuple[Exemplar, ...]
    support: int
    description: str = ""
    status: Status = Status.PROPOSED
    binding: CallBinding | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """The turn of a logged dialogue at which it passed a node."""

    dialogue_id: str
    turn: int


@dataclass(frozen=True, slots=True)
class FlowNode:
    """One Dialogue Action at one place in a TaskFlow.

    A root may have no action: it then stands for the need alone. `support` counts the dialogues that passed
    here, those that jumped here too; `probability` is the share of the visits to the parent that went on to this
    node, so that of siblings at most one in sum. A node with `jump_to` is a leaf
    that stands for another node of the same flow and says nothing itself. `outcomes` counts the dialogues that
    passed here by the outcome that the log gives them. `cost` says how much worse it is to come here by mistake than
    to ask once more.
    """

    id: NodeId
    parent_id: NodeId | None
    action_id: ActionId | None
    support: int = 0
    probability: float = 1.0
    jump_to: NodeId | None = None
    responses: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    status: Status = Status.PROPOSED
    outcomes: tuple[tuple[str, int], ...] = ()
    cost: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.cost) and self.cost > 0):
            raise ModelError(f"node {self.id!r} has the cost {self.cost}: it is a number above 0")


@dataclass(frozen=True)
class TaskFlow:
    """A tree of Dialogue Actions that serves one need; its nodes stand depth first."""

    id: FlowId
    name: str
    nodes: tuple[FlowNode, ...]

    def __post_init__(self) -> None:
        _check_tree(self)

    @property
    def root(self) -> FlowNode:
        return self.nodes[0]

    @property
    def support(self) -> int:
        return self.root.support

    @cached_property
    def by_id(self) -> Mapping[NodeId, FlowNode]:
        return {node.id: node for node in self.nodes}

    @cached_property
    def _children(self) -> Mapping[NodeId, tuple[FlowNode, ...]]:
        children: dict[NodeId, list[FlowNode]] = {node.id: [] for node in self.nodes}
        for node in self.nodes:
            if node.parent_id is not None:
                children[node.parent_id].append(node)
        return {parent: tuple(nodes) for parent, nodes in children.items()}

    @cached_property
    def is_aside(self) -> bool:
        """Whether it is but questions with their answers: who asks one goes on with what was under way."""
        depths: dict[NodeId, int] = {}
        for node in self.nodes:
            depths[node.id] = 0 if node.parent_id is None else depths[node.parent_id] + 1
        return self.root.action_id is None and max(depths.values()) == 2 and all(n.jump_to is None for n in self.nodes)

    def children(self, node_id: NodeId) -> tuple[FlowNode, ...]:
        """The children in the order of the tree; those of the target, for a node that jumps."""
        jump = self.by_id[node_id].jump_to
        return self._children[jump if jump is not None else node_id]

    def ancestors(self, node_id: NodeId) -> tuple[FlowNode, ...]:
        """From the parent up to the root."""
        found = []
        parent = self.by_id[node_id].parent_id
        while parent is not None:
            found.append(self.by_id[parent])
            parent = self.by_id[parent].parent_id
        return tuple(found)


@dataclass(frozen=True)
class Assistant:
    """What is edited, published and talked to: the Dialogue Actions and TaskFlows mined from one corpus."""

    name: str
    actions: tuple[DialogueAction, ...]
    flows: tuple[TaskFlow, ...]

    def __post_init__(self) -> None:
        _check_unique((action.id for action in self.actions), f"assistant {self.name!r}", "action id")
        _check_unique((flow.id for flow in self.flows), f"assistant {self.name!r}", "flow id")
        _check_unique((flow.name for flow in self.flows), f"assistant {self.name!r}", "flow name")
        _check_unique((node.id for flow in self.flows for node in flow.nodes), f"assistant {self.name!r}", "node id")
        for flow in self.flows:
            for node in flow.nodes:
                if node.action_id is not None and node.action_id not in self.action_by_id:
                    raise ModelError(
                        f"node {node.id!r} of flow {flow.name!r} has the action {node.action_id!r}, "
                        "which the assistant does not have: add the action or choose another"
                    )

    @cached_property
    def action_by_id(self) -> Mapping[ActionId, DialogueAction]:
        return {action.id: action for action in self.actions}

    @cached_property
    def flow_by_id(self) -> Mapping[FlowId, TaskFlow]:
        return {flow.id: flow for flow in self.flows}

    def speaker(self, node: FlowNode) -> Speaker | None:
        """Who speaks at a node; None at a root that stands for the need alone."""
        return None if node.action_id is None else self.action_by_id[node.action_id].speaker


@dataclass(frozen=True)
class AssistantVersion:
    """An assistant as it stood: a draft (`number` None) or what was published under a number.

    `encoder` names what made the exemplars' vectors; no other encoder may be used with them.
    """

    assistant: Assistant
    number: int | None
    encoder: str


def _check_tree(flow: TaskFlow) -> None:
    if not flow.nodes:
        raise ModelError(f"flow {flow.name!r} has no nodes: a flow has at least a root")
    _check_unique((node.id for node in flow.nodes), f"flow {flow.name!r}", "node id")
    seen: set[NodeId] = set()
    path: list[NodeId] = []  # from the root to the node before
    jumps = {node.id for node in flow.nodes if node.jump_to is not None}
    for place, node in enumerate(flow.nodes):
        where = f"node {node.id!r} of flow {flow.name!r}"
        if (node.parent_id is None) != (place == 0):
            raise ModelError(f"{where}: the first node, and no other, is the root")
        while path and path[-1] != node.parent_id:
            path.pop()
        if place > 0 and not path:
            raise ModelError(f"{where}: its parent {node.parent_id!r} is not above it: list the nodes depth first")
        path.append(node.id)
        if node.parent_id in jumps:
            raise ModelError(f"{where}: its parent jumps elsewhere, so it can have no children")
        if node.action_id is None and place > 0:
            raise ModelError(f"{where} has no action: only a root may stand for the need alone")
        seen.add(node.id)
    for node in flow.nodes:
        if node.jump_to is not None and (node.jump_to not in seen or node.jump_to in jumps):
            raise ModelError(
                f"node {node.id!r} of flow {flow.name!r} jumps to {node.jump_to!r}, "
                "which is no node that it can stand for"
            )


def _check_unique(values: Iterable[str], where: str, what: str) -> None:
    seen: set[str] = set()
    for value in values:
        if not value:
            raise ModelError(f"{where} has an empty {what}: give it one")
        if value in seen:
            raise ModelError(f"{where} has the {what} {value!r} twice: each is used once")
        seen.add(value)
