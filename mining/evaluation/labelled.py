"""Logged dialogues beside the actions that a run gave their turns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mining.held_out import ReplayedDialogue
from taskflow.calls import call_outcome
from taskflow.model import ActionId, Dialogue, FlowId, Speaker, TaskFlow, Utterance
from taskflow.store.runs import TurnActions


@dataclass(frozen=True, slots=True)
class Walk:
    """A dialogue, the actions of each turn (the main one first), and its way over the flows."""

    dialogue: Dialogue
    turns: Sequence[tuple[ActionId, ...]]
    replayed: ReplayedDialogue
    flow: FlowId | None


@dataclass(frozen=True, slots=True)
class LabelledTurn:
    """One turn that the log labels; `action_id` is None where the run left it out."""

    speaker: Speaker
    text: str
    label: str
    action_id: ActionId | None


def by_dialogue(assigned: Iterable[TurnActions]) -> dict[str, list[tuple[ActionId, ...]]]:
    """The actions of every turn in order, by dialogue."""
    turns: dict[str, list[tuple[ActionId, ...]]] = defaultdict(list)
    for row in assigned:
        named = () if row.action_id is None else (row.action_id, *row.also)
        turns[row.dialogue_id].append(tuple(ActionId(action) for action in named))
    return turns


def labels_of(utterance: Utterance) -> tuple[str, ...]:
    """The log's label; a system turn's typed outcome is a second one, as it is a second action."""
    if utterance.label is None:
        return ()
    outcome = call_outcome(utterance.result) if utterance.speaker is Speaker.SYSTEM else None
    return (utterance.label,) if outcome is None else (utterance.label, f"{utterance.label}:{outcome}")


def spoken_labels(utterance: Utterance) -> tuple[str, ...]:
    """The labels with who bears them: two speakers' labels may have the same name."""
    return tuple(f"{utterance.speaker}: {label}" for label in labels_of(utterance))


def labelled_turns(walks: Iterable[Walk], speaker: Speaker) -> list[LabelledTurn]:
    return [
        LabelledTurn(speaker, utterance.text, utterance.label, actions[0] if actions else None)
        for walk in walks
        for utterance, actions in zip(walk.dialogue.utterances, walk.turns, strict=True)
        if utterance.speaker is speaker and utterance.label is not None
    ]


def flow_of(flows: Sequence[TaskFlow], replayed: Iterable[ReplayedDialogue]) -> dict[str, FlowId | None]:
    """The flow of each dialogue: the one that names it as evidence, else the one that most of its steps stood on.

    A flow names no more of its dialogues than the configuration lets it keep; replay tells the rest.
    """
    named = {seen.dialogue_id: flow.id for flow in reversed(flows) for seen in flow.root.evidence}
    return {dialogue.dialogue_id: named.get(dialogue.dialogue_id, dialogue.flow) for dialogue in replayed}
