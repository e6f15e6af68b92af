"""The stages of mining, one after the other: logs in, an assistant out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from mining.actions import find_actions
from mining.config import MiningConfig
from mining.engine import LOCAL, Engine
from mining.flows import induce_flows
from mining.progress import Progress, Report
from mining.pruning import Thresholds
from mining.sequences import AssignedTurns
from mining.wordings import collect
from taskflow.encoders import Vectors
from taskflow.model import ActionId, Assistant, Dialogue, Speaker

Encode = Callable[[Sequence[str]], Vectors]


@dataclass(frozen=True, slots=True)
class Mined:
    """An assistant, the actions of every turn of every dialogue (the main one first), and what was cut.

    `thresholds` are those that each flow was pruned by, under its name.
    """

    assistant: Assistant
    turns: Sequence[Sequence[tuple[ActionId, ...]]]
    assigned: int
    steps: int
    cut: int
    note: str | None
    thresholds: Mapping[str, Thresholds] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict, compare=False)
    """What each stage took."""


def mine(
    name: str,
    dialogues: Sequence[Dialogue],
    encode: Encode,
    config: MiningConfig,
    report: Report,
    engine: Engine = LOCAL,
) -> Mined:
    """Deterministic: the same dialogues, vectors and configuration give the same assistant, on any engine.

    `dialogues` are passed over again where they are needed, and not kept.
    """
    progress = Progress(report)
    with progress.stage("reading", f"reading {len(dialogues):,} dialogues"):
        spoken = collect(dialogues)
        logged = [dialogue.need or "" for dialogue in dialogues] if config.needs == "logged" else ()
    with progress.stage("encoding", "encoding the distinct texts"):
        vectors = {
            speaker: encode([wording.text for wording in spoken.wordings[speaker]])
            for speaker in (Speaker.USER, Speaker.AGENT)
        }
    found = find_actions(spoken, vectors, config, engine, progress, logged)
    turns = AssignedTurns(spoken, found)
    with progress.stage("inducing", f"inducing TaskFlows from {len(dialogues):,} dialogues"):
        flows = induce_flows(dialogues, found, config)
    assistant = Assistant(name, found.actions, flows.all)
    return Mined(
        assistant,
        turns,
        assigned=sum(bool(actions) for turn in turns for actions in turn),
        steps=sum(flow.steps for flow in flows.induced),
        cut=sum(flow.cut for flow in flows.induced),
        note=flows.note,
        thresholds={flow.flow.name: flow.thresholds for flow in flows.induced},
        seconds=progress.rounded(),
    )
