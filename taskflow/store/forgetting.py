"""Forgetting a customer: what they said goes from conversations and corpora, and from what was counted of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from statistics import median
from typing import Any, TypeVar

from sqlalchemy import CursorResult, and_, delete, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from taskflow.errors import TaskFlowError
from taskflow.outcomes import SATISFIED
from taskflow.recounting import Gone
from taskflow.store.database import Database, serialise
from taskflow.store.recounting import Recount, counted_in_runs, recount
from taskflow.store.schema import (
    AssistantRow,
    AttachmentRow,
    Base,
    ConversationRow,
    CorpusRow,
    DialogueRow,
    EventRow,
    ForgettingRow,
    UtteranceRow,
    VectorRow,
)
from taskflow.texts import normalise

_BATCH = 500
_T = TypeVar("_T")


class ForgettingError(TaskFlowError):
    """A customer of whom nothing is known."""


@dataclass(frozen=True, slots=True)
class Traces:
    """What there is of a customer."""

    conversations: int
    events: int
    dialogues: int
    corpora: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Removed:
    """How much went: `evidence` and `wordings` of all versions together."""

    conversations: int
    events: int
    attachments: int
    dialogues: int
    utterances: int
    evidence: int
    wordings: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """`kept` are an assistant's name and a wording that is the last of an action, though nobody else says it."""

    removed: Removed
    kept: tuple[tuple[str, str], ...]


def find_traces(database: Database, customer: str) -> Traces:
    """Raises ForgettingError where there are none."""
    with database.read() as session:
        ids = _conversations(session, customer)
        events = 0
        corpora: list[str] = []
        for batch in _batches(ids):
            of_batch = EventRow.conversation_id.in_(batch)
            events += session.scalar(select(func.count()).select_from(EventRow).where(of_batch)) or 0
            names = select(CorpusRow.name).join(DialogueRow, DialogueRow.corpus_id == CorpusRow.id)
            corpora += session.scalars(names.where(DialogueRow.dialogue_id.in_(batch)))
    return Traces(len(ids), events, len(corpora), tuple(sorted(set(corpora))))


def forget(database: Database, customer: str, author: str) -> Forgotten:
    """Forget a customer in one transaction, and note that somebody was forgotten, not who.

    `customer` is the shop's name for them; where the shop gave none, the id of their conversation. Raises
    ForgettingError where nothing is known of them.
    """
    told = Recount()
    with database.write() as session:
        # Locked first: an import that is under way brings nothing back, and a mining run that counted them ends before
        # this begins, or finds them gone and is not kept.
        ids = _conversations(session, customer, lock=True)
        assistants = session.scalars(select(AssistantRow).order_by(AssistantRow.name)).all()
        for assistant in assistants:
            serialise(session, f"assistant {assistant.name}")
        keys, endings = _dialogues(session, ids)
        texts = _texts(session, keys)
        runs = counted_in_runs(session, keys)
        events = _delete(session, EventRow, EventRow.conversation_id, ids)
        attachments = _delete(session, AttachmentRow, AttachmentRow.conversation_id, ids)
        _delete(session, ConversationRow, ConversationRow.id, ids)
        utterances = _delete(session, UtteranceRow, UtteranceRow.dialogue_key, keys)
        _delete(session, DialogueRow, DialogueRow.id, keys)
        gone = Gone(endings, _said_by_nobody(session, texts))
        for assistant in assistants:
            recount(session, assistant, gone, runs, told)
        _delete(session, VectorRow, VectorRow.text_digest, [sha256(text.encode()).hexdigest() for text in texts])
        removed = Removed(len(ids), events, attachments, len(keys), utterances, told.evidence, told.wordings)
        session.add(ForgettingRow(at=datetime.now(UTC), author=author, removed=asdict(removed)))
    return Forgotten(removed, tuple(sorted(told.kept)))


def overwrite_deleted(database: Database) -> bool:
    """Let a SQLite file lose the bytes of deleted rows, which it else keeps for a while.

    False where somebody who reads or writes it stands in the way. PostgreSQL does it by itself, in time.
    """
    if database.engine.dialect.name != "sqlite":
        return True
    with closing(database.engine.raw_connection()) as opened:
        cursor = opened.cursor()
        try:
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            checkpoint = cursor.fetchone()  # whether it was blocked, and two sizes
        except sqlite3.OperationalError:
            return False
    return checkpoint is not None and checkpoint[0] == 0


def _conversations(session: Session, customer: str, lock: bool = False) -> list[str]:
    nameless = and_(ConversationRow.id == customer, ConversationRow.customer.is_(None))
    query = select(ConversationRow.id).where(or_(ConversationRow.customer == customer, nameless))
    query = query.order_by(ConversationRow.id)
    ids = list(session.scalars(query.with_for_update() if lock else query))
    if not ids:
        raise ForgettingError(
            f"no conversation is of a customer {customer!r}: give the name that the shop's site gives to the widget, "
            "or the id of a conversation without one"
        )
    return ids


def _dialogues(session: Session, ids: Sequence[str]) -> tuple[list[int], dict[str, tuple[str, ...]]]:
    """The keys of the dialogues that these conversations became, and how each ended, in the words of mining."""
    columns = (
        DialogueRow.id,
        DialogueRow.dialogue_id,
        DialogueRow.corpus_id,
        DialogueRow.outcome,
        DialogueRow.satisfaction,
    )
    rows = [
        row
        for batch in _batches(ids)
        for row in session.execute(select(*columns).where(DialogueRow.dialogue_id.in_(batch)))
    ]
    content = {corpus: _median_satisfaction(session, corpus) for corpus in {row.corpus_id for row in rows}}
    endings: dict[str, tuple[str, ...]] = {}
    for row in rows:
        least = content[row.corpus_id]
        satisfied = least is not None and row.satisfaction is not None and row.satisfaction >= least
        told = (row.outcome, SATISFIED if satisfied else None)
        endings[row.dialogue_id] = tuple(dict.fromkeys(outcome for outcome in told if outcome is not None))
    return [row.id for row in rows], endings


def _median_satisfaction(session: Session, corpus: int) -> float | None:
    query = select(DialogueRow.satisfaction).where(
        DialogueRow.corpus_id == corpus, DialogueRow.satisfaction.is_not(None)
    )
    told = [satisfaction for satisfaction in session.scalars(query) if satisfaction is not None]
    return median(told) if told else None


def _texts(session: Session, keys: Sequence[int]) -> list[str]:
    query = select(UtteranceRow.text).distinct()
    found = (session.scalars(query.where(UtteranceRow.dialogue_key.in_(batch))) for batch in _batches(keys))
    return sorted({text for texts in found for text in texts})


def _said_by_nobody(session: Session, texts: Sequence[str]) -> frozenset[str]:
    """The normalised texts that no dialogue says any more; what SQL cannot compare counts as unsaid."""
    lowered = func.lower(UtteranceRow.text)
    said: set[str] = set()
    for batch in _batches(sorted({text.lower() for text in texts})):
        said.update(map(normalise, session.scalars(select(lowered).where(lowered.in_(batch)).distinct())))
    return frozenset(map(normalise, texts)) - said


def _delete(session: Session, table: type[Base], column: InstrumentedAttribute[Any], values: Sequence[Any]) -> int:
    count = 0
    for batch in _batches(values):
        result = session.execute(delete(table).where(column.in_(batch)))
        count += result.rowcount if isinstance(result, CursorResult) else 0
    return count


def _batches(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    return (values[start : start + _BATCH] for start in range(0, len(values), _BATCH))
