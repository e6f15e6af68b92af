"""Live conversations: a bounded snapshot of each, and everything that happened in it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import CursorResult, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from taskflow.store.database import Database
from taskflow.store.schema import ConversationRow, EventRow


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A conversation as it stands; `revision` is the number of its turns."""

    id: str
    version_id: int
    revision: int
    state: dict[str, Any]


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


def start(database: Database, version_id: int) -> str:
    now = datetime.now(UTC)
    conversation = str(uuid.uuid4())
    with database.write() as session:
        session.add(
            ConversationRow(
                id=conversation, version_id=version_id, revision=0, state={}, created_at=now, updated_at=now
            )
        )
    return conversation


def read(database: Database, conversation: str) -> Snapshot | None:
    with database.read() as session:
        row = session.get(ConversationRow, conversation)
        return None if row is None else Snapshot(row.id, row.version_id, row.revision, row.state)


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


def commit_turn(
    database: Database, before: Snapshot, state: dict[str, Any], events: Sequence[NewEvent]
) -> list[StoredEvent] | None:
    """Write a turn's events and the new state in one commit, if nobody wrote a turn since `before`.

    None, and nothing written, where another writer was first or the message is already there.
    """
    now = datetime.now(UTC)
    try:
        with database.write() as session:
            moved = session.execute(
                update(ConversationRow)
                .where(ConversationRow.id == before.id, ConversationRow.revision == before.revision)
                .values(revision=before.revision + 1, state=state, updated_at=now)
            )
            if not isinstance(moved, CursorResult) or moved.rowcount != 1:
                return None
            last = session.scalar(select(func.max(EventRow.offset)).where(EventRow.conversation_id == before.id))
            first = 0 if last is None else last + 1
            stored = [
                StoredEvent(first + place, before.revision, event.kind, event.payload, event.client_message_id, now)
                for place, event in enumerate(events)
            ]
            session.execute(insert(EventRow), [_columns(before.id, event) for event in stored])
    except IntegrityError:
        return None
    return stored


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
        rows = session.scalars(select(EventRow).where(*which).order_by(EventRow.offset))
        return [StoredEvent(row.offset, row.turn, row.kind, row.payload, row.client_message_id, row.at) for row in rows]
