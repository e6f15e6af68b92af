"""What a customer's message may be: actions with calibrated probabilities."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from runtime.config import Understanding as Mode
from runtime.prompts import render
from taskflow.backbones import Backbone, BackboneError, Message
from taskflow.calibration import Calibration
from taskflow.encoders import Encoder
from taskflow.model import ActionId, Assistant
from taskflow.recognisers import mask
from taskflow.retrieval import ExemplarIndex, Match
from taskflow.texts import split_sentences

_CANDIDATES = 9  # as many as one digit can number
_BEHIND = 0.15  # likeness that a value alone lacks to a whole message
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

    `by` says what decided: "retrieval" or "backbone".
    """

    text: str
    candidates: tuple[Candidate, ...]
    outside: float
    by: str = "retrieval"


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
        self._backbone = backbone if mode != "retrieval" else None

    @property
    def is_backbones(self) -> bool:
        """Whether the backbone decides whatever is not the very words of an exemplar."""
        return self._mode == "backbone"

    def understand(self, text: str) -> list[Understanding]:
        """The whole message first, then each of its sentences where it has several: each may be an action."""
        masked = mask(text)
        sentences = split_sentences(masked)[:_MOST_SENTENCES]
        texts = [masked, *sentences] if len(sentences) > 1 else [masked]
        values = list(dict.fromkeys(_PLACEHOLDER.findall(masked)))
        vectors = self._encoder.encode([*texts, *values])
        alone = [self._index.rank(value, vector) for value, vector in zip(values, vectors[len(texts) :], strict=True)]
        found = []
        for one, vector in zip(texts, vectors, strict=False):
            near = self._index.rank(one, vector)
            own = [ranked for value, ranked in zip(values, alone, strict=True) if value in one and value != one]
            found.append(self._weighed(one, near, _with_values(near, own)))
        return found

    def ask_backbone(self, understanding: Understanding, said_before: str | None) -> Understanding:
        """Let the backbone choose among the candidates where the mode lets it; one call at most."""
        if self._backbone is None or len(understanding.candidates) < 2 or understanding.candidates[0].is_exact:
            return understanding
        # A model that fails leaves the choice to retrieval: the customer gets an answer all the same.
        with suppress(BackboneError):
            chosen = self._chosen(self._backbone, understanding, said_before)
            inside = 1.0 - understanding.outside
            candidates = (
                replace(one, probability=share * inside)
                for one, share in zip(understanding.candidates, chosen, strict=True)
            )
            ranked = tuple(sorted(candidates, key=lambda one: -one.probability))
            return replace(understanding, candidates=ranked, by="backbone")
        return understanding

    def _weighed(self, text: str, near: Sequence[Match], ranked: Sequence[Match]) -> Understanding:
        whole = {match.action_id: match.likeness for match in near}
        *probabilities, outside = self._calibration.probabilities([match.likeness for match in ranked]).tolist()
        candidates = tuple(
            Candidate(match.action_id, probability, match, match.likeness > whole[match.action_id])
            for match, probability in zip(ranked[:_CANDIDATES], probabilities, strict=False)
        )
        return Understanding(text, candidates, outside)

    def _chosen(self, backbone: Backbone, understanding: Understanding, said_before: str | None) -> list[float]:
        options = [
            {"name": self._assistant.action_by_id[one.action_id].name, "example": one.match.exemplar}
            for one in understanding.candidates
        ]
        prompt = render("classify.v1.jinja", message=understanding.text, before=said_before, options=options)
        numbers = [str(number) for number in range(1, len(options) + 1)]
        return backbone.score([Message("user", prompt)], numbers)


def _with_values(near: Sequence[Match], values: Sequence[Sequence[Match]]) -> list[Match]:
    """Matches of a text and, a little behind, of the values in it alone.

    "12 Oak Street, then left at the church" is an address given, whatever stands around it.
    """
    best = {match.action_id: match for match in near}
    for ranked in values:
        for match in ranked:
            behind = replace(match, likeness=match.likeness - _BEHIND)
            if behind.likeness > best[match.action_id].likeness:
                best[match.action_id] = behind
    return sorted(best.values(), key=lambda match: -match.likeness)
