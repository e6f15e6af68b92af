"""STAR's happy dialogues of one task, their labelled turns, and the charts that they were to follow."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.sets import SETS, flow_file, read_slices
from taskflow.calls import system_keys
from taskflow.model import Dialogue, Speaker

STAR = replace(SETS["star"], per_domain=None, fewest=1)
SEED = 0
BEGIN = "[begin]"
TUNED = (
    "apartment_schedule",
    "bank_balance",
    "hotel_book",
    "meeting_schedule",
    "plane_search",
    "ride_book",
    "spaceship_access_codes",
    "trivia",
)
"""The tasks on which compiling was developed, every other one by name; the rest was kept to judge it by."""
_HELD = 0.3

Chart = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """A labelled turn of an agent with what came before it.

    `before` holds labels and calls, `said` is the customer's since the agent's last turn, `calls` are those since the
    last label, and `context` is the last three turns' text.
    """

    label: str
    before: tuple[str, ...]
    last: str
    said: str
    calls: tuple[str, ...]
    context: str


@dataclass(frozen=True, slots=True)
class Part:
    """What a method learns from, and is asked; the charts are those of the tasks that may come."""

    charts: Mapping[str, Chart]
    trained: Sequence[Dialogue]
    held: Sequence[Dialogue]

    def of(self, task: str) -> Part:
        own = ([d for d in side if d.need == task] for side in (self.trained, self.held))
        return Part({task: self.charts[task]}, *own)


Ranked = list[Sequence[str]]
"""The likeliest labels at each labelled turn of the held dialogues, in their order."""


def turns_of(dialogue: Dialogue) -> list[Turn]:
    found: list[Turn] = []
    before: list[str] = []
    last, said, calls, texts = BEGIN, "", list[str](), list[str]()
    for utterance in dialogue.utterances:
        if utterance.speaker is Speaker.USER:
            said = f"{said} {utterance.text}".strip()
        elif utterance.speaker is Speaker.SYSTEM:
            key = system_keys(utterance)[-1]
            if calls[-1:] != [key]:
                calls.append(key)
                before.append(key)
        elif utterance.label is None:
            said = ""
        else:
            context = " ".join(texts[-3:])
            found.append(Turn(utterance.label, tuple(before), last, said, tuple(calls), context))
            before.append(utterance.label)
            last, said, calls = utterance.label, "", []
        texts.append(utterance.text)
    return found


def turns_in(dialogues: Sequence[Dialogue]) -> Iterator[Turn]:
    return (turn for dialogue in dialogues for turn in turns_of(dialogue))


def drawn(chart: Chart) -> dict[str, set[str]]:
    """The agent's actions that come next by the chart, through its calls and conditions."""
    spoken = {node["id"] for node in chart["nodes"] if node["kind"] == "agent"}
    after: dict[str, list[str]] = defaultdict(list)
    for edge in chart["edges"]:
        after[edge["from"]].append(edge["to"])
    found: dict[str, set[str]] = {BEGIN: {chart["start"]}}
    for node in spoken:
        front, seen = list(after[node]), set[str]()
        while front:
            reached = front.pop()
            if reached not in seen:
                seen.add(reached)
                front += [] if reached in spoken else after[reached]
        found[node] = seen & spoken
    return found


def read_part(folder: Path | None, most: int | None) -> Part:
    """Happy dialogues of one task, split 70 to 30 by dialogue with a fixed seed; free wordings have no label."""
    charts = json.loads(flow_file(STAR, folder).read_text(encoding="utf-8"))
    with gzip.open(flow_file(STAR, folder).with_name("star.jsonl.gz"), "rt", encoding="utf-8") as lines:
        happy = {record["dialogue_id"] for record in map(json.loads, lines) if record["happy"]}
    found = [
        _labelled(dialogue)
        for domain in read_slices(STAR, folder, None)
        for dialogue in [d for d in domain.dialogues if d.id in happy and d.need in charts][:most]
    ]
    held = set(np.random.default_rng(SEED).permutation(len(found))[: max(1, round(_HELD * len(found)))].tolist())
    sides: dict[bool, list[Dialogue]] = {True: [], False: []}
    for place, dialogue in enumerate(found):
        sides[place in held].append(dialogue)
    tasks = {str(dialogue.need) for dialogue in found}
    return Part({task: chart for task, chart in charts.items() if task in tasks}, sides[False], sides[True])


def _labelled(dialogue: Dialogue) -> Dialogue:
    turns = (replace(turn, label=None) if turn.label == "custom" else turn for turn in dialogue.utterances)
    return replace(dialogue, utterances=tuple(turns))
