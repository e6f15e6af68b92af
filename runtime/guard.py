"""The guard on what a model writes: nothing is sent that could say something else than was approved."""

from __future__ import annotations

import re
from collections import Counter
from operator import itemgetter

import numpy as np

from runtime import words
from taskflow.encoders import Encoder
from taskflow.recognisers import find

_LEAST_LIKENESS = 0.6  # cosine of a rewording with the approved response
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


def fault(written: str, response: str) -> str | None:
    """Why a rewording is not what was approved, by its words alone; None where it is."""
    if not _is_whole(written, response):
        return "the rewording is empty, broken, too long or in another language"
    if _facts(written) != _facts(response):
        return "the rewording changes a value, a number or a denial"
    return None


def means_the_same(written: str, response: str, encoder: Encoder) -> bool:
    vectors = encoder.encode([written, response])
    return float(np.dot(vectors[0], vectors[1])) >= _LEAST_LIKENESS


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
