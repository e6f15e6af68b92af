"""What a flow is mined from and held against: a training part, a held part, and gold flows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.sets import OWN, LabelledSet, Slice, flow_file, held_own, read_slices
from mining.evaluation.gold import GoldFlow, read_gold
from taskflow.model import Dialogue

_HELD = 0.3  # of the groups of dialogues


@dataclass(frozen=True, slots=True)
class Task:
    """`gold` by need; a dialogue's need is its domain where the log has no need."""

    set: LabelledSet
    domain: str
    trained: tuple[Dialogue, ...]
    held: tuple[Dialogue, ...]
    gold: dict[str, GoldFlow]


def tasks(chosen: LabelledSet, folder: Path | None, most: int | None) -> Iterator[Task]:
    """Our own corpus has a held part; other sets are split by dialogue, twins together, with a fixed seed."""
    gold = read_gold(flow_file(chosen, folder))
    for measured in read_slices(chosen, folder, most, twins=True):
        if chosen.name in OWN:
            yield Task(chosen, measured.domain, measured.dialogues, held_own(chosen, most), gold)
        elif measured.domain in gold:
            trained, held = _split(measured)
            yield Task(chosen, measured.domain, trained, held, {measured.domain: gold[measured.domain]})


def _split(measured: Slice) -> tuple[tuple[Dialogue, ...], tuple[Dialogue, ...]]:
    groups = sorted(set(measured.group_of.values()))
    shuffled = np.random.default_rng(0).permutation(len(groups))
    held = {groups[place] for place in shuffled[: max(1, round(_HELD * len(groups)))]}
    sides: dict[bool, list[Dialogue]] = {True: [], False: []}
    for dialogue in measured.dialogues:
        sides[measured.group_of[dialogue.id] in held].append(dialogue)
    return tuple(sides[False]), tuple(sides[True])
