"""Conversations that have ended, as the records that a log would hold of them.

A record is what a line of a log says of a dialogue, and holds raw values: whoever keeps it masks it first.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select

from taskflow.model import Dialogue, Speaker
from taskflow.store.conversations import ConversationStatus
from taskflow.store.corpora import Placed, put_dialogues
from taskflow.store.database import Database
from taskflow.store.drafts import find_assistant
from taskflow.store.schema import ConversationRow, EventRow, VersionRow

SILENCE = timedelta(days=1)
"""After so long without a turn, a conversation that a person took over counts as ended."""

REHEARSED = "rehearsed"
"""What the event of a call says that was not made: its record has no result."""

_FORM = 1  # of the records; another number brings every conversation anew


@dataclass(frozen=True, slots=True)
class Finished:
    """A conversation that has ended; `digest` is another after every turn and every change of how it ended."""

    id: str
    digest: str
    revision: int
    started_at: datetime
    outcome: str | None
    satisfaction: float | None


def finished_ids(database: Database, assistant: str | None = None, since: datetime | None = None) -> list[str]:
    """The conversations that have ended, the oldest first: all, an assistant's, those with a turn since a moment.

    Ended is what is closed, or was handed off and is silent for a day. Raises AssistantError for an unknown name.
    """
    query = select(ConversationRow.id).where(_has_ended())
    with database.read() as session:
        if assistant is not None:
            versions = select(VersionRow.id).where(VersionRow.assistant_id == find_assistant(session, assistant))
            query = query.where(ConversationRow.version_id.in_(versions))
        if since is not None:
            query = query.where(ConversationRow.updated_at >= since)
        return list(session.scalars(query.order_by(ConversationRow.created_at, ConversationRow.id)))


def read_finished(database: Database, ids: Sequence[str]) -> list[Finished]:
    """Those of the conversations that have ended, in the order of `ids`."""
    columns = (
        ConversationRow.id,
        ConversationRow.status,
        ConversationRow.revision,
        ConversationRow.next_offset,
        ConversationRow.created_at,
        ConversationRow.outcome,
        ConversationRow.satisfaction,
    )
    found = {}
    with database.read() as session:
        for row in session.execute(select(*columns).where(ConversationRow.id.in_(ids), _has_ended())):
            id_, status, revision, next_offset, created_at, outcome, satisfaction = row
            if outcome is None and status == ConversationStatus.HANDED_OFF:
                outcome = ConversationStatus.HANDED_OFF.value
            digest = _digest(id_, status, revision, next_offset, outcome, satisfaction)
            found[id_] = Finished(id_, digest, revision, created_at, outcome, satisfaction)
    return [found[id_] for id_ in ids if id_ in found]


def read_records(database: Database, finished: Sequence[Finished]) -> Iterator[dict[str, Any]]:
    """One record a conversation, in order: messages as turns, calls as system turns with their outcome.

    Who of the agents wrote a message and what it was attached to stay out.
    """
    turns: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with database.read() as session:
        for id_, kind, payload in session.execute(
            select(EventRow.conversation_id, EventRow.kind, EventRow.payload)
            .where(EventRow.conversation_id.in_([one.id for one in finished]), EventRow.kind.in_(("message", "call")))
            .order_by(EventRow.conversation_id, EventRow.offset)
        ):
            turns[id_].append(_call(payload) if kind == "call" else _message(payload))
    for one in finished:
        yield {
            "dialogue_id": one.id,
            "outcome": one.outcome,
            "satisfaction": one.satisfaction,
            "started_at": one.started_at.isoformat(),
            "turns": turns[one.id],
        }


def keep(database: Database, corpus: str, offered: Sequence[tuple[Finished, Dialogue]]) -> list[Placed | None]:
    """Put masked dialogues of conversations into a corpus, in one transaction.

    None is what became of one whose conversation went on, or was forgotten, since it was read: it stays out.
    """
    ids = [finished.id for finished, _ in offered]
    with database.write() as session:
        # Whoever forgets a customer waits for this, or this for them, so nothing comes back that was forgotten.
        query = select(ConversationRow.id, ConversationRow.revision).where(ConversationRow.id.in_(ids))
        revisions = dict(session.execute(query.order_by(ConversationRow.id).with_for_update(read=True)).all())
        same = [(one, dialogue) for one, dialogue in offered if revisions.get(one.id) == one.revision]
        placed = put_dialogues(session, corpus, [(dialogue, one.digest) for one, dialogue in same])
    became = {one.id: what for (one, _), what in zip(same, placed, strict=True)}
    return [became.get(id_) for id_ in ids]


def _has_ended() -> ColumnElement[bool]:
    return or_(
        ConversationRow.status == ConversationStatus.CLOSED.value,
        and_(
            ConversationRow.status == ConversationStatus.HANDED_OFF.value,
            ConversationRow.updated_at < datetime.now(UTC) - SILENCE,
        ),
    )


def _message(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {"speaker": payload["speaker"], "text": payload.get("text")}


def _call(payload: Mapping[str, Any]) -> dict[str, Any]:
    outcome = payload.get("outcome")
    result = None if outcome in (None, REHEARSED) else {"outcome": outcome}
    return {"speaker": Speaker.SYSTEM.value, "action": payload["name"], "result": result}


def _digest(*columns: object) -> str:
    return hashlib.sha256(json.dumps([_FORM, *columns]).encode()).hexdigest()
