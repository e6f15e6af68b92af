"""The turns of a dialogue as sentences."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from taskflow.model import Dialogue, Speaker
from taskflow.retrieval import normalise

# Latin marks end a sentence before a space, so that "4.5" stays whole; wide marks end one anywhere.
_END = re.compile(r"(?<=[。！？；])|(?<=[.!?;…])\s+|\n+")
_MARKS = re.compile(r"[\s.,;:!?…。，、；：！？'\"“”‘’()（）–—-]*\Z")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a turn; `key` is what makes two of them the same."""

    turn: int
    speaker: Speaker
    text: str
    key: str


def split_sentences(text: str) -> list[str]:
    """In order, without spaces around them; what is but punctuation is none."""
    parts = (part.strip() for part in _END.split(text))
    return [part for part in parts if not _MARKS.match(part)]


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
