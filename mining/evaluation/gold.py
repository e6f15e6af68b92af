"""Gold trees and charts: what a log's flows are known to be.

A file holds `{NEED: {"nodes": [{"id", "action", "speaker"}], "edges": [{"from", "to"}]}}`. Loops are allowed. Without
`action` a node's id is its label; a node whose action is null, or whose kind is `condition`, stands for no turn and is
passed through. Without `speaker` a label is anybody's.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from mining.evaluation.labelled import labels_of
from taskflow.model import Dialogue, Speaker, Utterance
from taskflow.store.corpora import CorpusError

Edge = tuple[str, str]


@dataclass(frozen=True)
class GoldFlow:
    """The labels of one need, whose they are, and which follows which; a label after itself is no edge."""

    speakers: Mapping[str, Speaker | None]
    edges: frozenset[Edge]

    def labels(self, utterance: Utterance) -> tuple[str | None, ...]:
        """The turn's labels; None stands for one that this flow does not know."""
        return tuple(label if self._knows(label, utterance.speaker) else None for label in labels_of(utterance))

    def _knows(self, label: str, speaker: Speaker) -> bool:
        return label in self.speakers and self.speakers[label] in (None, speaker)

    def sequence(self, dialogue: Dialogue) -> tuple[str, ...]:
        """The dialogue's labels that this flow knows, repeats joined."""
        labels = (label for utterance in dialogue.utterances for label in self.labels(utterance))
        return tuple(joined(label for label in labels if label is not None))

    def visited(self, dialogues: Iterable[Dialogue]) -> frozenset[Edge]:
        """The edges that labelled dialogues pass."""
        passed = {edge for dialogue in dialogues for edge in _steps(self.sequence(dialogue))}
        return self.edges & passed


def gold_flow(described: Mapping[str, Any]) -> GoldFlow:
    """Raises KeyError, TypeError, AttributeError or ValueError where the form is another."""
    label_of = {node["id"]: _label(node) for node in described["nodes"]}
    speakers = {
        _label(node): None if node.get("speaker") is None else Speaker(node["speaker"]) for node in described["nodes"]
    }
    after: dict[str, list[str]] = defaultdict(list)
    for edge in described["edges"]:
        for end in ("from", "to"):
            if edge[end] not in label_of:
                raise ValueError(f"an edge has {edge[end]!r} as its {end!r}, which is no node")
        after[edge["from"]].append(edge["to"])
    edges = {
        (label, follower)
        for node, label in label_of.items()
        if label is not None
        for follower in _followers(node, after, label_of)
        if follower != label
    }
    return GoldFlow({label: who for label, who in speakers.items() if label is not None}, frozenset(edges))


def read_gold(path: Path) -> dict[str, GoldFlow]:
    try:
        return {name: gold_flow(flow) for name, flow in json.loads(path.read_text(encoding="utf-8")).items()}
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror}): check --gold") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorpusError(
            f'{path}: holds no gold trees ({error}): give {{"NEED": {{"nodes": […], "edges": […]}}}}'
        ) from error


def joined(steps: Iterable[str]) -> Iterator[str]:
    """The steps without repeats at once."""
    last = None
    for step in steps:
        if step != last:
            yield step
        last = step


def _label(node: Mapping[str, Any]) -> str | None:
    if node.get("kind") == "condition":
        return None
    label: str | None = node.get("action", node["id"])
    return label


def _followers(node: str, after: Mapping[str, Sequence[str]], label_of: Mapping[str, str | None]) -> Iterator[str]:
    """The next labels, through nodes that have none."""
    seen: set[str] = set()
    front = list(after.get(node, ()))
    while front:
        reached = front.pop()
        if reached in seen:
            continue
        seen.add(reached)
        label = label_of[reached]
        if label is None:
            front += after.get(reached, ())
        else:
            yield label


def _steps(sequence: Sequence[str]) -> Iterator[Edge]:
    return pairwise(sequence)
