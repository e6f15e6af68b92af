"""A run's trees, in the words of a draft: actions have its ids, and what is one action there is one branch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from taskflow.model import ActionId, Evidence, FlowNode, NodeId, TaskFlow


@dataclass(eq=False, slots=True)
class Branch:
    """Nodes of a run that are one node in the draft's words; `node_id` is the first one's.

    `mass` is how many of the parent's dialogues went here, by the run's probabilities.
    """

    node_id: NodeId
    action_id: ActionId | None
    support: int = 0
    mass: float = 0.0
    responses: list[str] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    children: dict[ActionId, Branch] = field(default_factory=dict)
    jumps: dict[tuple[ActionId | None, NodeId], Branch] = field(default_factory=dict)

    def on(self, node: FlowNode, parent: Branch | None, most_evidence: int) -> FlowNode:
        """A node with this branch's counts."""
        share = 1.0 if parent is None or not parent.support else min(1.0, self.mass / parent.support)
        return replace(
            node,
            support=self.support,
            probability=share,
            evidence=tuple(dict.fromkeys(self.evidence))[:most_evidence],
            outcomes=tuple(self.outcomes.items()),
        )


@dataclass(frozen=True, slots=True)
class Grown:
    """The tree of one need: its root, and the branch of every node of the run that is in it."""

    root: Branch
    of_node: Mapping[NodeId, Branch]


def grow(flows: Iterable[TaskFlow], of_mined: Mapping[ActionId, ActionId]) -> Grown:
    """One tree of a run's flows (one at least) that are one need; siblings with the same action are one branch."""
    roots: list[Branch] = []
    of_node: dict[NodeId, Branch] = {}
    for flow in flows:
        for node in flow.nodes:
            action = None if node.action_id is None else of_mined[node.action_id]
            fresh = Branch(node.id, action)
            if node.parent_id is None or action is None:
                roots.append(fresh)
                branch = roots[0]
            elif node.jump_to is not None:
                branch = of_node[node.parent_id].jumps.setdefault((action, node.jump_to), fresh)
            else:
                branch = of_node[node.parent_id].children.setdefault(action, fresh)
            of_node[node.id] = branch
            _count(branch, node, flow)
    return Grown(roots[0], of_node)


def _count(branch: Branch, node: FlowNode, flow: TaskFlow) -> None:
    passed = node.support if node.parent_id is None else flow.by_id[node.parent_id].support
    branch.support += node.support
    branch.mass += node.probability * passed
    branch.responses += [text for text in node.responses if text not in branch.responses]
    branch.evidence += node.evidence
    branch.outcomes.update(dict(node.outcomes))


@dataclass(frozen=True, slots=True)
class Planting:
    """Where a branch is to be written as nodes: under which ids, with how many dialogues at least."""

    grown: Grown
    placed: Mapping[Branch, NodeId]  # the branches that the draft has
    taken: frozenset[NodeId]
    least: int
    most_evidence: int

    def ids(self, top: Branch, parent: Branch | None) -> dict[Branch, NodeId]:
        """The ids that a branch and all below it that has the support are to bear, parents first."""
        ids: dict[Branch, NodeId] = {}
        for branch, _ in self._below(top, parent):
            ids[branch] = _unused(branch.node_id, self.taken | set(ids.values()))
        return ids

    def nodes(
        self, top: Branch, parent: Branch | None, parent_id: NodeId | None, ids: Mapping[Branch, NodeId]
    ) -> list[FlowNode]:
        """The branch with all below it, depth first; a node's jumps are its last children."""
        nodes = []
        for branch, above in self._below(top, parent):
            under = parent_id if above is parent or above is None else ids[above]
            said = FlowNode(ids[branch], under, branch.action_id, responses=tuple(branch.responses))
            nodes.append(branch.on(said, above, self.most_evidence))
        jumps = [
            node
            for branch, id_ in ids.items()
            for key in branch.jumps
            if (node := self.jump(branch, key, id_, ids)) is not None
        ]
        return _depth_first(nodes, each_once(jumps))

    def jump(
        self, branch: Branch, key: tuple[ActionId | None, NodeId], under: NodeId, ids: Mapping[Branch, NodeId]
    ) -> FlowNode | None:
        """The node of a branch's jump, where its target is in the draft or comes along."""
        jump, target = branch.jumps[key], self.grown.of_node.get(key[1])
        if target is None or jump.support < self.least:
            return None
        landing = ids.get(target) or self.placed.get(target)
        if landing is None:
            return None
        own = _unused(jump.node_id, self.taken | set(ids.values()))
        return jump.on(FlowNode(own, under, key[0], jump_to=landing), branch, self.most_evidence)

    def _below(self, top: Branch, parent: Branch | None) -> Iterator[tuple[Branch, Branch | None]]:
        waiting: list[tuple[Branch, Branch | None]] = [(top, parent)]
        while waiting:
            branch, above = waiting.pop()
            yield branch, above
            kept = [child for child in branch.children.values() if child.support >= self.least]
            waiting += [(child, branch) for child in reversed(kept)]


def _unused(wanted: NodeId, taken: frozenset[NodeId]) -> NodeId:
    number, id_ = 1, wanted
    while id_ in taken:
        number += 1
        id_ = NodeId(f"{wanted}-{number}")
    return id_


def each_once(jumps: Iterable[FlowNode]) -> list[FlowNode]:
    """Without those that lead from the same node by the same action to the same target."""
    return list({(jump.parent_id, jump.action_id, jump.jump_to): jump for jump in jumps}.values())


def _depth_first(nodes: list[FlowNode], jumps: list[FlowNode]) -> list[FlowNode]:
    """Nodes that stand depth first, with jumps put at the end of their parents' children."""
    children: dict[NodeId | None, list[FlowNode]] = {}
    for node in (*nodes[1:], *jumps):
        children.setdefault(node.parent_id, []).append(node)
    waiting, found = [nodes[0]], []
    while waiting:
        node = waiting.pop()
        found.append(node)
        waiting += reversed(children.get(node.id, []))
    return found
