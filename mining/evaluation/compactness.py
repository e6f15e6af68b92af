"""How large the flows are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from mining.evaluation.shares import Figures, share
from taskflow.model import NodeId, TaskFlow


def compactness(flows: Sequence[TaskFlow]) -> Figures:
    """Of one flow or of several together; `depth` is that of the deepest node, a root's being 0."""
    nodes = [node for flow in flows for node in flow.nodes]
    depth: dict[NodeId, int] = {}
    for node in nodes:
        depth[node.id] = 0 if node.parent_id is None else depth[node.parent_id] + 1
    children = Counter(node.parent_id for node in nodes if node.parent_id is not None)
    return {
        "nodes": len(nodes),
        "actions": len({node.action_id for node in nodes if node.action_id is not None}),
        "jumps": sum(node.jump_to is not None for node in nodes),
        "depth": max(depth.values(), default=0),
        "mean_branching": share(children.total(), len(children)),
        "nodes_per_100_dialogues": share(100 * len(nodes), sum(flow.support for flow in flows)),
    }
