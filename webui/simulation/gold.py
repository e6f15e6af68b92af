"""What the corpus holds a good conversation to be: the tree of each need, and what customers and agents say in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any

from taskflow.model import Speaker
from taskflow.sample import sample_path

HAND_OVER, ANYTHING_ELSE, GOODBYE = "hand_over", "anything_else", "goodbye"
CLOSINGS = frozenset({HAND_OVER, ANYTHING_ELSE, GOODBYE})
GIVE = "give_"
_RESERVED = slice(3, None, 4)  # of an action's wordings: data/README.md says which are never mined


@dataclass(frozen=True, slots=True)
class Node:
    """A node whose `jump_to` is set stands for that one."""

    id: str
    parent: str | None
    speaker: Speaker
    action: str
    share: float
    jump_to: str | None

    @property
    def call(self) -> str:
        return self.action.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Need:
    """One gold tree, its nodes by id, parents first."""

    name: str
    nodes: Mapping[str, Node]

    @property
    def root(self) -> Node:
        return next(iter(self.nodes.values()))

    def children(self, node: Node) -> list[Node]:
        """In the tree's order, each with its share of the ways; a jump is followed."""
        found = (child for child in self.nodes.values() if child.parent == node.id)
        return [child if child.jump_to is None else self.nodes[child.jump_to] for child in found]

    def shares(self, node: Node) -> list[float]:
        return [child.share for child in self.nodes.values() if child.parent == node.id]

    def answers(self, action: str) -> list[str]:
        """What customers answer to an agent's action, anywhere in this tree."""
        asked = (node for node in self.nodes.values() if node.action == action and node.jump_to is None)
        found = (child.action for node in asked for child in self.children(node) if child.speaker is Speaker.USER)
        return list(dict.fromkeys(found))

    @property
    def agreeing(self) -> dict[str, set[str]]:
        """The customer's words after which the corpus' agents make each call; a value that is given is no yes."""
        found: dict[str, set[str]] = {}
        for node in self.nodes.values():
            if node.speaker is Speaker.USER and not node.action.startswith(GIVE):
                for child in self.children(node):
                    if child.speaker is Speaker.SYSTEM:
                        found.setdefault(child.call, set()).add(node.action)
        return found


@dataclass(frozen=True, slots=True)
class Gold:
    """The needs, calls and wordings of one language."""

    language: str
    needs: Mapping[str, Need]
    calls: Mapping[str, Any]
    wordings: Mapping[str, tuple[str, ...]]
    values: Mapping[str, Any]

    def reserved(self, action: str) -> tuple[str, ...]:
        """What customers of the mined logs never say."""
        return self.wordings[action][_RESERVED]

    @property
    def agents(self) -> frozenset[str]:
        """The actions of agents."""
        nodes = (node for need in self.needs.values() for node in need.nodes.values())
        told = {node.action for node in nodes if node.speaker is Speaker.AGENT}
        beside = {
            action for action in self.wordings if action.startswith("answer_") or action in ("offer_help", "wait")
        }
        return frozenset((told | beside) & self.wordings.keys())

    @property
    def customers(self) -> tuple[str, ...]:
        """The actions of customers."""
        return tuple(action for action in self.wordings if action not in self.agents)

    @property
    def digressions(self) -> dict[str, str]:
        """What customers ask beside their need, and the agent's action that answers it."""
        pairs = ((action, f"answer_{action.removeprefix('ask_')}") for action in self.wordings)
        return {asked: answer for asked, answer in pairs if asked.startswith("ask_") and answer in self.wordings}


def read_gold(language: str) -> Gold:
    """From the corpus that comes with the project."""
    needs = {tree["name"]: Need(tree["name"], dict(_nodes(tree["nodes"]))) for tree in _read("flows.json")}
    wordings = {action: tuple(texts) for action, texts in _read(f"wordings.{language}.json").items()}
    return Gold(language, needs, _read("calls.json"), wordings, _read("values.json")[language])


def fields_of(wording: str) -> set[str]:
    """The names of the values that a wording has places for."""
    return {name for _, name, _, _ in Formatter().parse(wording) if name}


def _nodes(told: list[dict[str, Any]]) -> Iterator[tuple[str, Node]]:
    for one in told:
        yield (
            one["id"],
            Node(
                one["id"],
                one["parent"],
                Speaker(one["speaker"]),
                one["action"],
                one.get("share", 1.0),
                one.get("jump_to"),
            ),
        )


def _read(name: str) -> Any:
    return json.loads(sample_path(f"after_sale/{name}").read_text(encoding="utf-8"))
