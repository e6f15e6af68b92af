"""How a customer puts things: the reserved wordings of the corpus, as her temper and the noise would have them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Any

from webui.simulation.gold import GIVE, Gold, fields_of

_PHRASES: Mapping[str, Any] = json.loads(Path(__file__).with_name("phrases.json").read_text(encoding="utf-8"))
_ELLIPTIC = re.compile(r"(?:yes|yep|yeah|no|nope|not|sure|ok)\b|[对是不没嗯好行可有还那当就]", re.IGNORECASE)
_LEAST = {"en": 14, "zh": 5}  # characters of what is understood without its question
_ENDS = ".!?。！？…，,~"
_LETTERS = re.compile(r"[A-Za-z]{5,}")
_PARTICLES = "的了呢吧啊"


class Noise(StrEnum):
    LOW = "low"
    USUAL = "usual"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Rates:
    """How often something happens: to a message, or, in the second row, in a conversation."""

    slip: float
    aside: float
    casual: float
    digression: float
    wrong_number: float
    correction: float


NOISES: Mapping[Noise, Rates] = {
    Noise.LOW: Rates(0.0, 0.02, 0.1, 0.03, 0.03, 0.0),
    Noise.USUAL: Rates(0.06, 0.08, 0.3, 0.08, 0.06, 0.04),
    Noise.HIGH: Rates(0.2, 0.2, 0.5, 0.2, 0.12, 0.1),
}


@dataclass(frozen=True, slots=True)
class Temper:
    """Shares of messages; `digresses` and `corrects` multiply what the noise has, `patience` is how often she tries."""

    name: str
    share: float
    buttons: float
    at_once: float
    ahead: float
    bare: float
    digresses: float
    patience: int
    asks_for_person: float


TEMPERS = (
    Temper(
        "patient", 0.4, buttons=0.7, at_once=0.15, ahead=0.03, bare=0.1, digresses=1, patience=5, asks_for_person=0.2
    ),
    Temper("terse", 0.3, buttons=0.9, at_once=0.05, ahead=0.0, bare=0.7, digresses=0, patience=3, asks_for_person=0.4),
    Temper("chatty", 0.3, buttons=0.5, at_once=0.4, ahead=0.25, bare=0.0, digresses=2, patience=4, asks_for_person=0.6),
)


class Voice:
    """Puts actions into words; no wording is said twice while there are others."""

    def __init__(self, gold: Gold, temper: Temper, noise: Noise, values: Mapping[str, str], rng: Random) -> None:
        self._gold = gold
        self._temper = temper
        self._rates = NOISES[noise]
        self._values = values
        self._rng = rng
        self._phrases = _PHRASES[gold.language]
        self._used: set[str] = set()
        self._casual = rng.random() < self._rates.casual

    def says(self, action: str, **other: str) -> str:
        """A reserved wording of a customer's action; `other` values in place of her own."""
        if self._rng.random() < self._temper.bare and action == f"{GIVE}order_number":
            return self.phrase("number", value=other.get("order_number", self._values["order_number"]))
        values = {**self._values, **other}
        wording = self._pick([one for one in self._gold.reserved(action) if fields_of(one) <= values.keys()])
        return self._noisy(wording).format(**values)

    def opens(self, action: str) -> tuple[str, bool]:
        """An opening, and whether it tells the order's number already."""
        wording = self._pick([one for one in self._gold.reserved(action) if fields_of(one) <= self._values.keys()])
        return self._noisy(wording).format(**self._values), "{order_number}" in wording

    def full(self, action: str) -> str | None:
        """A wording that is understood before it is asked for; None where the action has none."""
        least = _LEAST[self._gold.language]
        fitting = [
            one
            for one in self._gold.reserved(action)
            if len(one) >= least and not _ELLIPTIC.match(one) and fields_of(one) <= self._values.keys()
        ]
        return self._pick(fitting).format(**self._values) if fitting else None

    def phrase(self, name: str, **values: str) -> str:
        """What the corpus has no action for, such as a yes to a call."""
        return self._pick(self._phrases[name]).format(**values)

    def joined(self, first: str, second: str) -> str:
        stop = "" if first[-1] in _ENDS else self._phrases["stop"]
        return f"{first}{stop}{self._phrases['gap']}{second}"

    def with_aside(self, text: str) -> str:
        return self.joined(text, self.phrase("aside")) if self._rng.random() < self._rates.aside else text

    def _pick(self, wordings: list[str] | tuple[str, ...]) -> str:
        fresh = [one for one in wordings if one not in self._used] or list(wordings)
        if self._temper.bare and self._rng.random() < self._temper.bare:
            fresh = sorted(fresh, key=len)[: max(len(fresh) // 2, 1)]
        chosen = self._rng.choice(fresh)
        self._used.add(chosen)
        return chosen

    def _noisy(self, wording: str) -> str:
        if self._casual:
            wording = re.sub(r"\{\w+\}|[^{]+", lambda part: part[0] if part[0][0] == "{" else part[0].lower(), wording)
            wording = wording.rstrip(".。")
        return self._mistyped(wording) if self._rng.random() < self._rates.slip else wording

    def _mistyped(self, wording: str) -> str:
        """Two letters swapped, or a particle left out; never in the name of a value."""
        plain = re.sub(r"\{\w+\}", lambda place: "#" * len(place[0]), wording)
        if self._gold.language == "zh":
            places = [place for place, sign in enumerate(plain) if sign in _PARTICLES]
            return wording if not places else _without(wording, self._rng.choice(places))
        found = [word.start() for word in _LETTERS.finditer(plain)]
        if not found:
            return wording
        place = self._rng.choice(found) + self._rng.randint(1, 3)
        return wording[:place] + wording[place + 1] + wording[place] + wording[place + 2 :]


def _without(text: str, place: int) -> str:
    return text[:place] + text[place + 1 :]
