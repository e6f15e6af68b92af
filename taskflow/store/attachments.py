"""The photos of conversations: kept beside them in the database, so that they go when a customer is forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from sqlalchemy import select

from taskflow.errors import TaskFlowError
from taskflow.store.database import Database
from taskflow.store.schema import AttachmentRow, ConversationRow

MOST_ATTACHMENTS = 10  # of one conversation


class TooManyAttachmentsError(TaskFlowError):
    """A conversation that has as many as it may."""


@dataclass(frozen=True, slots=True)
class Attachment:
    media_type: str
    content: bytes


def attach(database: Database, conversation: str, attachment: Attachment) -> str | None:
    """Keep a photo; returns its id, which is the same for the same bytes, or None where the conversation is gone.

    Raises TooManyAttachmentsError.
    """
    id_ = sha256(attachment.content).hexdigest()[:32]
    with database.write() as session:
        # Locked, so that of several photos at once none slips past the bound.
        if session.get(ConversationRow, conversation, with_for_update=True) is None:
            return None
        held = session.scalars(select(AttachmentRow.id).where(AttachmentRow.conversation_id == conversation)).all()
        if id_ in held:
            return id_
        if len(held) >= MOST_ATTACHMENTS:
            raise TooManyAttachmentsError(f"this conversation has {MOST_ATTACHMENTS} photos: it can hold no more")
        session.add(
            AttachmentRow(
                conversation_id=conversation,
                id=id_,
                media_type=attachment.media_type,
                content=attachment.content,
                created_at=datetime.now(UTC),
            )
        )
    return id_


def attachment_ids(database: Database, conversation: str) -> frozenset[str]:
    with database.read() as session:
        query = select(AttachmentRow.id).where(AttachmentRow.conversation_id == conversation)
        return frozenset(session.scalars(query))


def read_attachment(database: Database, conversation: str, id_: str) -> Attachment | None:
    with database.read() as session:
        row = session.get(AttachmentRow, (conversation, id_))
        return None if row is None else Attachment(row.media_type, row.content)
