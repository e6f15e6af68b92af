"""Where dialogues that ended one way take another branch of a TaskFlow than the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from taskflow.chance import chance_of_split, holm
from taskflow.model import FlowNode, Status, TaskFlow

SATISFIED = "satisfied"
"""The outcome that mining adds to the log's own: at least half of the customers were no more content."""

ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Branch:
    """A child of a branch point, and how many dialogues passed it: of those with the outcome, and of the others."""

    node: FlowNode
    ended_so: int
    ended_else: int


@dataclass(frozen=True, slots=True)
class Parting:
    """A branch point at which the dialogues with an outcome go other ways than those that ended otherwise.

    `chance` is P of such a difference by chance alone, corrected for the number of comparisons that were made.
    The branches are in the order of the tree.
    """

    flow: TaskFlow
    node: FlowNode
    outcome: str
    branches: tuple[Branch, ...]
    chance: float

    def shares(self, branch: Branch) -> tuple[float, float]:
        """Of the passages below this point, those of the branch: with the outcome, and without it."""
        so = sum(other.ended_so for other in self.branches)
        otherwise = sum(other.ended_else for other in self.branches)
        return branch.ended_so / so, branch.ended_else / otherwise

    def most_different(self) -> list[Branch]:
        """The branches whose shares differ most first."""
        return sorted(self.branches, key=lambda branch: -abs(self.shares(branch)[0] - self.shares(branch)[1]))


@dataclass(frozen=True, slots=True)
class Partings:
    """What was found, in the order of the trees; `compared` counts the pairs of a branch point and an outcome."""

    found: tuple[Parting, ...]
    compared: int


def partings(flows: Sequence[TaskFlow]) -> Partings:
    """Where the shares of the children differ beyond chance, at 5 % for all that is compared in all flows (Holm).

    A node counts each dialogue once, from wherever it came there, so a dialogue that passed two siblings counts for
    both. Dialogues without an outcome in the log are left out, but where they are compared with the satisfied ones.
    What was rejected is passed over.
    """
    candidates = [
        Parting(flow, node, outcome, branches, 1.0)
        for flow in flows
        for node, children in _branch_points(flow)
        for outcome in _outcomes(children)
        if _both_ways(branches := tuple(_branch(child, outcome) for child in children))
    ]
    chances = holm(
        [
            chance_of_split([b.ended_so for b in parting.branches], [b.ended_else for b in parting.branches])
            for parting in candidates
        ]
    )
    found = (replace(parting, chance=chance) for parting, chance in zip(candidates, chances, strict=True))
    return Partings(tuple(parting for parting in found if parting.chance < ALPHA), len(candidates))


def _outcomes(nodes: Sequence[FlowNode]) -> list[str]:
    """Those to compare, the commonest first; of two that exclude each other the commoner says it all."""
    counts: Counter[str] = Counter()
    for node in nodes:
        counts.update(dict(node.outcomes))
    content = counts.pop(SATISFIED, 0)
    logged = sorted(counts, key=lambda outcome: (-counts[outcome], outcome))
    return [*(logged[:1] if len(logged) == 2 else logged), *([SATISFIED] if content else [])]


def _branch_points(flow: TaskFlow) -> Iterator[tuple[FlowNode, list[FlowNode]]]:
    for node in flow.nodes:
        if node.jump_to is None and node.status is not Status.REJECTED:
            children = [child for child in flow.children(node.id) if child.status is not Status.REJECTED]
            if len(children) > 1:
                yield node, children


def _branch(node: FlowNode, outcome: str) -> Branch:
    counts = dict(node.outcomes)
    so = counts.get(outcome, 0)
    known = node.support if outcome == SATISFIED else sum(n for name, n in counts.items() if name != SATISFIED)
    return Branch(node, so, max(0, known - so))


def _both_ways(branches: Sequence[Branch]) -> bool:
    """Whether there is anything to compare: both kinds of dialogues, and more than one branch that was taken."""
    taken = sum(branch.ended_so + branch.ended_else > 0 for branch in branches)
    return taken > 1 and any(branch.ended_so for branch in branches) and any(branch.ended_else for branch in branches)
