"""What is said of a Dialogue Action beside its name, in the language of the dialogues."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from mining.discretion import Discretion
from mining.distinctive import Distinctive, Piece, is_han, tokens, typical, words
from taskflow.model import ActionId, DialogueAction, Exemplar, Speaker

Language = Literal["en", "zh"]

_MOST_PHRASES = 3
_LONGEST_PHRASE = 5  # words
_LONGEST_HAN = 8  # Chinese characters
_WHOLE = 0.8  # of a phrase's wordings, that say a longer one: then the longer one is told
_SHORT = 4  # letters of a word that is told by itself
_TELLING = 2.0  # and its log-odds
_ALONE = 0.5  # what it is worth beside phrases of several
_LEAST_SHARE = 0.08  # of an action's utterances, that say a phrase
_LEAST_LOG_ODDS = 0.5  # of the words at a phrase's ends
_LONGEST_EXAMPLE = 120

_TOLD: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "called": "Logged {times} times.",
        "once": "Said once.",
        "said": "Said {times} times in {wordings} wordings.",
        "same": "Said {times} times, always in these words.",
        "phrases": " Typical phrases: {phrases}.",
        "example": " Also said: “{example}”",
    },
    "zh": {
        "called": "记录过 {times} 次。",
        "once": "说过 1 次。",
        "said": "说过 {times} 次，共 {wordings} 种说法。",
        "same": "说过 {times} 次，每次都是这句话。",
        "phrases": "典型词语：{phrases}。",
        "example": "也说：“{example}”",
    },
}
_BETWEEN: Mapping[Language, str] = {"en": ", ", "zh": "、"}


def language_of(actions: Sequence[DialogueAction]) -> Language:
    """Chinese where most of what is said has Chinese characters."""
    said: Counter[bool] = Counter()
    for action in actions:
        if action.speaker is not Speaker.SYSTEM:
            said[any(map(is_han, action.exemplars[0].text))] += action.support
    return "zh" if said[True] > said[False] else "en"


def describe(
    action: DialogueAction, wordings: int, distinctive: Distinctive, discretion: Discretion, language: Language
) -> str:
    """How often and in how many wordings the action was said, its typical phrases, and one more wording."""
    told = _TOLD[language]
    times = f"{action.support:,}"
    if action.speaker is Speaker.SYSTEM:
        return told["called"].format(times=times)
    form = "once" if action.support == 1 else "same" if wordings == 1 else "said"
    text = told[form].format(times=times, wordings=f"{wordings:,}")
    phrases = [phrase for phrase in typical_phrases(action, distinctive) if discretion.is_safe(phrase)]
    if phrases and wordings > 1:
        quoted = _BETWEEN[language].join(f"“{phrase}”" for phrase in phrases[:_MOST_PHRASES])
        text += told["phrases"].format(phrases=quoted)
    example = _example(action, distinctive, discretion)
    return text if example is None else text + told["example"].format(example=example)


def typical_phrases(action: DialogueAction, distinctive: Distinctive) -> Iterator[str]:
    """Phrases that several wordings share and other actions seldom say, the most telling first; none overlap."""
    runs = _Runs(typical(action))
    values: dict[str, float] = {}
    for run, said in runs.closed():
        phrase = _trimmed(runs.spelled[run], action.id, distinctive)
        odds = [distinctive.log_odds(action.id, word) for word in words(phrase)]
        if len(tokens(phrase)) > 1 or (len(phrase) >= _SHORT and odds[0] >= _TELLING):
            values[phrase] = said * sum(max(0.0, one) for one in odds) * (1.0 if len(odds) > 1 else _ALONE)
    told: set[Piece] = set()
    for phrase in sorted(values, key=lambda phrase: (-values[phrase], phrase)):
        if told.isdisjoint(words(phrase)):
            told |= words(phrase)
            yield phrase


class _Runs:
    """Words in a row, without a mark between them, that at least two wordings share."""

    def __init__(self, exemplars: Sequence[Exemplar]) -> None:
        self.spelled: dict[Piece, str] = {}
        self._said: defaultdict[Piece, float] = defaultdict(float)
        self._wordings: Counter[Piece] = Counter()
        self._least = _LEAST_SHARE * sum(math.log1p(exemplar.count) for exemplar in exemplars)
        for exemplar in exemplars:
            runs = _runs(exemplar.text)
            for run, (start, end) in runs.items():
                self._said[run] += math.log1p(exemplar.count)
                self.spelled.setdefault(run, " ".join(exemplar.text[start:end].split()))
            self._wordings.update(runs.keys())

    def closed(self) -> Iterator[tuple[Piece, float]]:
        """Those that are not nearly always part of a longer one, and how often they were said."""
        parts = {
            part
            for run, said in self._said.items()
            for part in (run[:-1], run[1:])
            if said >= _WHOLE * self._said.get(part, math.inf)
        }
        for run, said in self._said.items():
            if run not in parts and len(run) <= _longest(run) and said >= self._least and self._wordings[run] > 1:
                yield run, said


def _runs(text: str) -> dict[Piece, tuple[int, int]]:
    """Where each run of words stands; one word more than is told, to know what goes on."""
    found = tokens(text)
    runs: dict[Piece, tuple[int, int]] = {}
    for first, token in enumerate(found):
        run: Piece = ()
        for place in range(first, len(found)):
            if run and (text[found[place - 1].end : found[place].start].strip() or len(run) > _longest(run)):
                break
            run = (*run, found[place].key)
            runs.setdefault(run, (token.start, found[place].end))
    return runs


def _longest(run: Piece) -> int:
    return _LONGEST_HAN if is_han(run[0]) else _LONGEST_PHRASE


def _trimmed(phrase: str, action: ActionId, distinctive: Distinctive) -> str:
    """The phrase without the words at its ends that other actions say as often; Chinese has no such ends."""
    found = tokens(phrase)
    while found and not is_han(found[0].key) and distinctive.log_odds(action, (found[0].key,)) < _LEAST_LOG_ODDS:
        found = found[1:]
    while found and not is_han(found[-1].key) and distinctive.log_odds(action, (found[-1].key,)) < _LEAST_LOG_ODDS:
        found = found[:-1]
    return phrase[found[0].start : found[-1].end] if found else ""


def _example(action: DialogueAction, distinctive: Distinctive, discretion: Discretion) -> str | None:
    """The most telling wording that adds words to the name."""
    named = words(action.name)
    best, most = None, 0.0
    for exemplar in typical(action):
        text = " ".join(exemplar.text.split())
        own = words(text)
        new = len(own - named) / max(len(own | named), 1)
        value = new * distinctive.telling(action.id, text)
        if value > most and len(text) <= _LONGEST_EXAMPLE and discretion.is_safe(text):
            best, most = text, value
    return best
