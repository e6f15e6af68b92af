"""Conversations that have ended, masked and put into a corpus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from mining.logs.dialogues import read_dialogue
from mining.logs.entries import DialogueError
from mining.logs.speakers import speaker_names
from mining.progress import Report
from taskflow.model import Dialogue, Speaker
from taskflow.store import Database
from taskflow.store.corpora import Placed, read_digests
from taskflow.store.finished import Finished, finished_ids, keep, read_finished, read_records

_BATCH = 200
_NAMES = speaker_names({})


@dataclass(frozen=True, slots=True)
class Refused:
    """A conversation that stays out, and why, as one sentence."""

    conversation: str
    reason: str


@dataclass(slots=True)
class Imported:
    """How many dialogues came, how many were brought up to date, and how many were there as they are."""

    dialogues: int = 0
    changed: int = 0
    utterances: int = 0  # of those that came or changed
    there: int = 0
    refusals: list[Refused] = field(default_factory=list)


def import_finished(
    database: Database, corpus: str, assistant: str | None, since: datetime | None, report: Report
) -> Imported:
    """Each batch is one transaction: an interrupted import leaves whole dialogues, and the next one goes on."""
    imported = Imported()
    ids = finished_ids(database, assistant, since)
    waiting = iter(ids)
    done = 0
    while batch := list(islice(waiting, _BATCH)):
        _import(database, corpus, batch, imported)
        done += len(batch)
        report(f"{done:,} of {len(ids):,} conversations read")
    return imported


def _import(database: Database, corpus: str, ids: Sequence[str], imported: Imported) -> None:
    finished = read_finished(database, ids)
    known = read_digests(database, corpus, ids)
    fresh = [one for one in finished if known.get(one.id) != one.digest]
    imported.there += len(finished) - len(fresh)
    offered: list[tuple[Finished, Dialogue]] = []
    for one, record in zip(fresh, read_records(database, fresh), strict=True):
        try:
            if _has_customer(record):
                offered.append((one, read_dialogue(record, 0, _NAMES).dialogue))
        except DialogueError as fault:
            imported.refusals.append(Refused(one.id, str(fault)))
    if not offered:
        return
    for (_, dialogue), what in zip(offered, keep(database, corpus, offered), strict=True):
        imported.dialogues += what is Placed.ADDED
        imported.changed += what is Placed.CHANGED
        imported.there += what is Placed.THERE
        imported.utterances += len(dialogue.utterances) if what in (Placed.ADDED, Placed.CHANGED) else 0


def _has_customer(record: Mapping[str, Any]) -> bool:
    """Whether the customer said anything: a widget that was opened and left is no dialogue."""
    return any(turn["speaker"] == Speaker.USER and turn.get("text") for turn in record["turns"])
