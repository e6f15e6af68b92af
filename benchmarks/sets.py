"""The labelled logs that are measured on, in slices of one domain.

Our own corpus is always there. The others are read from a folder of NAME.jsonl.gz files, one dialogue a line, through
the importer's own reader: what is measured is masked as any log is.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mining.logs.dialogues import read_dialogue
from mining.logs.speakers import speaker_names
from taskflow.errors import TaskFlowError
from taskflow.model import Dialogue, Speaker, Utterance
from taskflow.sample import sample_path

VARIABLE = "TASKFLOW_BENCHMARK_DATA"
_SPEAKERS = speaker_names({})

Record = Mapping[str, Any]


class SetError(TaskFlowError):
    """A set that cannot be read: one sentence with the remedy."""


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """How a set is read. The bounds keep a run on two cores within minutes.

    `typed`: the agent's turns are what the agent typed, where the log also has the canned text that was sent.
    """

    name: str
    file: str
    licence: str
    published: bool
    per_domain: int | None = None  # dialogues, the first of the file
    fewest: int = 1  # dialogues that a domain has, to be taken
    domains: int | None = None
    one_domain: bool = False
    typed: bool = False
    credit: str = ""


_ALL = (
    LabelledSet("own_en", "after-sale.en", "MIT", published=True, one_domain=True),
    LabelledSet("own_zh", "after-sale.zh", "MIT", published=True, one_domain=True),
    LabelledSet("star", "star", "MIT", published=True, per_domain=250, fewest=100),
    LabelledSet("star_typed", "star", "MIT", published=True, per_domain=250, fewest=100, typed=True),
    LabelledSet("tau_retail", "tau_retail", "MIT", published=True, one_domain=True),
    LabelledSet("flodial", "flodial", "none stated", published=False),
    LabelledSet(
        name="sgd",
        file="sgd",
        licence="CC BY-SA 4.0",
        published=False,
        per_domain=150,
        fewest=150,
        domains=12,
        credit="Schema-Guided Dialogue, Rastogi and others (Google)",
    ),
    LabelledSet(
        name="multidogo_user",
        file="multidogo_user",
        licence="CDLA-Permissive 1.0",
        published=False,
        per_domain=400,
        credit="MultiDoGO, Peskov and others (Amazon)",
    ),
    LabelledSet("crosswoz", "crosswoz", "Apache-2.0", published=False, one_domain=True),
)
SETS: Mapping[str, LabelledSet] = {known.name: known for known in _ALL}
OWN = ("own_en", "own_zh")


@dataclass(frozen=True)
class Slice:
    """The dialogues of one domain of a set; `group_of` names what has to stay on one side of a split, by dialogue."""

    set: LabelledSet
    domain: str
    dialogues: tuple[Dialogue, ...]
    group_of: Mapping[str, str] = field(default_factory=dict)

    def turns(self, speaker: Speaker) -> list[Utterance]:
        return [u for dialogue in self.dialogues for u in dialogue.utterances if u.speaker is speaker]


def chosen_sets(names: str | None, folder: Path | None, usual: Sequence[str]) -> list[LabelledSet]:
    """The sets named, comma apart; without names the usual ones, as far as a folder is given. Their files are there."""
    if names is None:
        chosen = [SETS[name] for name in usual if name in OWN or folder is not None]
    else:
        chosen = [_known(name.strip()) for name in names.split(",")]
    for known in chosen:
        _path(known, folder)
    return chosen


def read_slices(chosen: LabelledSet, folder: Path | None, most: int | None, twins: bool = False) -> list[Slice]:
    """`most` dialogues a slice, the first of the file. Dialogues of several tasks are left out, and so are those
    that reword another one (twins), unless they are asked for.
    """
    by_domain: dict[str, list[Record]] = defaultdict(list)
    for record in _records(_path(chosen, folder)):
        if not record.get("multi_task") and (twins or not record.get("twin")):
            by_domain["all" if chosen.one_domain else record["domain"]].append(record)
    taken = [domain for domain in sorted(by_domain) if len(by_domain[domain]) >= chosen.fewest]
    slices = (_slice(chosen, domain, by_domain[domain], most) for domain in taken[: chosen.domains])
    return [read for read in slices if read.dialogues]


def held_own(chosen: LabelledSet, most: int | None) -> tuple[Dialogue, ...]:
    """The held part of our own corpus, whose customers use wordings that the other part lacks."""
    records = list(_records(sample_path(f"{chosen.file}.held.jsonl.gz")))
    return _slice(chosen, "held", records, most).dialogues


def flow_file(chosen: LabelledSet, folder: Path | None) -> Path:
    if chosen.name in OWN:
        return sample_path("after-sale.flow.json")
    return _existing(_folder(chosen, folder) / f"{chosen.file}.flow.json")


def _slice(chosen: LabelledSet, domain: str, records: Sequence[Record], most: int | None) -> Slice:
    bounds = [bound for bound in (chosen.per_domain, most) if bound is not None]
    records = records[: min(bounds, default=None)]
    read = [(record, dialogue) for record in records if (dialogue := _dialogue(chosen, record)) is not None]
    groups = {dialogue.id: str(record.get("pair_id", dialogue.id)) for record, dialogue in read}
    return Slice(chosen, domain, tuple(dialogue for _, dialogue in read), groups)


def _dialogue(chosen: LabelledSet, record: Record) -> Dialogue | None:
    """None where nothing is said; a spoken turn without words is left out."""
    turns = [_typed(turn) for turn in record["turns"]] if chosen.typed else record["turns"]
    need = record.get("need") or record.get("domain")
    dialogue = read_dialogue({**record, "turns": turns, "need": need}, 0, _SPEAKERS).dialogue
    said = tuple(u for u in dialogue.utterances if u.speaker is Speaker.SYSTEM or u.text.strip())
    return replace(dialogue, utterances=said) if said else None


def _typed(turn: Record) -> Record:
    """What the agent typed; a reply of the agent's own making has no other text than the one that was sent."""
    if turn["speaker"] != "agent":
        return turn
    own = turn["action"] in (None, "custom")
    return {**turn, "text": turn.get("typed") or (turn["text"] if own else "")}


def _known(name: str) -> LabelledSet:
    if name not in SETS:
        raise SetError(f"no set is called {name!r}: choose from {', '.join(SETS)}")
    return SETS[name]


def _path(chosen: LabelledSet, folder: Path | None) -> Path:
    name = f"{chosen.file}.jsonl.gz"
    return sample_path(name) if chosen.name in OWN else _existing(_folder(chosen, folder) / name)


def _folder(chosen: LabelledSet, folder: Path | None) -> Path:
    if folder is None:
        raise SetError(f"the set {chosen.name!r} is not part of the project: give its folder with --data or {VARIABLE}")
    if not folder.is_dir():
        raise SetError(f"there is no folder {folder}: name the one with the sets with --data or {VARIABLE}")
    return folder


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise SetError(f"{path} is missing: name a folder that has it with --data or {VARIABLE}, or leave out the set")
    return path


def _records(path: Path) -> Iterator[Record]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
