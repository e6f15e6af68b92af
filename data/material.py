"""What is written by hand in `after_sale/`: the gold trees, the calls, and the wordings of each language."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

FOLDER = Path(__file__).resolve().parent / "after_sale"
LANGUAGES = ("en", "zh")
DIGRESSIONS = ("how_long", "opening_hours", "invoice")

Node: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tree:
    """One gold tree: its nodes by id, parents first, and each one's children."""

    name: str
    nodes: dict[str, Node]
    children: dict[str, list[Node]]

    @property
    def root(self) -> Node:
        return next(iter(self.nodes.values()))

    def target(self, node: Node) -> Node:
        """The node itself, or the one that it stands for."""
        return self.nodes[node["jump_to"]] if "jump_to" in node else node

    def follow(self, node: Node) -> Node | None:
        """The first child, jump followed; None at the end."""
        children = self.children[node["id"]]
        return self.target(children[0]) if children else None


@dataclass(frozen=True, slots=True)
class Language:
    """What is said in one language, and the material of names, dates and the like."""

    code: str
    wordings: dict[str, list[str]]
    values: dict[str, Any]

    def open(self, action: str) -> list[str]:
        """The customers' wordings of the mined part."""
        return [text for place, text in enumerate(self.wordings[action]) if place % 4 != 3]

    def reserved(self, action: str) -> list[str]:
        """Every fourth wording: only customers of the held part use these."""
        return self.wordings[action][3::4]


def read(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def read_language(code: str) -> Language:
    return Language(code, read(f"wordings.{code}.json"), read("values.json")[code])


def read_trees() -> dict[str, Tree]:
    return {flow["name"]: _tree(flow["name"], flow["nodes"]) for flow in read("flows.json")}


def _tree(name: str, nodes: list[Node]) -> Tree:
    children: dict[str, list[Node]] = {node["id"]: [] for node in nodes}
    for node in nodes:
        if node["parent"] is not None:
            children[node["parent"]].append(node)
    return Tree(name, {node["id"]: node for node in nodes}, children)
