"""Lessons in wording a response anew, from logged dialogues whose agents say one thing in several ways."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime import words
from runtime.guard import fault
from runtime.prompts import render
from taskflow.backbones.embedded.lesson import Lesson
from taskflow.errors import TaskFlowError
from taskflow.recognisers import find

_SLOT = re.compile(r"\{\w+\}")
_COPIED, _THOUGHT = 0.35, 0.1  # shares of the lessons
_USUAL = 3  # so often a wording is said that is no slip of typing
_LONGER = 1.6  # a rewording may be, times
_KEPT_BACK = 8  # one action in so many is never taught, to see what the model does with new ones
_KEEP = {
    "en": ("I keep: ", ", ", "I say it in other words and add nothing."),
    "zh": ("保留：", "、", "换种说法，不加内容。"),
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What an agent said in a dialogue, with what the customer had said; `template` has slots for its values."""

    message: str
    text: str
    template: str
    values: tuple[tuple[str, str], ...]


class Rewordings:
    """The replies of logs, by language and action; `taught` are the actions that lessons are made of."""

    def __init__(self, logs: Sequence[Path]) -> None:
        self._replies: dict[tuple[str, str], list[Reply]] = defaultdict(list)
        self._texts: list[str] = []
        self._customers: list[str] = []
        for path in logs:
            for dialogue in _read(path):
                self._add(dialogue)
        names = sorted({action for _, action in self._replies})
        self.kept_back = frozenset(names[_KEPT_BACK // 2 :: _KEPT_BACK])
        self._values = _values(self._replies)
        self._pairs = list(self._alike())

    def replies(self, *, taught: bool) -> list[Reply]:
        """Replies of the actions that are taught, or of those that are kept back."""
        chosen = (own for (_, action), own in self._replies.items() if (action in self.kept_back) != taught)
        return [reply for own in chosen for reply in own]

    def lesson(self, draw: random.Random) -> Lesson:
        """A reply in other words, with values drawn anew, or a text that is best left as it is."""
        if draw.random() < _COPIED:
            text = self._some_text(draw)
            return Lesson(question(draw.choice(self._texts), text), text)
        reply, template = draw.choice(self._pairs)
        values = [(slot, self._drawn(slot, value, draw)) for slot, value in reply.values]
        response, answer = _filled(reply.template, values), _filled(template, values)
        thought = ""
        if draw.random() < _THOUGHT:
            begin, between, end = _KEEP[words.language(response)]
            kept = between.join(value for _, value in values)
            thought = f"{begin}{kept}\n{end}" if values else end
        return Lesson(question(reply.message, response), answer, thought)

    def _add(self, dialogue: Mapping[str, Any]) -> None:
        facts: dict[str, str] = {}
        said = ""
        for turn in dialogue["turns"]:
            if turn["speaker"] == "system":
                facts |= {"item": str(turn["result"]["item"])} if "item" in turn["result"] else {}
                continue
            self._texts.append(turn["text"])
            if turn["speaker"] == "user":
                said = turn["text"]
                self._customers.append(said)
            elif turn["action"] is not None:
                template, values = _template(turn["text"], facts)
                key = words.language(turn["text"]), turn["action"]
                self._replies[key].append(Reply(said, turn["text"], template, values))

    def _alike(self) -> Iterator[tuple[Reply, str]]:
        """Replies with another template of the same action and the same slots; what the guard refuses is not taught."""
        for (_, action), own in self._replies.items():
            if action in self.kept_back:
                continue
            said = Counter(reply.template for reply in own)
            usual = [template for template, times in said.items() if times >= _USUAL]
            first = {reply.template: reply for reply in reversed(own)}
            meant = {
                template: [other for other in usual if other != template and _is_fit(other, reply)]
                for template, reply in first.items()
            }
            yield from ((reply, other) for reply in own for other in meant[reply.template])

    def _some_text(self, draw: random.Random) -> str:
        """A customer's text, or two halves that were never said together, with its digits drawn anew."""
        if draw.random() < 0.5:
            return _redrawn(draw.choice(self._customers), draw)
        text, other = draw.choice(self._texts), draw.choice(self._texts)
        left, right = text.split(" "), other.split(" ")
        joined = " ".join(left[: draw.randint(0, len(left))] + right[draw.randint(0, len(right)) :])
        return _redrawn(joined or draw.choice(self._customers), draw)

    def _drawn(self, slot: str, value: str, draw: random.Random) -> str:
        own = [known for known in self._values[slot] if words.language(known) == words.language(value)]
        return _redrawn(draw.choice(own or [value]), draw)


def question(message: str, response: str) -> str:
    """What the generator asks."""
    return render("reword.v1.jinja", message=message, response=response)


def _is_fit(template: str, reply: Reply) -> bool:
    """Whether the template says as much as the reply, as far as its values, its length and the guard tell."""
    if sorted(_SLOT.findall(template)) != sorted(slot for slot, _ in reply.values):
        return False
    written = _filled(template, reply.values)
    return len(written) <= _LONGER * len(reply.text) and fault(written, reply.text) is None


def _read(path: Path) -> Iterator[Mapping[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            dialogue = json.loads(line)
            if dialogue["split"] != "mined":
                raise TaskFlowError(f"{path} holds dialogues to measure on ({dialogue['dialogue_id']}): give others")
            yield dialogue


def _template(text: str, facts: Mapping[str, str]) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The text with a slot for each value that a recogniser finds or the order system told."""
    spans = [(found.start, found.end, f"{{{found.kind.value}}}") for found in find(text)]
    for name, value in facts.items():
        spans += [(at.start(), at.end(), f"{{{name}}}") for at in re.finditer(re.escape(value), text)]
    template, values, end = "", [], 0
    for start, stop, slot in sorted(spans):
        if start >= end:
            template += text[end:start] + slot
            values.append((slot, text[start:stop]))
            end = stop
    return template + text[end:], tuple(values)


def _filled(template: str, values: Sequence[tuple[str, str]]) -> str:
    left: dict[str, list[str]] = defaultdict(list)
    for slot, value in values:
        left[slot].append(value)
    return _SLOT.sub(lambda found: left[found[0]].pop(0), template)


def _values(replies: Mapping[tuple[str, str], Sequence[Reply]]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for own in replies.values():
        for reply in own:
            for slot, value in reply.values:
                found[slot].add(value)
    return {slot: sorted(values) for slot, values in found.items()}


def _redrawn(value: str, draw: random.Random) -> str:
    """Other digits in the same places, so that none can be learnt by heart."""
    return re.sub("[0-9]", lambda _: draw.choice("0123456789"), value)
