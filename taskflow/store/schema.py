"""The tables, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

Json = JSON().with_variant(JSONB(), "postgresql")
JsonOrNull = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite forgets the zone, so it is put back when the row is read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=value.tzinfo or UTC)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, TypeEngine[Any]]] = {datetime: UtcDateTime(), str: Text()}


class CorpusRow(Base):
    __tablename__ = "corpora"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]


class DialogueRow(Base):
    """`digest` is of the log's own content, so that a second import can tell the same from another."""

    __tablename__ = "dialogues"
    __table_args__ = (UniqueConstraint("corpus_id", "dialogue_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    corpus_id: Mapped[int] = mapped_column(ForeignKey("corpora.id", ondelete="CASCADE"))
    dialogue_id: Mapped[str]
    digest: Mapped[str] = mapped_column(String(64))
    need: Mapped[str | None]
    outcome: Mapped[str | None]
    satisfaction: Mapped[float | None]
    started_at: Mapped[str | None]


class UtteranceRow(Base):
    __tablename__ = "utterances"

    dialogue_key: Mapped[int] = mapped_column(ForeignKey("dialogues.id", ondelete="CASCADE"), primary_key=True)
    turn: Mapped[int] = mapped_column(primary_key=True)
    speaker: Mapped[str] = mapped_column(String(8))
    text: Mapped[str]
    label: Mapped[str | None]
    result: Mapped[Any | None] = mapped_column(Json)
    attachments: Mapped[Any] = mapped_column(Json)


class VectorRow(Base):
    """The vector of one text (its sha256) by one encoder: float16, little-endian."""

    __tablename__ = "vectors"

    encoder: Mapped[str] = mapped_column(String(200), primary_key=True)
    text_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class AssistantRow(Base):
    """The draft is the assistant's newest mined version with that version's edits applied."""

    __tablename__ = "assistants"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]


class RunRow(Base):
    __tablename__ = "runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    corpus_id: Mapped[int] = mapped_column(ForeignKey("corpora.id", ondelete="CASCADE"), index=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id", ondelete="CASCADE"))
    encoder: Mapped[str]
    config: Mapped[Any] = mapped_column(Json)
    figures: Mapped[Any] = mapped_column(Json)
    finished_at: Mapped[datetime]


class AssignmentRow(Base):
    """The Dialogue Actions that a run found in one turn of a dialogue."""

    __tablename__ = "assignments"
    __table_args__ = (
        ForeignKeyConstraint(
            ["dialogue_key", "turn"], ["utterances.dialogue_key", "utterances.turn"], ondelete="CASCADE"
        ),
    )

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    dialogue_key: Mapped[int] = mapped_column(primary_key=True)
    turn: Mapped[int] = mapped_column(primary_key=True)
    action_id: Mapped[str | None]
    also: Mapped[Any] = mapped_column(Json)


class VersionRow(Base):
    """A snapshot of an assistant, never changed: numbered when published, without a number when mined.

    `share` alone changes: how many of the new conversations a published version has.
    """

    __tablename__ = "versions"
    __table_args__ = (UniqueConstraint("assistant_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    assistant_id: Mapped[int] = mapped_column(ForeignKey("assistants.id", ondelete="CASCADE"))
    number: Mapped[int | None]
    encoder: Mapped[str]
    created_at: Mapped[datetime]
    share: Mapped[float] = mapped_column(server_default="0")
    calibration: Mapped[Any] = mapped_column(JsonOrNull, nullable=True)


class ActionRow(Base):
    __tablename__ = "actions"

    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id", ondelete="CASCADE"), primary_key=True)
    action_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    speaker: Mapped[str] = mapped_column(String(8))
    name: Mapped[str]
    support: Mapped[int]
    description: Mapped[str] = mapped_column(server_default="")
    status: Mapped[str] = mapped_column(String(8), server_default="proposed")
    binding: Mapped[Any] = mapped_column(JsonOrNull, nullable=True)


class ExemplarRow(Base):
    __tablename__ = "exemplars"
    __table_args__ = (
        ForeignKeyConstraint(
            ["version_id", "action_id"], ["actions.version_id", "actions.action_id"], ondelete="CASCADE"
        ),
    )

    version_id: Mapped[int] = mapped_column(primary_key=True)
    action_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    count: Mapped[int]


class FlowRow(Base):
    __tablename__ = "flows"

    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id", ondelete="CASCADE"), primary_key=True)
    flow_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    name: Mapped[str]


class NodeRow(Base):
    __tablename__ = "nodes"
    __table_args__ = (
        ForeignKeyConstraint(["version_id", "flow_id"], ["flows.version_id", "flows.flow_id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["version_id", "action_id"], ["actions.version_id", "actions.action_id"]),
    )

    version_id: Mapped[int] = mapped_column(primary_key=True)
    flow_id: Mapped[str] = mapped_column(primary_key=True)
    node_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    parent_id: Mapped[str | None]
    action_id: Mapped[str | None]
    support: Mapped[int]
    probability: Mapped[float]
    jump_to: Mapped[str | None]
    responses: Mapped[Any] = mapped_column(Json)
    evidence: Mapped[Any] = mapped_column(Json)
    status: Mapped[str] = mapped_column(String(8), server_default="proposed")
    outcomes: Mapped[Any] = mapped_column(Json, server_default="[]")
    cost: Mapped[float] = mapped_column(server_default="1")


class EditRow(Base):
    """One edit of the draft that starts at the mined version `version_id`; it counts while `undone_at` is empty.

    `proposal` is the digest of the proposal that it came from.
    """

    __tablename__ = "edits"
    __table_args__ = (UniqueConstraint("version_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id", ondelete="CASCADE"))
    position: Mapped[int]
    edit: Mapped[Any] = mapped_column(Json)
    created_at: Mapped[datetime]
    author: Mapped[str] = mapped_column(server_default="unknown")
    proposal: Mapped[str | None] = mapped_column(String(64))
    undone_at: Mapped[datetime | None]


class ProposalRow(Base):
    """What a mining run would change in a reviewed draft; `digest` says when two runs propose the same.

    An id is never used again: people decide by it, on a list that may be older than the newest run.
    """

    __tablename__ = "proposals"
    __table_args__ = (UniqueConstraint("assistant_id", "digest"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    assistant_id: Mapped[int] = mapped_column(ForeignKey("assistants.id", ondelete="CASCADE"))
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id", ondelete="SET NULL"))
    digest: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    why: Mapped[str]
    edits: Mapped[Any] = mapped_column(Json)
    support: Mapped[int]
    evidence: Mapped[Any] = mapped_column(Json)
    gain: Mapped[Any] = mapped_column(Json)
    status: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]


class ConversationRow(Base):
    """`revision` grows by one a turn: the writer that names a stale one loses and tries again.

    A writer that is about to do what cannot be undone claims the conversation first, for a while.
    """

    __tablename__ = "conversations"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"), index=True)
    revision: Mapped[int]
    state: Mapped[Any] = mapped_column(Json)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime] = mapped_column(index=True)
    customer: Mapped[str | None] = mapped_column(index=True)
    status: Mapped[str] = mapped_column(String(10), server_default="open")
    outcome: Mapped[str | None]
    satisfaction: Mapped[float | None]
    next_offset: Mapped[int] = mapped_column(server_default="0")
    claimed_by: Mapped[str | None] = mapped_column(String(36))
    claimed_until: Mapped[datetime | None]


class EventRow(Base):
    """What happened in a conversation, in order; `payload` holds raw values, which live in conversations alone."""

    __tablename__ = "events"
    __table_args__ = (UniqueConstraint("conversation_id", "client_message_id"),)

    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True)
    offset: Mapped[int] = mapped_column(primary_key=True)
    turn: Mapped[int]
    kind: Mapped[str] = mapped_column(String(16))
    client_message_id: Mapped[str | None] = mapped_column(String(64))
    payload: Mapped[Any] = mapped_column(Json)
    at: Mapped[datetime]


class AttachmentRow(Base):
    """A photo that a customer sent; its id is a digest of its bytes, so that one sent again is kept once."""

    __tablename__ = "attachments"

    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    media_type: Mapped[str] = mapped_column(String(16))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


class ForgettingRow(Base):
    """That somebody was forgotten, by whom, and how much went; never who it was."""

    __tablename__ = "forgettings"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    author: Mapped[str]
    removed: Mapped[Any] = mapped_column(Json)


class JobRow(Base):
    """A piece of work for `taskflow worker`: the table is the queue."""

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_status_id", "status", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    corpus: Mapped[str]
    assistant: Mapped[str]
    status: Mapped[str] = mapped_column(String(8))
    worker: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int]
    progress: Mapped[str]
    error: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
