"""The distance of a sequence to the nearest path, beside a search over the same graph."""

from __future__ import annotations

import heapq

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mining.evaluation.distance import Paths
from taskflow.model import ActionId, FlowId, FlowNode, NodeId, TaskFlow


def flow(*nodes: tuple[str, str | None, str | None] | tuple[str, str | None, str | None, str]) -> TaskFlow:
    """Nodes as (id, parent, action, jump_to)."""
    return TaskFlow(
        FlowId("f"),
        "f",
        tuple(
            FlowNode(NodeId(n[0]), n[1] and NodeId(n[1]), n[2] and ActionId(n[2]), jump_to=n[3] if len(n) > 3 else None)
            for n in nodes
        ),
    )


def distance(tree: TaskFlow, sequence: str) -> int:
    return Paths([tree], lambda node: node.action_id).distance([None if s == "?" else s for s in sequence])


BRANCHES = flow(("r", None, None), ("a", "r", "a"), ("b", "a", "b"), ("c", "b", "c"), ("d", "a", "d"))


@pytest.mark.parametrize(
    ("sequence", "edits"),
    [("abc", 0), ("ad", 0), ("ab", 1), ("a", 1), ("", 2), ("axd", 1), ("xyz", 3), ("abcd", 1), ("a?d", 1), ("dab", 2)],
)
def test_edits_to_the_nearest_path_from_root_to_leaf(sequence, edits):
    assert distance(BRANCHES, sequence) == edits


def test_a_jump_is_followed_also_round_a_loop():
    again = flow(
        ("r", None, "a"), ("b", "r", "b"), ("c", "b", "c"), ("j", "c", "b", "b"), ("e", "b", "e"), ("k", "e", "c", "c")
    )
    assert distance(again, "abcbe") > 0  # e goes on at c, so no path ends there
    ends = flow(("r", None, "a"), ("b", "r", "b"), ("c", "b", "c"), ("j", "c", "b", "b"), ("e", "b", "e"))
    assert distance(ends, "abe") == 0
    assert distance(ends, "abcbcbcbe") == 0
    assert distance(ends, "abcbcb") == 1


def test_without_flows_every_step_is_an_edit():
    assert Paths([], lambda node: node.action_id).distance(["a", None]) == 2


@st.composite
def trees(draw: st.DrawFn) -> TaskFlow:
    """Up to eight nodes; some leaves jump, also backwards, and some nodes say nothing."""
    number = draw(st.integers(1, 8))
    parents = [draw(st.integers(0, place - 1)) for place in range(1, number)]
    order: list[int] = []
    stack = [0]
    while stack:
        node = stack.pop()
        order.append(node)
        stack += [place for place, parent in enumerate(parents, start=1) if parent == node]
    leaves = [node for node in order if node not in parents and node != 0]
    jumps = {leaf for leaf in leaves if draw(st.booleans())}
    targets = [node for node in order if node not in jumps]
    return flow(
        *(
            (
                str(node),
                None if node == 0 else str(parents[node - 1]),
                None if node == 0 else draw(st.sampled_from("abc")),
                *((str(draw(st.sampled_from(targets))),) if node in jumps else ()),
            )
            for node in order
        )
    )


def searched(tree: TaskFlow, sequence: str) -> int:
    """Dijkstra over (node, place of the sequence)."""
    heap: list[tuple[int, str, int, bool]] = [(0, tree.root.id, 0, False)]
    seen = set()
    while heap:
        cost, node_id, place, left = heapq.heappop(heap)
        if (node_id, place, left) in seen:
            continue
        seen.add((node_id, place, left))
        node = tree.by_id[NodeId(node_id)]
        if not left:  # still to be said, or silent
            if node.action_id is None:
                heapq.heappush(heap, (cost, node_id, place, True))
                continue
            heapq.heappush(heap, (cost + 1, node_id, place, True))
            if place < len(sequence):
                heapq.heappush(heap, (cost + (sequence[place] != node.action_id), node_id, place + 1, True))
                heapq.heappush(heap, (cost + 1, node_id, place + 1, False))
            continue
        children = tree.children(node.id)
        if not children and place == len(sequence):
            return cost
        if place < len(sequence):
            heapq.heappush(heap, (cost + 1, node_id, place + 1, True))
        for child in children:
            heapq.heappush(heap, (cost, child.id, place, False))
    return -1  # every way is a loop


@settings(max_examples=300, deadline=None)
@given(trees(), st.text("abcx", max_size=6))
def test_it_is_the_cheapest_way_over_the_graph(tree, sequence):
    expected = searched(tree, sequence)
    if expected >= 0:
        assert distance(tree, sequence) == expected
        assert (distance(tree, sequence) == 0) == (expected == 0)
