"""What a customer's message may be: candidate actions with likelihoods."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from runtime.prompts import render
from taskflow.backbones import Backbone, BackboneError, Message
from taskflow.encoders import Encoder
from taskflow.model import ActionId, Assistant
from taskflow.recognisers import find, mask
from taskflow.retrieval import ExemplarIndex, Match

_CANDIDATES = 9  # as many as one digit can number
_BEHIND = 0.15  # likeness that a value alone lacks to a whole message
_PLACEHOLDER = re.compile(r"\[[a-z_]+\]")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An action that the message may be, with its likelihood relative to the others and its nearest exemplar."""

    action_id: ActionId
    likelihood: float
    match: Match


@dataclass(frozen=True, slots=True)
class Understanding:
    """The candidates, likeliest first (none where nothing is near), and the field values in the message."""

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
        near = [match for match in self._ranked(masked)[:_CANDIDATES] if match.score >= self._accept]
        likelihoods = [match.likelihood for match in near]
        if self._backbone is not None and len(near) > 1 and near[0].likeness < 1.0:
            # A model that fails leaves the choice to retrieval: the customer gets an answer all the same.
            with suppress(BackboneError):
                likelihoods = self._chosen(self._backbone, masked, said_before, near)
        candidates = [
            Candidate(match.action_id, likelihood, match) for match, likelihood in zip(near, likelihoods, strict=True)
        ]
        candidates.sort(key=lambda candidate: -candidate.likelihood)
        return Understanding(tuple(candidates), fields)

    def _ranked(self, masked: str) -> list[Match]:
        """Matches of the whole message and, a little behind, of the values in it alone.

        "12 Oak Street, then left at the church" is an address given, whatever stands around it.
        """
        values = list(dict.fromkeys(_PLACEHOLDER.findall(masked)))
        asked = [masked, *(value for value in values if value != masked)]
        best: dict[ActionId, Match] = {}
        for place, (text, vector) in enumerate(zip(asked, self._encoder.encode(asked), strict=True)):
            for match in self._index.rank(text, vector):
                behind = replace(match, likeness=match.likeness - _BEHIND) if place else match
                if match.action_id not in best or best[match.action_id].likeness < behind.likeness:
                    best[match.action_id] = behind
        return sorted(best.values(), key=lambda match: -match.likeness)

    def _chosen(self, backbone: Backbone, masked: str, said_before: str | None, near: Sequence[Match]) -> list[float]:
        options = [
            {"name": self._assistant.action_by_id[match.action_id].name, "example": match.exemplar} for match in near
        ]
        prompt = render("classify.v1.jinja", message=masked, before=said_before, options=options)
        numbers = [str(number) for number in range(1, len(near) + 1)]
        return backbone.score([Message("user", prompt)], numbers)
