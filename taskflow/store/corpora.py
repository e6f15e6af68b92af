"""Corpora of logged dialogues."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, overload

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from taskflow.errors import TaskFlowError
from taskflow.model import Dialogue, Speaker, Utterance
from taskflow.store.database import Database, serialise
from taskflow.store.names import checked_name
from taskflow.store.schema import CorpusRow, DialogueRow, UtteranceRow

_BATCH = 500


class CorpusError(TaskFlowError):
    """A corpus that does not exist or cannot be used: one sentence with the remedy."""


@dataclass(frozen=True, slots=True)
class CorpusSummary:
    name: str
    dialogues: int
    utterances: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Addition:
    """What became of one dialogue that was offered to a corpus."""

    dialogue_id: str
    added: bool
    conflict: bool  # another dialogue already has this id


class Placed(StrEnum):
    """What became of a dialogue that takes the place of what the corpus has under its id."""

    ADDED = "added"
    CHANGED = "changed"
    THERE = "there"


def add_dialogues(database: Database, corpus: str, offered: Sequence[tuple[Dialogue, str]]) -> list[Addition]:
    """Add dialogues with their digests in one transaction; an id that is already there is left as it is."""
    with database.write() as session:
        corpus_id = _ensured_key(session, corpus)
        known = _digests(session, corpus_id, [dialogue.id for dialogue, _ in offered])
        additions, fresh = [], []
        for dialogue, digest in offered:
            there = known.get(dialogue.id)
            if there is None:
                known[dialogue.id] = digest
                fresh.append((dialogue, digest))
            additions.append(Addition(dialogue.id, there is None, there not in (None, digest)))
        _insert(session, corpus_id, fresh)
    return additions


def put_dialogues(session: Session, corpus: str, offered: Sequence[tuple[Dialogue, str]]) -> list[Placed]:
    """Add dialogues with their digests, ids given once; one whose digest is another by now is brought up to date.

    Turns that are as they were keep the actions that mining runs found in them.
    """
    corpus_id = _ensured_key(session, corpus)
    ids = [dialogue.id for dialogue, _ in offered]
    there = {
        row.dialogue_id: row
        for row in session.scalars(
            select(DialogueRow).where(DialogueRow.corpus_id == corpus_id, DialogueRow.dialogue_id.in_(ids))
        )
    }
    placed = []
    for dialogue, digest in offered:
        row = there.get(dialogue.id)
        if row is None:
            placed.append(Placed.ADDED)
        elif row.digest == digest:
            placed.append(Placed.THERE)
        else:
            _update(session, row, dialogue, digest)
            placed.append(Placed.CHANGED)
    _insert(session, corpus_id, [one for one, what in zip(offered, placed, strict=True) if what is Placed.ADDED])
    return placed


def read_digests(database: Database, corpus: str, ids: Sequence[str]) -> dict[str, str]:
    """The digests of those of the dialogues that a corpus has; none where there is no such corpus."""
    with database.read() as session:
        corpus_id = session.scalar(select(CorpusRow.id).where(CorpusRow.name == corpus))
        return {} if corpus_id is None else _digests(session, corpus_id, ids)


def summarise(database: Database) -> list[CorpusSummary]:
    counts = (
        select(
            CorpusRow.name,
            func.count(DialogueRow.id.distinct()),
            func.count(UtteranceRow.turn),
            CorpusRow.created_at,
        )
        .outerjoin(DialogueRow, DialogueRow.corpus_id == CorpusRow.id)
        .outerjoin(UtteranceRow, UtteranceRow.dialogue_key == DialogueRow.id)
        .group_by(CorpusRow.id, CorpusRow.name, CorpusRow.created_at)
        .order_by(CorpusRow.name)
    )
    with database.read() as session:
        return [CorpusSummary(*row) for row in session.execute(counts)]


def read_corpus(database: Database, corpus: str) -> Iterator[tuple[int, Dialogue]]:
    """Every dialogue with its key, in order of arrival, read in batches."""
    with database.read() as session:
        corpus_id = corpus_key(session, corpus)
        last = 0
        while True:
            rows = session.scalars(
                select(DialogueRow)
                .where(DialogueRow.corpus_id == corpus_id, DialogueRow.id > last)
                .order_by(DialogueRow.id)
                .limit(_BATCH)
            ).all()
            if not rows:
                return
            yield from _with_utterances(session, rows)
            last = rows[-1].id
            session.expunge_all()


class StoredDialogues(Sequence[Dialogue]):
    """The dialogues that a corpus has now, in order of arrival; those that come later stay out.

    None is held: each pass reads them anew, in batches. `keys` are theirs in the database.
    """

    def __init__(self, database: Database, corpus: str) -> None:
        self._database = database
        with database.read() as session:
            of_corpus = select(DialogueRow.id).where(DialogueRow.corpus_id == corpus_key(session, corpus))
            self.keys = array("q", session.scalars(of_corpus.order_by(DialogueRow.id)))

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, index: int) -> Dialogue: ...
    @overload
    def __getitem__(self, index: slice) -> list[Dialogue]: ...
    def __getitem__(self, index: int | slice) -> Dialogue | list[Dialogue]:
        if isinstance(index, slice):
            return list(self._read(self.keys[index]))
        return next(self._read(array("q", [self.keys[index]])))

    def __iter__(self) -> Iterator[Dialogue]:
        return self._read(self.keys)

    def _read(self, keys: Sequence[int]) -> Iterator[Dialogue]:
        for start in range(0, len(keys), _BATCH):
            batch = keys[start : start + _BATCH]
            with self._database.read() as session:
                rows = {row.id: row for row in session.scalars(select(DialogueRow).where(DialogueRow.id.in_(batch)))}
                if len(rows) < len(batch):
                    raise CorpusError("dialogues were forgotten while their corpus was read: start again")
                found = list(_with_utterances(session, [rows[key] for key in batch]))
            yield from (dialogue for _, dialogue in found)


def read_dialogue(database: Database, corpus: str, dialogue_id: str) -> Dialogue | None:
    with database.read() as session:
        row = session.scalar(
            select(DialogueRow).where(
                DialogueRow.corpus_id == corpus_key(session, corpus), DialogueRow.dialogue_id == dialogue_id
            )
        )
        return None if row is None else next(dialogue for _, dialogue in _with_utterances(session, [row]))


def _ensured_key(session: Session, name: str) -> int:
    """The key of a corpus, made if need be, which nobody else adds to before this transaction ends."""
    serialise(session, f"corpus {checked_name(name)}")
    row = session.scalar(select(CorpusRow).where(CorpusRow.name == name))
    if row is None:
        row = CorpusRow(name=name, created_at=datetime.now(UTC))
        session.add(row)
        session.flush()
    return row.id


def corpus_key(session: Session, name: str) -> int:
    """The key of a corpus; raises CorpusError where there is none."""
    corpus_id = session.scalar(select(CorpusRow.id).where(CorpusRow.name == name))
    if corpus_id is None:
        names = ", ".join(session.scalars(select(CorpusRow.name).order_by(CorpusRow.name))) or "none yet"
        raise CorpusError(f"no corpus is called {name!r} (there are: {names}): import one with 'taskflow import'")
    return corpus_id


def _digests(session: Session, corpus_id: int, ids: Sequence[str]) -> dict[str, str]:
    rows = session.execute(
        select(DialogueRow.dialogue_id, DialogueRow.digest).where(
            DialogueRow.corpus_id == corpus_id, DialogueRow.dialogue_id.in_(ids)
        )
    )
    return dict(rows.all())


def _insert(session: Session, corpus_id: int, fresh: Sequence[tuple[Dialogue, str]]) -> None:
    rows = [
        DialogueRow(corpus_id=corpus_id, dialogue_id=dialogue.id, **_about(dialogue, digest))
        for dialogue, digest in fresh
    ]
    session.add_all(rows)
    session.flush()
    keys = {row.dialogue_id: row.id for row in rows}
    utterances = [turn for dialogue, _ in fresh for turn in _turns(keys[dialogue.id], dialogue)]
    if utterances:
        session.execute(insert(UtteranceRow), utterances)


def _update(session: Session, row: DialogueRow, dialogue: Dialogue, digest: str) -> None:
    """Bring a dialogue up to date; its turns are written anew from the first that is another."""
    for column, value in _about(dialogue, digest).items():
        setattr(row, column, value)
    before = next(found for _, found in _with_utterances(session, [row])).utterances
    pairs = list(zip(before, dialogue.utterances, strict=False))
    same = next((turn for turn, (old, new) in enumerate(pairs) if old != new), len(pairs))
    session.execute(delete(UtteranceRow).where(UtteranceRow.dialogue_key == row.id, UtteranceRow.turn >= same))
    fresh = _turns(row.id, dialogue)[same:]
    if fresh:
        session.execute(insert(UtteranceRow), fresh)


def _about(dialogue: Dialogue, digest: str) -> dict[str, Any]:
    return {
        "digest": digest,
        "need": dialogue.need,
        "outcome": dialogue.outcome,
        "satisfaction": dialogue.satisfaction,
        "started_at": dialogue.started_at,
    }


def _turns(key: int, dialogue: Dialogue) -> list[dict[str, Any]]:
    return [
        {
            "dialogue_key": key,
            "turn": turn,
            "speaker": utterance.speaker.value,
            "text": utterance.text,
            "label": utterance.label,
            "result": utterance.result,
            "attachments": list(utterance.attachments),
        }
        for turn, utterance in enumerate(dialogue.utterances)
    ]


def _with_utterances(session: Session, rows: Sequence[DialogueRow]) -> Iterator[tuple[int, Dialogue]]:
    turns: dict[int, list[Utterance]] = {row.id: [] for row in rows}
    found = session.execute(
        select(
            UtteranceRow.dialogue_key,
            UtteranceRow.speaker,
            UtteranceRow.text,
            UtteranceRow.label,
            UtteranceRow.result,
            UtteranceRow.attachments,
        )
        .where(UtteranceRow.dialogue_key.in_(turns))
        .order_by(UtteranceRow.dialogue_key, UtteranceRow.turn)
    )
    for key, speaker, text, label, result, attachments in found:
        turns[key].append(Utterance(Speaker(speaker), text, label, result, tuple(attachments)))
    for row in rows:
        yield (
            row.id,
            Dialogue(
                row.dialogue_id,
                tuple(turns[row.id]),
                row.need,
                row.outcome,
                row.satisfaction,
                row.started_at,
            ),
        )
