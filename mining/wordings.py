"""The distinct texts of a corpus, and each dialogue as a sequence of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from taskflow.calls import system_keys
from taskflow.model import Dialogue, Speaker, Utterance
from taskflow.retrieval import normalise


@dataclass(frozen=True, slots=True)
class Wording:
    """A distinct text of one speaker: `text` is its commonest spelling, `key` what makes it the same."""

    key: str
    text: str
    count: int


@dataclass(frozen=True, slots=True)
class Spoken:
    """Wordings by speaker, in order of first appearance, and dialogues as (speaker, place of the wording)."""

    wordings: Mapping[Speaker, Sequence[Wording]]
    dialogues: Sequence[Sequence[tuple[Speaker, int]]]


def said(utterance: Utterance) -> tuple[str, ...]:
    """What one turn says: its text, a system turn's call and outcome, nothing where the text is empty."""
    texts = system_keys(utterance) if utterance.speaker is Speaker.SYSTEM else (utterance.text,)
    return tuple(text for text in texts if text.strip())


def collect(dialogues: Sequence[Dialogue]) -> Spoken:
    places: dict[Speaker, dict[str, int]] = {speaker: {} for speaker in Speaker}
    spellings: dict[tuple[Speaker, int], Counter[str]] = defaultdict(Counter)
    sequences = []
    for dialogue in dialogues:
        spoken: list[tuple[Speaker, int]] = []
        for utterance in dialogue.utterances:
            known = places[utterance.speaker]
            for text in said(utterance):
                place = known.setdefault(normalise(text), len(known))
                spellings[utterance.speaker, place][text] += 1
                spoken.append((utterance.speaker, place))
        sequences.append(spoken)
    wordings = {
        speaker: [_wording(key, spellings[speaker, place]) for key, place in known.items()]
        for speaker, known in places.items()
    }
    return Spoken(wordings, sequences)


def _wording(key: str, spelled: Counter[str]) -> Wording:
    return Wording(key, max(spelled, key=lambda text: (spelled[text], text)), spelled.total())
