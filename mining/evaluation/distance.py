"""How many edits a sequence is from the nearest root-to-leaf path of a forest of flows, exactly.

Dynamic programming over nodes and places of the sequence, a level of the trees at a time. Jumps are followed: a
node's children may also be entered from the nodes that jump to it. A step either uses up one of the sequence or costs
an edit, so ways round a loop of jumps end by themselves and need no bound on their depth.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from taskflow.model import FlowNode, TaskFlow

_Rows = NDArray[np.int32]
_Places = NDArray[np.int64]
_FAR = 1_000_000
_NOBODY, _SILENT = -1, -2  # a symbol of the sequence that no node has; a node that says nothing


class Paths:
    """The root-to-leaf paths of flows as sequences of symbols; a node whose symbol is None says nothing."""

    def __init__(self, flows: Sequence[TaskFlow], symbol: Callable[[FlowNode], Hashable | None]) -> None:
        nodes = [node for flow in flows for node in flow.nodes]
        place = {node.id: index for index, node in enumerate(nodes)}
        self._code: dict[Hashable, int] = {}
        said = [symbol(node) for node in nodes]
        self._said = np.array([_SILENT if s is None else self._code.setdefault(s, len(self._code)) for s in said], int)
        parents = [None if node.parent_id is None else place[node.parent_id] for node in nodes]
        self._levels = _by_depth(parents)
        inner = {parent for parent in parents if parent is not None}
        targets = [None if node.jump_to is None else place[node.jump_to] for node in nodes]
        self._jumps = [(index, target) for index, target in enumerate(targets) if target is not None]
        ends = [index for index, target in enumerate(targets) if (index if target is None else target) not in inner]
        self._ends = np.array(ends, int)

    def distance(self, sequence: Sequence[Hashable | None]) -> int:
        """Insertions, deletions and substitutions; None in the sequence is a step that no node says."""
        if not len(self._ends):
            return len(sequence)
        codes = np.array([self._code.get(step, _NOBODY) for step in sequence], int)
        rows = np.full((len(self._said), len(sequence) + 1), _FAR, np.int32)
        left = rows.copy()  # the cost of having passed a node, or one that jumps to it
        while True:
            self._pass(rows, left, codes)
            better = rows.copy()
            for index, target in self._jumps:
                np.minimum(better[target], rows[index], out=better[target])
            if np.array_equal(better, left):
                return int(rows[self._ends, -1].min())
            left = better

    def _pass(self, rows: _Rows, left: _Rows, codes: _Places) -> None:
        """Fill the rows level by level from what is known of the rows above and of the jumps."""
        start = np.arange(len(codes) + 1, dtype=np.int32)
        for depth, (places, parents) in enumerate(self._levels):
            before = np.broadcast_to(start, (len(places), len(start)))
            if depth:
                before = np.minimum(left[parents], rows[parents])
            said = self._said[places][:, None]
            cost = before + np.where(said == _SILENT, 0, 1).astype(np.int32)
            told = before[:, :-1] + (said != codes[None, :]).astype(np.int32)
            np.minimum(cost[:, 1:], np.where(said == _SILENT, _FAR, told), out=cost[:, 1:])
            # A step of the sequence that the path lacks costs one: a running minimum along the row.
            rows[places] = np.minimum.accumulate(cost - start, axis=1) + start


def _by_depth(parents: Sequence[int | None]) -> list[tuple[_Places, _Places]]:
    """The places of each level with those of their parents; every parent stands before its children."""
    depth: list[int] = []
    levels: dict[int, list[int]] = defaultdict(list)
    for index, parent in enumerate(parents):
        depth.append(0 if parent is None else depth[parent] + 1)
        levels[depth[index]].append(index)
    return [
        (np.array(places, int), np.array([parents[place] or 0 for place in places], int))
        for _, places in sorted(levels.items())
    ]
