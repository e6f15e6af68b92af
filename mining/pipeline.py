"""The stages of mining, one after the other: logs in, an assistant out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mining.actions import ActionSet, find_actions, unused_name
from mining.config import MiningConfig
from mining.induction import Induced, NeedDialogue, induce
from mining.openings import openings
from mining.sequences import Step, assign, sequence
from mining.wordings import collect
from taskflow.encoders import Vectors
from taskflow.model import ActionId, Assistant, Dialogue, DialogueAction, Speaker

Encode = Callable[[Sequence[str]], Vectors]
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Mined:
    """An assistant, the actions of every turn of every dialogue (the main one first), and what was cut."""

    assistant: Assistant
    turns: Sequence[Sequence[tuple[ActionId, ...]]]
    assigned: int
    steps: int
    cut: int
    note: str | None


def mine(name: str, dialogues: Sequence[Dialogue], encode: Encode, config: MiningConfig, report: Report) -> Mined:
    """Deterministic: the same dialogues, vectors and configuration give the same assistant."""
    report("collecting distinct texts")
    spoken = collect(dialogues)
    vectors = {
        speaker: encode([wording.text for wording in spoken.wordings[speaker]])
        for speaker in (Speaker.USER, Speaker.AGENT)
    }
    report("clustering")
    found = find_actions(spoken, vectors, config)
    turns = [[assign(utterance, found) for utterance in dialogue.utterances] for dialogue in dialogues]
    report("inducing TaskFlows")
    induced, note = _induce_all(dialogues, found, config)
    assistant = Assistant(name, found.actions, tuple(flow.flow for flow in induced))
    return Mined(
        assistant,
        turns,
        assigned=sum(bool(actions) for turn in turns for actions in turn),
        steps=sum(flow.steps for flow in induced),
        cut=sum(flow.cut for flow in induced),
        note=note,
    )


def _induce_all(
    dialogues: Sequence[Dialogue], found: ActionSet, config: MiningConfig
) -> tuple[list[Induced], str | None]:
    talks = [
        (dialogue, need) for dialogue, need in zip(dialogues, found.needs.tolist(), strict=True) if _is_talk(dialogue)
    ]
    if len(talks) < 2:
        return [], "no TaskFlow: fewer than two dialogues have both a customer and an agent"
    sequences = [sequence(dialogue, found) for dialogue, _ in talks]
    starts = openings(sequences, [need for _, need in talks])
    by_need: dict[int, list[NeedDialogue]] = defaultdict(list)
    for (dialogue, need), steps, start in zip(talks, sequences, starts, strict=True):
        by_need[need].append(NeedDialogue(dialogue.id, steps, start))
    actions = {action.id: action for action in found.actions}
    names = _names(by_need, actions)
    ordered = sorted(by_need, key=lambda need: (-len(by_need[need]), names[need]))
    return [induce(names[need], by_need[need], config) for need in ordered], None


def _is_talk(dialogue: Dialogue) -> bool:
    speakers = {utterance.speaker for utterance in dialogue.utterances}
    return speakers >= {Speaker.USER, Speaker.AGENT}


def _names(by_need: Mapping[int, Sequence[NeedDialogue]], actions: Mapping[ActionId, DialogueAction]) -> dict[int, str]:
    """Each need by its most telling opening, in the words of that action."""
    told = {need: Counter(_opening_actions(dialogues)) for need, dialogues in by_need.items()}
    everywhere: Counter[ActionId] = Counter()
    for counts in told.values():
        everywhere.update(counts)
    names: dict[int, str] = {}
    used: set[str] = set()
    for need in sorted(by_need, key=lambda need: (-len(by_need[need]), need)):
        ranked = sorted(told[need].items(), key=lambda item: (-(item[1] ** 2) / everywhere[item[0]], item[0]))
        name = actions[ranked[0][0]].name if ranked else f"need {need + 1}"
        names[need] = unused_name(name, used)
        used.add(names[need])
    return names


def _opening_actions(dialogues: Sequence[NeedDialogue]) -> list[ActionId]:
    steps: list[Step] = [d.steps[d.opening] for d in dialogues if d.steps]
    return [step.action_id for step in steps]
