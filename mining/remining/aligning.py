"""A reviewed draft beside a new run: which nodes the run found again, and what it found besides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mining.remining.branches import Branch, Grown
from taskflow.model import ActionId, FlowNode, NodeId, Status, TaskFlow
from taskflow.review import Place


@dataclass(frozen=True, slots=True)
class Found:
    """A branch that the draft lacks, under a node that it has; `jump` is the key of one that is a jump."""

    under: FlowNode
    parent: Branch
    branch: Branch
    jump: tuple[ActionId | None, NodeId] | None = None


@dataclass(slots=True)
class Alignment:
    """`branch_of` tells of each node of the draft that the run found again which branch it is."""

    flow: TaskFlow
    grown: Grown
    branch_of: dict[NodeId, Branch] = field(default_factory=dict)
    parent_of: dict[NodeId, Branch | None] = field(default_factory=dict)
    new: list[Found] = field(default_factory=list)

    @property
    def placed(self) -> Mapping[Branch, NodeId]:
        """The node that stands for each branch; the target, where the draft jumps."""
        return {branch: self.flow.by_id[node_id].jump_to or node_id for node_id, branch in self.branch_of.items()}

    def refreshed(self, most_evidence: int) -> TaskFlow:
        """The draft's flow as it stands, with the run's counts where the run found a node again."""
        return replace(self.flow, nodes=tuple(self._refreshed(node, most_evidence) for node in self.flow.nodes))

    def _refreshed(self, node: FlowNode, most_evidence: int) -> FlowNode:
        branch = self.branch_of.get(node.id)
        return node if branch is None else branch.on(node, self.parent_of[node.id], most_evidence)


def align(flow: TaskFlow, grown: Grown, left: frozenset[Place]) -> Alignment:
    """Nodes are matched by the actions on the way to them; one that was moved by hand by its id.

    Nothing is looked for below what was rejected, nor at places that were left by hand.
    """
    found = Alignment(flow, grown)
    waiting: list[tuple[FlowNode, Branch, Branch | None]] = [(flow.root, grown.root, None)]
    while waiting:
        node, branch, parent = waiting.pop()
        if node.id in found.branch_of:
            continue
        found.branch_of[node.id], found.parent_of[node.id] = branch, parent
        if node.status is not Status.REJECTED and node.jump_to is None:
            waiting += [(*pair, branch) for pair in _children(found, node, branch, left)]
    return found


def _children(
    found: Alignment, node: FlowNode, branch: Branch, left: frozenset[Place]
) -> list[tuple[FlowNode, Branch]]:
    """The pairs to go on with; what the draft lacks is noted."""
    known: dict[ActionId | None, FlowNode] = {}
    for child in found.flow.children(node.id):
        known.setdefault(child.action_id, child)
    pairs: list[tuple[FlowNode, Branch]] = []
    for action, below in branch.children.items():
        moved = found.flow.by_id.get(below.node_id)
        if action in known:
            pairs.append((known[action], below))
        elif (found.flow.id, node.id, action) not in left:
            found.new.append(Found(node, branch, below))
        elif moved is not None and moved.action_id == action:
            pairs.append((moved, below))
    for key, jump in branch.jumps.items():
        said = known.get(key[0])
        if said is not None and said.jump_to is not None:
            pairs.append((said, jump))
        elif said is None and key[0] is not None and (found.flow.id, node.id, key[0]) not in left:
            found.new.append(Found(node, branch, jump, key))
    return pairs
