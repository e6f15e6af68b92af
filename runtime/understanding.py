"""What a customer's message may be: candidate actions with likelihoods."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from runtime.prompts import render
from taskflow.backbones import Backbone, BackboneError, Message
from taskflow.encoders import Encoder
from taskflow.model import ActionId, Assistant
from taskflow.recognisers import find, mask
from taskflow.retrieval import ExemplarIndex, Match

_CANDIDATES = 12
_SHARPNESS = 15.0  # P(message | action) grows as exp(sharpness x cosine)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An action that the message may be, with its likelihood relative to the others and its nearest exemplar."""

    action_id: ActionId
    likelihood: float
    match: Match


@dataclass(frozen=True, slots=True)
class Understanding:
    """The candidates, likeliest first (none where nothing is near), and the field values in the message."""

    masked: str
    candidates: tuple[Candidate, ...]
    fields: dict[str, str]


class Understander:
    """Understands messages with one version's exemplars; with a backbone, it chooses among the nearest."""

    def __init__(
        self, assistant: Assistant, index: ExemplarIndex, encoder: Encoder, accept: float, backbone: Backbone | None
    ) -> None:
        self._assistant = assistant
        self._index = index
        self._encoder = encoder
        self._accept = accept
        self._backbone = backbone

    def understand(self, text: str, said_before: str | None) -> Understanding:
        """`said_before` is the assistant's last reply, the context in which the message was written."""
        masked = mask(text)
        fields = {found.kind.value: found.value for found in find(text)}
        matches = self._index.rank(masked, self._encoder.encode([masked])[0])
        near = [match for match in matches[:_CANDIDATES] if match.score >= self._accept]
        likelihoods = [math.exp(_SHARPNESS * (match.score - 1.0)) for match in near]
        if self._backbone is not None and len(near) > 1 and near[0].score < 1.0:
            # A model that fails leaves the choice to retrieval: the customer gets an answer all the same.
            with suppress(BackboneError):
                likelihoods = self._chosen(self._backbone, masked, said_before, near)
        candidates = [
            Candidate(match.action_id, likelihood, match) for match, likelihood in zip(near, likelihoods, strict=True)
        ]
        candidates.sort(key=lambda candidate: -candidate.likelihood)
        return Understanding(masked, tuple(candidates), fields)

    def _chosen(self, backbone: Backbone, masked: str, said_before: str | None, near: Sequence[Match]) -> list[float]:
        options = [
            {"name": self._assistant.action_by_id[match.action_id].name, "example": match.exemplar} for match in near
        ]
        prompt = render("classify.v1.jinja", message=masked, before=said_before, options=options)
        numbers = [str(number) for number in range(1, len(near) + 1)]
        return backbone.score([Message("user", prompt)], numbers)
