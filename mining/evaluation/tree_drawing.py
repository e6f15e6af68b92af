"""A TaskFlow as a drawn tree: a step a row, indented where the flow branches."""

from __future__ import annotations

import heapq
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from taskflow.graph import label
from taskflow.model import Assistant, FlowNode, NodeId, Speaker, TaskFlow

_MOST_ROWS = 50
_ROW, _COLUMN, _LEFT = 26, 22, 16
_TEXT = 560  # what a step's words and counts take
_LETTERS = 46  # Latin ones; an ideograph takes two
_THIN, _THICK = 1.2, 7.0

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Row:
    """A step at (x, y): `number` counts rows from 1, `target` is the row that a jump leads to, where that is drawn.

    `below` counts the hidden nodes under this step; `share` is the node's probability where it has siblings,
    `outcomes` counts its dialogues by how they ended.
    """

    number: int
    x: float
    y: float
    speaker: Speaker | None
    name: str
    title: str
    support: int
    outcomes: tuple[tuple[str, int], ...]
    share: float | None
    below: int
    jump: bool
    target: int | None


@dataclass(frozen=True, slots=True)
class Line:
    path: str
    width: float
    jump: bool


@dataclass(frozen=True, slots=True)
class TreeDrawing:
    flow: TaskFlow
    width: float
    height: float
    rows: tuple[Row, ...]
    lines: tuple[Line, ...]
    hidden: int


def draw_tree(assistant: Assistant, flow: TaskFlow) -> TreeDrawing:
    """The most supported nodes; a line is as wide as its share of the flow's dialogues."""
    shown = _shown(flow)
    places = _places(flow, shown)
    below = _hidden_below(flow, shown)
    rows = tuple(_row(assistant, flow, flow.by_id[node], places, below[node]) for node in places)
    lines = tuple(_line(flow, flow.by_id[node], places) for node in places if node != flow.root.id)
    width = max(row.x for row in rows) + _TEXT
    return TreeDrawing(flow, width, _ROW * len(rows), rows, lines, len(flow.nodes) - len(rows))


def _places(flow: TaskFlow, shown: set[NodeId]) -> dict[NodeId, Point]:
    """Where each shown node stands, from above: a child alone stands below its parent, several are indented."""
    children: dict[NodeId, list[FlowNode]] = defaultdict(list)
    for node in flow.nodes:
        if node.id in shown and node.parent_id is not None:
            children[node.parent_id].append(node)
    places: dict[NodeId, Point] = {}
    stack = [(flow.root, 0)]
    while stack:
        node, column = stack.pop()
        places[node.id] = (_LEFT + _COLUMN * column, _ROW * len(places) + _ROW / 2)
        below = sorted(children[node.id], key=lambda child: -child.support)
        stack += [(child, column + (len(below) > 1)) for child in reversed(below)]
    return places


def _row(assistant: Assistant, flow: TaskFlow, node: FlowNode, places: Mapping[NodeId, Point], below: int) -> Row:
    name = label(assistant, flow, node)
    x, y = places[node.id]
    jump = node.jump_to
    branches = node.parent_id is not None and len(flow.children(node.parent_id)) > 1
    return Row(
        number=_number(places[node.id]),
        x=x,
        y=y,
        speaker=assistant.speaker(node),
        name=_cut(name),
        title=name,
        support=node.support,
        outcomes=node.outcomes,
        share=node.probability if branches else None,
        below=below,
        jump=jump is not None,
        target=_number(places[jump]) if jump is not None and jump in places else None,
    )


def _number(point: Point) -> int:
    return int(point[1] // _ROW) + 1


def _line(flow: TaskFlow, node: FlowNode, places: Mapping[NodeId, Point]) -> Line:
    (left, top), (right, bottom) = places[node.parent_id or flow.root.id], places[node.id]
    path = f"M{left:g} {top:g}V{bottom:g}"
    if left != right:
        path = f"M{left:g} {top:g}V{bottom - 9:g}Q{left:g} {bottom:g} {left + 9:g} {bottom:g}H{right:g}"
    share = min(1.0, node.support / max(flow.support, 1))
    return Line(path, round(_THIN + (_THICK - _THIN) * share, 2), node.jump_to is not None)


def _shown(flow: TaskFlow) -> set[NodeId]:
    """The most supported nodes, grown from the root: a node may have more dialogues than its parent."""
    children: dict[NodeId | None, list[FlowNode]] = defaultdict(list)
    for node in flow.nodes:
        children[node.parent_id].append(node)
    order = {node.id: place for place, node in enumerate(flow.nodes)}
    shown: set[NodeId] = set()
    ahead = [(-flow.root.support, 0, flow.root)]
    while ahead and len(shown) < _MOST_ROWS:
        _, _, node = heapq.heappop(ahead)
        shown.add(node.id)
        for child in children[node.id]:
            heapq.heappush(ahead, (-child.support, order[child.id], child))
    return shown


def _hidden_below(flow: TaskFlow, shown: set[NodeId]) -> Mapping[NodeId, int]:
    """How many hidden nodes hang under each shown one."""
    below: Counter[NodeId] = Counter()
    for node in reversed(flow.nodes):
        if node.id not in shown and node.parent_id is not None:
            below[node.parent_id] += 1 + below[node.id]
    return below


def _cut(text: str) -> str:
    """As much as fits; wide letters take two places."""
    taken = 0
    for place, letter in enumerate(text):
        taken += 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        if taken > _LETTERS:
            return text[:place].rstrip() + "…"
    return text
