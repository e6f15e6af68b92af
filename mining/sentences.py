"""The turns of a dialogue as sentences."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from taskflow.model import Dialogue, Speaker
from taskflow.texts import normalise, split_sentences


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a turn; `key` is what makes two of them the same."""

    turn: int
    speaker: Speaker
    text: str
    key: str


def sentence_key(text: str) -> str:
    """Case, spaces and the marks at the end do not matter."""
    key = normalise(text)
    return key.rstrip(" .,;:!?…。，、；：！？~～") or key


def sentences_of(dialogue: Dialogue, dropped: Collection[str]) -> list[Sentence]:
    """What customers and agents say, but for sentences whose keys are dropped; a system's turns hold none."""
    return [
        Sentence(turn, utterance.speaker, text, key)
        for turn, utterance in enumerate(dialogue.utterances)
        if utterance.speaker is not Speaker.SYSTEM
        for text in split_sentences(utterance.text)
        if (key := sentence_key(text)) not in dropped
    ]
