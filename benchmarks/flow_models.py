"""What a method makes of a task: flows, the actions of every turn, and what it says the agent does next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from taskflow.model import ActionId, Dialogue, FlowId, FlowNode, NodeId, TaskFlow

START, END = ActionId("[start]"), ActionId("[end]")

Turns = Sequence[tuple[ActionId, ...]]
Foretell = Callable[[Dialogue, Turns], Mapping[int, Sequence[ActionId]]]
"""The agent's likeliest actions at each of its turns, from the turns before it alone."""


@dataclass(frozen=True, slots=True)
class FlowModel:
    """`flows` by the gold need that they serve. A node whose action is END says nothing: a dialogue may end there.

    `nodes` is how many there are where the flows of several needs are parts of one graph.
    """

    flows: Mapping[str, Sequence[TaskFlow]]
    trained: Sequence[Turns]
    held: Sequence[Turns]
    foretell: Foretell
    seconds: float
    nodes: int | None = None


def steps_of(turns: Turns) -> list[ActionId]:
    """The known actions in order; a repeat at once is one."""
    said = [action for actions in turns for action in actions]
    return [action for place, action in enumerate(said) if place == 0 or action != said[place - 1]]


def tree_flow(name: str, sequences: Iterable[Sequence[ActionId]]) -> TaskFlow:
    """The prefix tree of all sequences, each closed by END."""
    root = _Branch(None)
    for sequence in sequences:
        branch = root
        branch.support += 1
        for action in (*sequence, END):
            branch = branch.children.setdefault(action, _Branch(action))
            branch.support += 1
    nodes: list[FlowNode] = []
    waiting: list[tuple[_Branch, NodeId | None]] = [(root, None)]
    while waiting:
        branch, parent = waiting.pop()
        node_id = NodeId(f"{name} {len(nodes)}")
        nodes.append(FlowNode(node_id, parent, branch.action, branch.support))
        waiting += [(child, node_id) for child in reversed(branch.children.values())]
    return TaskFlow(FlowId(name), name, tuple(nodes))


def graph_flow(name: str, edges: Mapping[tuple[ActionId, ActionId], int]) -> TaskFlow:
    """A graph from START as a flow: every action is one node, under the first that leads to it; other edges jump."""
    after: dict[ActionId, list[ActionId]] = {}
    for one, other in edges:
        if one != other:
            after.setdefault(one, []).append(other)
    above: dict[ActionId, ActionId] = {}
    front = [START]
    for action in front:  # breadth first: the list grows as it is read
        fresh = [other for other in after.get(action, ()) if other not in above and other not in (START, END)]
        above |= dict.fromkeys(fresh, action)
        front += fresh
    nodes: list[FlowNode] = []
    waiting: list[tuple[ActionId, ActionId | None, bool]] = [(START, None, False)]
    while waiting:
        action, parent, jumps = waiting.pop()
        own = _node_id(name, action) if action != END and not jumps else NodeId(f"{name} {parent} to {action}")
        nodes.append(
            FlowNode(
                id=own,
                parent_id=None if parent is None else _node_id(name, parent),
                action_id=None if action == START else action,
                support=1 if parent is None else edges[parent, action],
                jump_to=_node_id(name, action) if jumps else None,
            )
        )
        if not jumps:
            for other in after.get(action, ()):
                waiting.append((other, action, other != END and above.get(other) != action))
    return TaskFlow(FlowId(name), name, tuple(nodes))


class _Branch:
    """A node of a prefix tree while it grows."""

    def __init__(self, action: ActionId | None) -> None:
        self.action = action
        self.support = 0
        self.children: dict[ActionId, _Branch] = {}


def _node_id(name: str, action: ActionId) -> NodeId:
    return NodeId(f"{name} {action}")
