"""From a step to words: approved responses, filled in, which a backbone may word anew within a guard."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter

import numpy as np

from runtime import words
from runtime.asked import Asked, ask
from runtime.prompts import render
from taskflow.backbones import GREEDY, Backbone, Message, Request
from taskflow.encoders import Encoder
from taskflow.recognisers import FieldKind, find

_LEAST_LIKENESS = 0.6  # cosine of a rewording with the approved response
_TOKENS = 120
_ENDS = (".", "!", "?", "。", "！", "？")
# What a rewording may not touch, beside what recognisers find. Strict on purpose: in doubt, the approved words go out.
_NUMBERS = (
    r"(?=[a-z._:/+-]*\d)[a-z\d]+(?:[.,:/_+-][a-z\d]+)*(?: ?[%％])?",  # a code such as RMA-7Q stays whole
    # A lone "one" or "一" mostly counts nothing ("this one", "一下").
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twice|double|half|dozen|hundred|thousand)\b",
    r"\b(?:thir|four|fif|six|seven|eigh|nine)teen\b|\b(?:twen|thir|for|fif|six|seven|eigh|nine)ty\b",
    r"[零〇一二两三四五六七八九十百千万半]{2,}|[零〇二两三四五六七八九十百千万半]",
)
_UNITS = (r"\b(?:minute|hour|day|week|month|year)(?=s?\b)", "分钟|小时|天|周|星期|月|年")
_PLACEHOLDER = r"\[[^\]]*\]"
_FACT = re.compile("|".join((*_NUMBERS, *_UNITS, _PLACEHOLDER)), re.IGNORECASE)
_DENIAL = re.compile(
    r"\b(?:not|no|never|none|nothing|cannot|unable|without)\b|n['’]t\b|[不没無无未勿别]", re.IGNORECASE
)
_COURTESY = re.compile(r"\bno (?:problem|worries|trouble)\b|不好意思|不客气|没问题|没关系", re.IGNORECASE)


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
        fault = self._fault(answer.text, response)
        asked = replace(asked, refused=fault, usage=answer.usage)
        return Worded(answer.text if fault is None else response, asked)

    def _fault(self, written: str, response: str) -> str | None:
        if not _is_whole(written, response):
            return "the rewording is empty, broken, too long or in another language"
        if _facts(written) != _facts(response):
            return "the rewording changes a value, a number or a denial"
        vectors = self._encoder.encode([written, response])
        if float(np.dot(vectors[0], vectors[1])) < _LEAST_LIKENESS:
            return "the rewording means something else"
        return None


def _is_whole(written: str, response: str) -> bool:
    """A text to send at all: complete, in the response's language, neither broken nor far longer."""
    return (
        0 < len(written) <= 2 * len(response) + 40
        and written.replace("\n", "").isprintable()
        and "\ufffd" not in written
        and words.language(written) == words.language(response)
        and (written.endswith(_ENDS) or not response.endswith(_ENDS))
    )


def _facts(text: str) -> tuple[list[tuple[str, str]], Counter[str], bool]:
    """The recognised values (those of a kind in their order), all numbers and units, and whether it denies anything."""
    values = [(found.kind.value, found.value) for found in find(text)]
    numbers = Counter(fact.lower() if fact.isalpha() else fact for fact in _FACT.findall(text))
    denies = _DENIAL.search(_COURTESY.sub("", text)) is not None
    return sorted(values, key=itemgetter(0)), numbers, denies
