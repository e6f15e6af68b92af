"""Where actions and labels disagree most, with what was said there."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mining.evaluation.labelled import LabelledTurn
from taskflow.model import ActionId, Speaker

_MOST = 4
_PARTS = 5  # shown of one confusion
_WORDINGS = 3  # shown of one part


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the turns: those of one label in an action, or of one action (None: left out) with a label."""

    name: str | None
    count: int
    wordings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Confusion:
    """One action (None: what was left out) that mixes labels, or one label that is split over actions.

    `astray` counts the turns outside the largest part; `further` the parts that are not shown.
    """

    speaker: Speaker
    name: str | None
    turns: int
    astray: int
    parts: tuple[Part, ...]
    further: int


@dataclass(frozen=True, slots=True)
class Confusions:
    """The worst first."""

    mixed: tuple[Confusion, ...]
    split: tuple[Confusion, ...]


def confusions(turns: Iterable[LabelledTurn], names: Mapping[ActionId, str]) -> Confusions:
    """`names` are the actions'; one that has none is called by its id."""
    said: dict[tuple[Speaker, ActionId | None, str], Counter[str]] = defaultdict(Counter)
    for turn in turns:
        said[turn.speaker, turn.action_id, turn.label][turn.text] += 1
    by_action: dict[tuple[Speaker, str | None], list[Part]] = defaultdict(list)
    by_label: dict[tuple[Speaker, str | None], list[Part]] = defaultdict(list)
    for (speaker, action, label), texts in said.items():
        name = None if action is None else names.get(action, action)
        wordings = tuple(text for text, _ in texts.most_common(_WORDINGS))
        by_action[speaker, name].append(Part(label, texts.total(), wordings))
        by_label[speaker, label].append(Part(name, texts.total(), wordings))
    return Confusions(_worst(by_action), _worst(by_label))


def _worst(groups: Mapping[tuple[Speaker, str | None], Sequence[Part]]) -> tuple[Confusion, ...]:
    found = []
    for (speaker, name), parts in groups.items():
        ranked = sorted(parts, key=lambda part: (-part.count, part.name or ""))
        turns = sum(part.count for part in ranked)
        astray = turns - ranked[0].count
        if astray:
            found.append(Confusion(speaker, name, turns, astray, tuple(ranked[:_PARTS]), max(0, len(ranked) - _PARTS)))
    found.sort(key=lambda confusion: (-confusion.astray, confusion.speaker, confusion.name or ""))
    return tuple(found[:_MOST])
