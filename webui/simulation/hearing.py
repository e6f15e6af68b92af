"""How a customer understands an assistant: by what agents of the corpus say, and never by the names of mined actions.

First the agents' wordings are looked for in the message, letter for letter but for the values; then those that are
nearest by the encoder. What the assistant says of its own accord, as when it asks for a yes, is told by its templates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from runtime import words
from taskflow.encoders import Encoder
from taskflow.recognisers import mask
from taskflow.texts import normalise, split_sentences
from webui.simulation.gold import Gold

OWN = "repair: "  # before the name of what the assistant says of its own accord
CONSENT, CLARIFY, NOT_UNDERSTOOD = f"{OWN}consent", f"{OWN}clarify", f"{OWN}not understood"
INVALID, CANCELLED, HUMAN = f"{OWN}invalid", f"{OWN}cancel", f"{OWN}human"
ENDINGS = frozenset({f"{OWN}close", f"{OWN}satisfaction"})

_LIKE = 0.72  # cosine to the nearest wording, from which on a message counts as meant so
_PLACE_NAME = re.compile(r"\{(\w+)\}")
_PLACE = re.compile(r"\\{\w+\\}|\\\[\w+\\\]")


@dataclass(frozen=True, slots=True)
class _Wording:
    pattern: re.Pattern[str]
    actions: tuple[str, ...]


class Ear:
    """Understands what agents mean, in one language."""

    def __init__(self, gold: Gold, encoder: Encoder) -> None:
        self._encoder = encoder
        meant: dict[str, list[str]] = {}
        for action in sorted(gold.agents):
            for wording in gold.wordings[action]:
                meant.setdefault(wording, []).append(action)
        self._wordings = [_Wording(_pattern(text), tuple(actions)) for text, actions in meant.items()]
        self._wordings += [
            _Wording(_pattern(texts[gold.language]), (f"{OWN}{name}",)) for name, texts in words.REPAIRS.items()
        ]
        self._texts = [_PLACE_NAME.sub(r"[\1]", text) for text in meant]
        self._meant = list(meant.values())
        self._vectors = encoder.encode(self._texts)
        spoken = [(text, action) for action in gold.customers for text in gold.wordings[action]]
        self._of_customers = [action for _, action in spoken]
        self._customers = encoder.encode([_PLACE_NAME.sub(r"[\1]", text) for text, _ in spoken])
        self._needs = {name: {node.action for node in need.nodes.values()} for name, need in gold.needs.items()}

    def understand(self, text: str, need: str) -> list[str]:
        """The actions that a message holds, in order; of equal words those of the customer's own need count."""
        found = list(self._said(normalise(text)))
        if not found:
            found = list(self._nearest([text])) or list(self._nearest(split_sentences(text)))
        return list(dict.fromkeys(self._chosen(actions, need) for actions in found))

    def reads(self, label: str) -> str:
        """What a customer's words on a button mean: the action of the nearest wording of customers."""
        return self._of_customers[int(np.argmax(self._customers @ self._encoder.encode([mask(label)])[0]))]

    def _said(self, text: str) -> Iterator[Sequence[str]]:
        """By the wordings themselves: the longest first, none within another."""
        matches = [(found, one) for one in self._wordings if (found := one.pattern.search(text)) is not None]
        matches.sort(key=lambda match: match[0].start() - match[0].end())
        taken: list[tuple[int, Sequence[str]]] = []
        spans: list[tuple[int, int]] = []
        for found, one in matches:
            if all(found.end() <= start or end <= found.start() for start, end in spans):
                spans.append(found.span())
                taken.append((found.start(), one.actions))
        yield from (actions for _, actions in sorted(taken, key=lambda pair: pair[0]))

    def _nearest(self, texts: Sequence[str]) -> Iterator[Sequence[str]]:
        if not texts:
            return
        for row in self._encoder.encode([mask(text) for text in texts]) @ self._vectors.T:
            best = int(np.argmax(row))
            if row[best] >= _LIKE:
                yield self._meant[best]

    def _chosen(self, actions: Sequence[str], need: str) -> str:
        return next((action for action in actions if action in self._needs[need]), actions[0])


def _pattern(wording: str) -> re.Pattern[str]:
    """Case, spaces and the last full stop do not matter; a place holds any value."""
    plain = re.escape(normalise(wording).rstrip(".。"))
    return re.compile(_PLACE.sub(".{1,120}?", plain) + r"(?!\w)" * plain[-1].isascii())
