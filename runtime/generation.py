"""From a step to words: approved responses, filled in, which a backbone may word anew within a guard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from runtime import words
from runtime.asked import Asked, ask
from runtime.guard import fault, means_the_same
from runtime.prompts import render
from taskflow.backbones import GREEDY, Answer, Backbone, Message, Request
from taskflow.encoders import Encoder
from taskflow.recognisers import FieldKind

_TOKENS = 120
_LEAST_LIKELIHOOD = 0.5  # of a token, on average


def sayable(responses: Sequence[str], known: Mapping[str, str], language: str, said: int = 0) -> str | None:
    """One of the responses whose fields are all known, filled in; None where there is none.

    Those in the customer's language come first. `said` is how often the node has spoken: the next wording follows, so
    that none is repeated at once where there are several.
    """
    filled = [(response, text) for response in responses if (text := _filled(response, known)) is not None]
    # An English response stays English with a Chinese address in it.
    own = [text for response, text in filled if words.language(response) == language]
    own = own or [text for _, text in filled]
    return own[said % len(own)] if own else None


def _filled(response: str, known: Mapping[str, str]) -> str | None:
    for kind in FieldKind if "[" in response else ():
        place = f"[{kind.value}]"
        if place in response:
            if kind.value not in known:
                return None
            response = response.replace(place, known[kind.value])
    return response


@dataclass(frozen=True, slots=True)
class Worded:
    """What is sent, and what asking the backbone for it took, where it was asked."""

    text: str
    asked: Asked | None = None


class Generator:
    """Words approved responses; without a backbone, as they stand."""

    def __init__(self, encoder: Encoder, backbone: Backbone | None) -> None:
        self._encoder = encoder
        self._backbone = backbone

    def word(self, response: str, message: str, until: float | None = None) -> Worded:
        """The response, or the backbone's rewording of it where every value survives and it means the same.

        `until` is a time of `time.monotonic()`, at which the response goes out as it stands.
        """
        if self._backbone is None:
            return Worded(response)
        backbone, prompt = self._backbone, render("reword.v1.jinja", message=message, response=response)
        # Greedy, so that the same conversation is worded the same.
        request = Request(_TOKENS, sampling=GREEDY, deadline=until)
        answer, asked = ask(lambda: backbone.answer([Message("user", prompt)], request))
        if answer is None:
            return Worded(response, asked)
        refused = self._fault(answer, response)
        asked = replace(asked, refused=refused, usage=answer.usage)
        return Worded(answer.text if refused is None else response, asked)

    def _fault(self, answer: Answer, response: str) -> str | None:
        if answer.likelihood is not None and answer.likelihood < _LEAST_LIKELIHOOD:
            return "the model was unsure of its own words"
        found = fault(answer.text, response)
        if found is None and not means_the_same(answer.text, response, self._encoder):
            return "the rewording means something else"
        return found
