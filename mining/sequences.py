"""From dialogues to sequences of Dialogue Actions."""

from __future__ import annotations

from dataclasses import dataclass

from mining.actions import ActionSet
from mining.wordings import said
from taskflow.model import ActionId, Dialogue, Speaker, Utterance
from taskflow.retrieval import normalise


@dataclass(frozen=True, slots=True)
class Step:
    """One action of a dialogue, the turn that showed it, and what was said there."""

    action_id: ActionId
    speaker: Speaker
    turn: int
    text: str


def assign(utterance: Utterance, found: ActionSet) -> tuple[ActionId, ...]:
    """The actions of one utterance, the main one first; empty where it was left out."""
    keys = [(utterance.speaker, normalise(text)) for text in said(utterance)]
    return tuple(found.of_wording[key] for key in keys if key in found.of_wording)


def sequence(dialogue: Dialogue, found: ActionSet) -> tuple[Step, ...]:
    """The dialogue's actions in order; what was left out is passed over, and a repeat at once counts once."""
    steps: list[Step] = []
    for turn, utterance in enumerate(dialogue.utterances):
        for action_id in assign(utterance, found):
            if not steps or steps[-1].action_id != action_id:
                steps.append(Step(action_id, utterance.speaker, turn, utterance.text))
    return tuple(steps)
