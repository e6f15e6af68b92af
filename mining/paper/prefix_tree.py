"""Sequences merged by their common prefixes, and what pruning keeps of the tree."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Symbol = TypeVar("Symbol", bound=Hashable)
Seen = TypeVar("Seen")


@dataclass(slots=True)
class Prefix(Generic[Symbol, Seen]):
    """A node: the sequences that begin with its path, as what was seen of each where it passed."""

    symbol: Symbol | None
    seen: list[Seen] = field(default_factory=list)
    children: dict[Symbol, Prefix[Symbol, Seen]] = field(default_factory=dict)

    @property
    def support(self) -> int:
        """n(v): how many sequences begin with the path from the root to here."""
        return len(self.seen)


def grow(root: Prefix[Symbol, Seen], start: Seen, steps: Sequence[tuple[Symbol, Seen]]) -> None:
    """Add one sequence: `start` is what is seen of it at the root."""
    root.seen.append(start)
    node = root
    for symbol, seen in steps:
        node = node.children.setdefault(symbol, Prefix(symbol))
        node.seen.append(seen)


def prune(root: Prefix[Symbol, Seen], least_support: int, least_probability: float, most_children: int) -> None:
    """Keep v if n(v) >= s_min and n(v)/n(parent) >= p_min, and of these the B best of each parent.

    Among equals the one that came first is better. What is cut goes with all below it.
    """
    for node in walk(root):
        kept = [
            child
            for child in node.children.values()
            if child.support >= least_support and child.support >= least_probability * node.support
        ]
        kept.sort(key=lambda child: -child.support)
        node.children = {child.symbol: child for child in kept[:most_children] if child.symbol is not None}


def walk(root: Prefix[Symbol, Seen]) -> Iterator[Prefix[Symbol, Seen]]:
    """Depth first, every node before its children, which are asked for only when it was dealt with."""
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        stack += reversed(node.children.values())


def mass(root: Prefix[Symbol, Seen]) -> int:
    """The steps of all sequences that the tree holds; the root is none."""
    return sum(node.support for node in walk(root)) - root.support
