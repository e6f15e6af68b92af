"""From dialogues with their actions and needs to one TaskFlow a need."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from mining.actions import ActionSet
from mining.asides import common_questions
from mining.config import MiningConfig
from mining.induction import Induced, NeedDialogue, induce
from mining.naming import unused_name
from mining.openings import openings
from mining.responses import Phrasebook
from mining.sequences import sequence
from taskflow.model import ActionId, Dialogue, DialogueAction, Speaker, TaskFlow
from taskflow.outcomes import SATISFIED

_UNNAMED = "no need in the log"  # the flow of dialogues whose need the log leaves empty


@dataclass(frozen=True, slots=True)
class Flows:
    """The flows of the needs, the commonest first, that of common questions where there are some, and what to tell."""

    induced: Sequence[Induced]
    asides: TaskFlow | None
    note: str | None = None

    @property
    def all(self) -> tuple[TaskFlow, ...]:
        asides = () if self.asides is None else (self.asides,)
        return (*(one.flow for one in self.induced), *asides)


def induce_flows(dialogues: Sequence[Dialogue], found: ActionSet, config: MiningConfig) -> Flows:
    """One flow a need and one of common questions; without any, a sentence that says why."""
    talks = [
        (dialogue, need) for dialogue, need in zip(dialogues, found.needs.tolist(), strict=True) if _is_talk(dialogue)
    ]
    if len(talks) < 2:
        return Flows([], None, "no TaskFlow: fewer than two dialogues have both a customer and an agent")
    if found.need_names == ("",):
        note = 'no TaskFlow: the log names no needs, so set needs = "found" in [mining], or import them'
        return Flows([], None, note)
    sequences = [sequence(dialogue, found) for dialogue, _ in talks]
    starts = openings(sequences, [need for _, need in talks])
    contentment = [dialogue.satisfaction for dialogue, _ in talks if dialogue.satisfaction is not None]
    content = median(contentment) if contentment else None
    by_need: dict[int, list[NeedDialogue]] = defaultdict(list)
    told: dict[int, Counter[ActionId]] = defaultdict(Counter)
    for (dialogue, need), steps, start in zip(talks, sequences, starts, strict=True):
        by_need[need].append(NeedDialogue(dialogue.id, steps, _outcomes(dialogue, content)))
        told[need].update([steps[start].action_id] if steps else [])
    sizes = {need: len(members) for need, members in by_need.items()}
    names = _names(sizes, told, found)
    phrasebook = Phrasebook(
        [u.text for u in dialogue.utterances if u.speaker is Speaker.AGENT] for dialogue, _ in talks
    )
    ordered = sorted(by_need, key=lambda need: (-sizes[need], names[need]))
    induced = [induce(names[need], by_need[need], phrasebook, config) for need in ordered]
    talked = [dialogue for need in ordered for dialogue in by_need[need]]
    return Flows(induced, common_questions(talked, [one.flow for one in induced], phrasebook))


def _is_talk(dialogue: Dialogue) -> bool:
    speakers = {utterance.speaker for utterance in dialogue.utterances}
    return speakers >= {Speaker.USER, Speaker.AGENT}


def _outcomes(dialogue: Dialogue, content: float | None) -> tuple[str, ...]:
    told = () if dialogue.outcome is None else (dialogue.outcome,)
    if content is not None and dialogue.satisfaction is not None and dialogue.satisfaction >= content:
        return tuple(dict.fromkeys((*told, SATISFIED)))
    return told


def _names(sizes: Mapping[int, int], told: Mapping[int, Counter[ActionId]], found: ActionSet) -> dict[int, str]:
    """The log's own words for the needs, or each by its most telling opening, in the words of that action."""
    if found.need_names:
        unnamed = unused_name(_UNNAMED, found.need_names)
        return {need: name or unnamed for need, name in enumerate(found.need_names)}
    actions: dict[ActionId, DialogueAction] = {action.id: action for action in found.actions}
    everywhere = sum(told.values(), Counter[ActionId]())
    names: dict[int, str] = {}
    used: set[str] = set()
    for need in sorted(sizes, key=lambda need: (-sizes[need], need)):
        ranked = sorted(told[need].items(), key=lambda item: (-(item[1] ** 2) / everywhere[item[0]], item[0]))
        name = actions[ranked[0][0]].name if ranked else f"need {need + 1}"
        names[need] = unused_name(name, used)
        used.add(names[need])
    return names
