"""Live conversations: a bounded snapshot of each, and everything that happened in it.

A turn is one commit by one writer. Its events are their own outbox: nobody sees an event before it is committed,
and every reader goes on from the last offset that it has.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, CursorResult, and_, bindparam, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from taskflow.store.database import Database
from taskflow.store.drafts import find_assistant
from taskflow.store.schema import AssistantRow, ConversationRow, EventRow, VersionRow


class ConversationStatus(StrEnum):
    """Whose turn it is to care: the assistant's, a person's, or nobody's any more."""

    OPEN = "open"
    HANDED_OFF = "handed_off"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A conversation as it stands; `revision` is the number of its turns, `next_offset` that of its events."""

    id: str
    version_id: int
    revision: int
    state: dict[str, Any]
    next_offset: int
    status: ConversationStatus
    customer: str | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class NewEvent:
    """What a turn adds; only the customer's message carries the id that its sender gave it."""

    kind: str
    payload: dict[str, Any]
    client_message_id: str | None = None


@dataclass(frozen=True, slots=True)
class StoredEvent:
    offset: int
    turn: int
    kind: str
    payload: dict[str, Any]
    client_message_id: str | None
    at: datetime


def new_id() -> str:
    return str(uuid.uuid4())


def start(database: Database, version_id: int, customer: str | None = None, conversation: str | None = None) -> str:
    """Begin a conversation, with the id that it is to have, if it is to have one; returns the id."""
    now = datetime.now(UTC)
    conversation = conversation or new_id()
    with database.write() as session:
        session.execute(
            insert(ConversationRow).values(
                id=conversation,
                version_id=version_id,
                revision=0,
                state={},
                created_at=now,
                updated_at=now,
                customer=customer,
                status=ConversationStatus.OPEN.value,
                next_offset=0,
            )
        )
    return conversation


def read(database: Database, conversation: str) -> Snapshot | None:
    with database.engine.connect() as connection:
        row = connection.execute(_SNAPSHOT, {"conversation": conversation}).one_or_none()
    return None if row is None else _snapshot(row)


def read_to_answer(
    database: Database, conversation: str, messages: Sequence[str]
) -> tuple[Snapshot, frozenset[str]] | None:
    """A conversation as it stands, and which of the messages are in it already."""
    with database.engine.connect() as connection:
        rows = connection.execute(_TO_ANSWER, {"conversation": conversation, "messages": list(messages)}).all()
    if not rows:
        return None
    return _snapshot(rows[0]), frozenset(row[-1] for row in rows if row[-1] is not None)


def read_events(database: Database, conversation: str, after: int = -1) -> list[StoredEvent]:
    """The events with an offset above `after`, in order."""
    return _events(database, EventRow.conversation_id == conversation, EventRow.offset > after)


def turn_of_message(database: Database, conversation: str, client_message_id: str) -> list[StoredEvent]:
    """The events of the turn that this message made; empty when it is new."""
    turn = (
        select(EventRow.turn)
        .where(EventRow.conversation_id == conversation, EventRow.client_message_id == client_message_id)
        .scalar_subquery()
    )
    return _events(database, EventRow.conversation_id == conversation, EventRow.turn == turn)


def last_conversations(database: Database, assistant: str, most: int) -> list[str]:
    """The conversations with an assistant that have a message, the last to change first. Raises AssistantError."""
    query = select(ConversationRow.id).join(VersionRow, VersionRow.id == ConversationRow.version_id)
    with database.read() as session:
        its = query.where(
            VersionRow.assistant_id == find_assistant(session, assistant), ConversationRow.next_offset > 0
        )
        return list(session.scalars(its.order_by(ConversationRow.updated_at.desc(), ConversationRow.id).limit(most)))


def silent_since(database: Database, moment: datetime) -> list[str]:
    """The open conversations, with a message in them, in which nothing has happened since a moment."""
    query = select(ConversationRow.id).where(
        ConversationRow.status == ConversationStatus.OPEN.value,
        ConversationRow.updated_at < moment,
        ConversationRow.next_offset > 0,
    )
    with database.read() as session:
        return list(session.scalars(query.order_by(ConversationRow.updated_at)))


def live_conversations(database: Database, name: str) -> Iterator[Snapshot]:
    """The conversations of an assistant that are not closed, by their ids."""
    query = (
        select(*_COLUMNS)
        .join(VersionRow, VersionRow.id == _TALKS.c.version_id)
        .join(AssistantRow, AssistantRow.id == VersionRow.assistant_id)
        .where(AssistantRow.name == name, _TALKS.c.status != ConversationStatus.CLOSED.value)
        .order_by(_TALKS.c.id)
    )
    with database.read() as session:
        for row in session.execute(query).yield_per(1_000):
            yield _snapshot(row)


def claim(database: Database, before: Snapshot, writer: str, seconds: float) -> bool:
    """Let nobody else write a turn for so long; False where another writer was first, or has a claim that lasts."""
    now = datetime.now(UTC)
    values = {"claimed_by": writer, "claimed_until": now + timedelta(seconds=seconds)}
    with database.write_core() as connection:
        return _changed(connection.execute(_IF_NEXT, values | _next_to(before, writer, now)))


def tell_meanwhile(database: Database, before: Snapshot, event: NewEvent, writer: str) -> Snapshot | None:
    """Write an event of a turn that is claimed and not over; None, and nothing written, where the claim is lost."""
    now = datetime.now(UTC)
    stored = StoredEvent(before.next_offset, before.revision, event.kind, event.payload, None, now)
    values = {"next_offset": before.next_offset + 1, "updated_at": now}
    with database.write() as session:
        if not _changed(session.execute(_IF_NEXT, values | _next_to(before, writer, now))):
            return None
        session.execute(_ADD, [_columns(before.id, stored)])
    return replace(before, next_offset=before.next_offset + 1)


def release(database: Database, conversation: str, writer: str) -> None:
    """Give up a claim whose turn was not written."""
    with database.write() as session:
        session.execute(
            update(ConversationRow)
            .where(ConversationRow.id == conversation, ConversationRow.claimed_by == writer)
            .values(claimed_by=None, claimed_until=None)
        )


def commit_turn(
    database: Database,
    before: Snapshot,
    state: dict[str, Any],
    events: Sequence[NewEvent],
    writer: str = "",
    changes: Mapping[str, Any] | None = None,
) -> list[StoredEvent] | None:
    """Write a turn's events and the new state in one commit, if nobody wrote a turn since `before`.

    `changes` are other columns of the conversation: its version, status, outcome, satisfaction. None, and nothing
    written, where another writer was first or has a claim, or the message is already there.
    """
    now = datetime.now(UTC)
    stored = [
        StoredEvent(
            before.next_offset + place, before.revision, event.kind, event.payload, event.client_message_id, now
        )
        for place, event in enumerate(events)
    ]
    values = {
        "revision": before.revision + 1,
        "state": state,
        "next_offset": before.next_offset + len(stored),
        "updated_at": now,
        "claimed_by": None,
        "claimed_until": None,
    }
    try:
        with database.write_core() as connection:
            moved = connection.execute(_IF_NEXT, values | dict(changes or {}) | _next_to(before, writer, now))
            if not _changed(moved):
                return None
            if stored:
                connection.execute(_ADD, [_columns(before.id, event) for event in stored])
    except IntegrityError:
        return None
    return stored


# Statements that every turn needs, on the tables themselves and on bare connections: to put them together anew, or to
# let the ORM look through them, takes as long as to run them.
_TALKS, _EVENTS = (ConversationRow.metadata.tables[row.__tablename__] for row in (ConversationRow, EventRow))
_COLUMNS: tuple[Column[Any], ...] = (
    _TALKS.c.id,
    _TALKS.c.version_id,
    _TALKS.c.revision,
    _TALKS.c.state,
    _TALKS.c.next_offset,
    _TALKS.c.status,
    _TALKS.c.customer,
    _TALKS.c.updated_at,
)
_SNAPSHOT = select(*_COLUMNS).where(_TALKS.c.id == bindparam("conversation"))
_TO_ANSWER = (
    select(*_COLUMNS, _EVENTS.c.client_message_id)
    .outerjoin_from(
        _TALKS,
        _EVENTS,
        and_(
            _EVENTS.c.conversation_id == _TALKS.c.id,
            _EVENTS.c.client_message_id.in_(bindparam("messages", expanding=True)),
        ),
    )
    .where(_TALKS.c.id == bindparam("conversation"))
)
_ADD = insert(_EVENTS)
# Its columns are set by what it is run with.
_IF_NEXT = update(_TALKS).where(
    _TALKS.c.id == bindparam("before_id"),
    _TALKS.c.revision == bindparam("before_revision"),
    or_(
        _TALKS.c.claimed_by.is_(None),
        _TALKS.c.claimed_by == bindparam("writer"),
        _TALKS.c.claimed_until < bindparam("now"),
    ),
)


def _next_to(before: Snapshot, writer: str, now: datetime) -> dict[str, Any]:
    return {"before_id": before.id, "before_revision": before.revision, "writer": writer, "now": now}


def _snapshot(row: Sequence[Any]) -> Snapshot:
    return Snapshot(row[0], row[1], row[2], row[3], row[4], ConversationStatus(row[5]), row[6], row[7])


def _changed(result: Any) -> bool:
    return isinstance(result, CursorResult) and result.rowcount == 1


def _columns(conversation: str, event: StoredEvent) -> dict[str, Any]:
    return {
        "conversation_id": conversation,
        "offset": event.offset,
        "turn": event.turn,
        "kind": event.kind,
        "payload": event.payload,
        "client_message_id": event.client_message_id,
        "at": event.at,
    }


def _events(database: Database, *which: Any) -> list[StoredEvent]:
    with database.read() as session:
        rows = session.execute(
            select(
                EventRow.offset,
                EventRow.turn,
                EventRow.kind,
                EventRow.payload,
                EventRow.client_message_id,
                EventRow.at,
            )
            .where(*which)
            .order_by(EventRow.offset)
        )
        return [StoredEvent(*row) for row in rows]
