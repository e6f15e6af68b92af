"""The distinct texts of a corpus, and each dialogue as a sequence of them."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import overload

import numpy as np
from numpy.typing import NDArray

from taskflow.calls import system_keys
from taskflow.model import Dialogue, Speaker, Utterance
from taskflow.retrieval import normalise

SPEAKERS = tuple(Speaker)
_CODE = {speaker: code for code, speaker in enumerate(SPEAKERS)}
_PART = 10_000  # dialogues

Said = tuple[Speaker, int]


@dataclass(frozen=True, slots=True)
class Wording:
    """A distinct text of one speaker: `text` is its commonest spelling, `key` what makes it the same."""

    key: str
    text: str
    count: int


@dataclass(frozen=True, slots=True)
class Part:
    """Some dialogues of many, as SpokenDialogues has them; `starts` count from the first of these."""

    starts: NDArray[np.int64]
    speakers: NDArray[np.int8]
    places: NDArray[np.int32]


class SpokenDialogues(Sequence[Sequence[Said]]):
    """Dialogues as (speaker, place of the wording), kept as whole numbers: nine bytes for each thing that is said.

    What dialogue i says stands from `starts[i]` to `starts[i + 1]`; `speakers` are indices of SPEAKERS, and
    `turns` count from the dialogue's first utterance. `lengths` are its utterances, those without text too.
    """

    def __init__(
        self,
        starts: NDArray[np.int64],
        speakers: NDArray[np.int8],
        places: NDArray[np.int32],
        turns: NDArray[np.int32],
        lengths: NDArray[np.int32],
    ) -> None:
        self.starts, self.speakers, self.places, self.turns, self.lengths = starts, speakers, places, turns, lengths

    def __len__(self) -> int:
        return len(self.lengths)

    @overload
    def __getitem__(self, index: int) -> Sequence[Said]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Sequence[Said]]: ...
    def __getitem__(self, index: int | slice) -> Sequence[Said] | Sequence[Sequence[Said]]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        dialogue = range(len(self))[index]
        part = slice(self.starts[dialogue], self.starts[dialogue + 1])
        return list(
            zip(map(SPEAKERS.__getitem__, self.speakers[part].tolist()), self.places[part].tolist(), strict=True)
        )

    def __iter__(self) -> Iterator[Sequence[Said]]:
        return (self[dialogue] for dialogue in range(len(self)))

    def parts(self) -> Iterator[Part]:
        """All of them, some thousand dialogues at a time."""
        for first in range(0, len(self), _PART):
            starts = self.starts[first : first + _PART + 1]
            part = slice(starts[0], starts[-1])
            yield Part(starts - starts[0], self.speakers[part], self.places[part])

    def grouped(self, groups: Mapping[Speaker, NDArray[np.int64]]) -> SpokenDialogues:
        """The same dialogues with a wording's group in place of the wording."""
        places = self.places.copy()
        for speaker, labels in groups.items():
            own = self.speakers == _CODE[speaker]
            places[own] = labels[places[own]]
        return SpokenDialogues(self.starts, self.speakers, places, self.turns, self.lengths)


@dataclass(frozen=True, slots=True)
class Spoken:
    """Wordings by speaker, in order of first appearance, and dialogues as (speaker, place of the wording)."""

    wordings: Mapping[Speaker, Sequence[Wording]]
    dialogues: SpokenDialogues


def said(utterance: Utterance) -> tuple[str, ...]:
    """What one turn says: its text, a system turn's call and outcome, nothing where the text is empty."""
    texts = system_keys(utterance) if utterance.speaker is Speaker.SYSTEM else (utterance.text,)
    return tuple(text for text in texts if text.strip())


def collect(dialogues: Iterable[Dialogue]) -> Spoken:
    """One pass; no dialogue is kept."""
    known = {speaker: _Known() for speaker in Speaker}
    starts, speakers, places = array("q", [0]), array("b"), array("i")
    turns, lengths = array("i"), array("i")
    for dialogue in dialogues:
        for turn, utterance in enumerate(dialogue.utterances):
            for text in said(utterance):
                speakers.append(_CODE[utterance.speaker])
                places.append(known[utterance.speaker].add(text))
                turns.append(turn)
        starts.append(len(places))
        lengths.append(len(dialogue.utterances))
    return Spoken(
        {speaker: own.wordings() for speaker, own in known.items()},
        SpokenDialogues(*(np.array(column) for column in (starts, speakers, places, turns, lengths))),
    )


@dataclass(slots=True)
class _Known:
    """The wordings of one speaker so far; most have one spelling, and `spellings` holds the others' alone."""

    places: dict[str, int] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    spellings: dict[int, Counter[str]] = field(default_factory=dict)

    def add(self, text: str) -> int:
        place = self.places.setdefault(normalise(text), len(self.places))
        if place == len(self.texts):
            self.texts.append(text)
            self.counts.append(0)
        if place in self.spellings or text != self.texts[place]:
            spelled = self.spellings.setdefault(place, Counter({self.texts[place]: self.counts[place]}))
            spelled[text] += 1
        self.counts[place] += 1
        return place

    def wordings(self) -> list[Wording]:
        for place, spelled in self.spellings.items():
            self.texts[place] = max(spelled, key=lambda text: (spelled[text], text))
        return [Wording(key, self.texts[place], self.counts[place]) for key, place in self.places.items()]
