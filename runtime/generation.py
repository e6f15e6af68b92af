"""From a step to words: approved responses, which a backbone may word anew within a guard."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

from runtime.prompts import render
from taskflow.backbones import Backbone, BackboneError, Message
from taskflow.encoders import Encoder
from taskflow.recognisers import find

_LEAST_LIKENESS = 0.6  # cosine of a rewording with the approved response
_NUMBER = re.compile(r"\d+")
_TOKENS = 120


class Generator:
    """Words approved responses; without a backbone, as they stand."""

    def __init__(self, encoder: Encoder, backbone: Backbone | None) -> None:
        self._encoder = encoder
        self._backbone = backbone

    def word(self, response: str, message: str) -> str:
        """The response, or the backbone's rewording of it where every value survives and it means the same."""
        if self._backbone is None:
            return response
        prompt = render("reword.v1.jinja", message=message, response=response)
        try:
            written = self._backbone.complete([Message("user", prompt)], _TOKENS)
        except BackboneError:
            return response
        return written if self._is_faithful(written, response) else response

    def _is_faithful(self, written: str, response: str) -> bool:
        if not written or len(written) > 2 * len(response) + 40 or _values(written) != _values(response):
            return False
        vectors = self._encoder.encode([written, response])
        return float(np.dot(vectors[0], vectors[1])) >= _LEAST_LIKENESS


def _values(text: str) -> Counter[str]:
    """Every recognised value and every number, as often as it stands there."""
    return Counter([found.value for found in find(text)] + _NUMBER.findall(text))
