"""What a customer's message may be: actions with calibrated probabilities."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from runtime.asked import Asked, ask
from runtime.config import Understanding as Mode
from runtime.prompts import render
from taskflow.backbones import Backbone, Message
from taskflow.calibration import Calibration
from taskflow.encoders import Encoder
from taskflow.model import ActionId, Assistant
from taskflow.recognisers import mask
from taskflow.retrieval import ExemplarIndex, Match
from taskflow.texts import split_sentences

_CANDIDATES = 9  # as many as one digit can number
_VALUE_BEHIND = 0.15  # likeness that a value alone lacks to a whole message
_WORDS_BEHIND = 0.02  # and what stands around its values
_MOST_SENTENCES = 6
_PLACEHOLDER = re.compile(r"\[[a-z_]+\]")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An action that a text may be, how probably, and its nearest exemplar; `is_value`: a value in the text told it."""

    action_id: ActionId
    probability: float
    match: Match
    is_value: bool = False

    @property
    def is_exact(self) -> bool:
        return self.match.likeness >= 1.0


@dataclass(frozen=True, slots=True)
class Understanding:
    """The likeliest actions of a text, likeliest first; what they lack to 1 is `outside`: no known action at all.

    `by` says what decided: "retrieval" or "backbone"; `asked` what asking the latter took.
    """

    text: str
    candidates: tuple[Candidate, ...]
    outside: float
    by: str = "retrieval"
    asked: Asked | None = None


class Understander:
    """Understands messages with one version's exemplars, its calibration and, by its mode, a backbone."""

    def __init__(
        self,
        assistant: Assistant,
        index: ExemplarIndex,
        encoder: Encoder,
        calibration: Calibration,
        mode: Mode = "retrieval",
        backbone: Backbone | None = None,
    ) -> None:
        self._assistant = assistant
        self._index = index
        self._encoder = encoder
        self._calibration = calibration
        self._mode = mode
        chooses = backbone is not None and backbone.capabilities.scoring != "none"
        self._backbone = backbone if chooses and mode != "retrieval" else None

    @property
    def is_backbones(self) -> bool:
        """Whether the backbone decides whatever is not the very words of an exemplar."""
        return self._mode == "backbone" and self._backbone is not None

    def understand(self, text: str) -> list[Understanding]:
        """The whole message first, then each of its sentences where it has several: each may be an action."""
        masked = mask(text)
        sentences = split_sentences(masked)[:_MOST_SENTENCES]
        texts = [masked, *sentences] if len(sentences) > 1 else [masked]
        readings = {one: _readings(one) for one in texts}
        asked = list(dict.fromkeys(reading for own in readings.values() for reading in own))
        vectors = dict(zip(asked, self._encoder.encode(asked), strict=True))
        ranked = {one: self._index.rank(one, vectors[one]) for one in asked}
        return [
            self._weighed(one, [(ranked[reading], behind) for reading, behind in readings[one].items()])
            for one in texts
        ]

    def ask_backbone(self, understanding: Understanding, said_before: str | None, until: float) -> Understanding:
        """Let the backbone choose among the candidates where the mode lets it; one call at most.

        `until` is a time of `time.monotonic()`. A model that fails or is late leaves the choice to retrieval.
        """
        said = [one for one in understanding.candidates if not one.is_value]
        if self._backbone is None or len(said) < 2 or understanding.candidates[0].is_exact:
            return understanding
        backbone, prompt = self._backbone, self._prompt(understanding.text, said, said_before)
        numbers = [str(number) for number in range(1, len(said) + 1)]
        chosen, asked = ask(lambda: backbone.score([Message("user", prompt)], numbers, until))
        if chosen is None:
            return replace(understanding, asked=asked)
        inside = 1.0 - understanding.outside
        candidates = [replace(one, probability=p * inside) for one, p in zip(said, chosen, strict=True)]
        candidates += (one for one in understanding.candidates if one.is_value)
        ranked = tuple(sorted(candidates, key=lambda one: -one.probability))
        return replace(understanding, candidates=ranked, by="backbone", asked=asked)

    def _weighed(self, text: str, readings: Sequence[tuple[Sequence[Match], float]]) -> Understanding:
        """The candidates of a text, each as it is likest in any reading; a value does not vie with the words around it.

        "My parcel TF-204 is late" gives a number, and is no less a late parcel for that.
        """
        said = _likest([reading for reading in readings if reading[1] < _VALUE_BEHIND])
        values = _likest([reading for reading in readings if reading[1] == _VALUE_BEHIND])
        *probabilities, outside = self._calibration.probabilities([match.likeness for match in said]).tolist()
        near = {match.action_id: match.likeness for match in said}
        found = [Candidate(match.action_id, p, match) for match, p in zip(said, probabilities, strict=True)]
        if values:
            told = self._calibration.probabilities([match.likeness for match in values]).tolist()
            found += [
                Candidate(match.action_id, p, match, is_value=True)
                for match, p in zip(values, told, strict=False)
                if match.likeness > near[match.action_id]
            ]
        ranked = sorted(found, key=lambda one: -one.match.likeness)
        return Understanding(text, tuple(ranked[:_CANDIDATES]), outside)

    def _prompt(self, text: str, candidates: Sequence[Candidate], said_before: str | None) -> str:
        options = [
            {"name": self._assistant.action_by_id[one.action_id].name, "example": one.match.exemplar}
            for one in candidates
        ]
        return render("classify.v1.jinja", message=text, before=said_before, options=options)


def _likest(readings: Sequence[tuple[Sequence[Match], float]]) -> list[Match]:
    """Each action's match in the reading in which it is likest, less what that one lacks; the likest first."""
    best: dict[ActionId, Match] = {}
    for ranked, behind in readings:
        for match in ranked:
            lowered = replace(match, likeness=match.likeness - behind) if behind else match
            if match.action_id not in best or lowered.likeness > best[match.action_id].likeness:
                best[match.action_id] = lowered
    return sorted(best.values(), key=lambda match: -match.likeness)


def _readings(text: str) -> dict[str, float]:
    """What to look for in a masked text, with the likeness that each lacks: itself, its words, its values.

    "My parcel TF-204 is late" is a late parcel, and a number given: "12 Oak Street, then left at the church" is an
    address, whatever stands around it.
    """
    values = list(dict.fromkeys(_PLACEHOLDER.findall(text)))
    words = " ".join(_PLACEHOLDER.sub(" ", text).split())
    found = {text: 0.0}
    if values and any(sign.isalpha() for sign in words):
        found.setdefault(words, _WORDS_BEHIND)
    for value in values:
        found.setdefault(value, _VALUE_BEHIND)
    return found
