"""From dialogues to sequences of Dialogue Actions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

from mining.actions import ActionSet
from mining.wordings import SPEAKERS, Spoken, said
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
    speaker = utterance.speaker
    return tuple(action for text in said(utterance) for action in found.actions_of(speaker, normalise(text)))


def sequence(dialogue: Dialogue, found: ActionSet) -> tuple[Step, ...]:
    """The dialogue's actions in order; what was left out is passed over, and a repeat at once counts once.

    Of what a person says in one turn, the main action counts alone: flows grown from further ones too foretold no
    better and had more steps that nobody would draw.
    """
    steps: list[Step] = []
    for turn, utterance in enumerate(dialogue.utterances):
        actions = assign(utterance, found)
        for action_id in actions if utterance.speaker is Speaker.SYSTEM else actions[:1]:
            if not steps or steps[-1].action_id != action_id:
                steps.append(Step(action_id, utterance.speaker, turn, utterance.text))
    return tuple(steps)


class AssignedTurns(Sequence[Sequence[tuple[ActionId, ...]]]):
    """The actions of every turn of every dialogue, as `assign` has them; made when they are asked for."""

    def __init__(self, spoken: Spoken, found: ActionSet) -> None:
        self._dialogues = spoken.dialogues
        self._of_wording = [
            [found.actions_of(speaker, wording.key) for wording in spoken.wordings[speaker]] for speaker in SPEAKERS
        ]

    def __len__(self) -> int:
        return len(self._dialogues)

    @overload
    def __getitem__(self, index: int) -> list[tuple[ActionId, ...]]: ...
    @overload
    def __getitem__(self, index: slice) -> list[list[tuple[ActionId, ...]]]: ...
    def __getitem__(self, index: int | slice) -> list[tuple[ActionId, ...]] | list[list[tuple[ActionId, ...]]]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        spoken, dialogue = self._dialogues, range(len(self))[index]
        part = slice(spoken.starts[dialogue], spoken.starts[dialogue + 1])
        columns = (spoken.turns[part].tolist(), spoken.speakers[part].tolist(), spoken.places[part].tolist())
        turns: list[tuple[ActionId, ...]] = [()] * int(spoken.lengths[dialogue])
        for turn, speaker, place in zip(*columns, strict=True):
            turns[turn] += self._of_wording[speaker][place]
        return turns

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]
