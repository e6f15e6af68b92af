"""Assistants, their versions and the edits of their drafts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from taskflow.edit_forms import edit_from_json, edit_to_json
from taskflow.edits import Edit, EditError, apply
from taskflow.errors import TaskFlowError
from taskflow.model import Assistant, AssistantVersion
from taskflow.store.database import Database, serialise
from taskflow.store.names import checked_name
from taskflow.store.schema import ActionRow, AssistantRow, EditRow, FlowRow, VersionRow
from taskflow.store.versions import insert_version, read_version


class AssistantError(TaskFlowError):
    """An assistant or version that does not exist: one sentence with the remedy."""


@dataclass(frozen=True, slots=True)
class AssistantSummary:
    name: str
    actions: int
    flows: int
    published: int | None  # the newest number
    encoder: str


@dataclass(frozen=True, slots=True)
class SavedVersion:
    """A mined version, how many earlier edits were applied to it again, and how many no longer fit."""

    key: int
    edits_kept: int
    edits_dropped: int


@dataclass(frozen=True, slots=True)
class Published:
    number: int
    at: datetime


def summarise(database: Database) -> list[AssistantSummary]:
    with database.read() as session:
        return [
            AssistantSummary(
                row.name,
                session.scalar(select(func.count()).where(ActionRow.version_id == base.id)) or 0,
                session.scalar(select(func.count()).where(FlowRow.version_id == base.id)) or 0,
                session.scalar(select(func.max(VersionRow.number)).where(VersionRow.assistant_id == row.id)),
                base.encoder,
            )
            for row in session.scalars(select(AssistantRow).order_by(AssistantRow.name))
            if (base := _newest(session, row.id)) is not None
        ]


def ensure_assistant(session: Session, name: str) -> int:
    """The key of an assistant, made if need be, whose draft nobody else changes before this transaction ends."""
    serialise(session, f"assistant {checked_name(name)}")
    row = session.scalar(select(AssistantRow).where(AssistantRow.name == name))
    if row is None:
        row = AssistantRow(name=name, created_at=datetime.now(UTC))
        session.add(row)
        session.flush()
    return row.id


def save_mined(session: Session, assistant: Assistant, encoder: str) -> SavedVersion:
    """Make a mined assistant the base of the draft; earlier edits that still apply are applied to it again."""
    assistant_id = ensure_assistant(session, assistant.name)
    edits = _edits_of_assistant(session, assistant_id)
    version_id = insert_version(session, assistant_id, AssistantVersion(assistant, None, encoder))
    kept = 0
    for edit in edits:
        try:
            assistant = apply(edit, assistant)
        except EditError:
            continue
        _insert_edit(session, version_id, kept, edit)
        kept += 1
    return SavedVersion(version_id, kept, len(edits) - kept)


def add_edit(database: Database, name: str, edit: Edit) -> Assistant:
    """Apply one edit to the draft; the draft is unchanged when it raises EditError."""
    with database.write() as session:
        serialise(session, f"assistant {name}")
        assistant_id = _assistant_id(session, name)
        base, edits = _draft(session, assistant_id, name)
        edited = apply(edit, _applied(read_version(session, base, name).assistant, edits))
        _insert_edit(session, base.id, len(edits), edit)
        return edited


def load_draft(database: Database, name: str) -> AssistantVersion:
    with database.read() as session:
        base, edits = _draft(session, _assistant_id(session, name), name)
        version = read_version(session, base, name)
        return AssistantVersion(_applied(version.assistant, edits), None, version.encoder)


def publish(database: Database, name: str) -> int:
    """Freeze the draft as the next numbered version; returns the number."""
    with database.write() as session:
        serialise(session, f"assistant {name}")
        assistant_id = _assistant_id(session, name)
        base, edits = _draft(session, assistant_id, name)
        version = read_version(session, base, name)
        newest = select(func.max(VersionRow.number)).where(VersionRow.assistant_id == assistant_id)
        number = (session.scalar(newest) or 0) + 1
        assistant = _applied(version.assistant, edits)
        insert_version(session, assistant_id, AssistantVersion(assistant, number, version.encoder))
        return number


def published_id(database: Database, name: str, number: int | None = None) -> int:
    """The key of a published version, the newest when no number is given."""
    with database.read() as session:
        assistant_id = _assistant_id(session, name)
        query = select(VersionRow.id, VersionRow.number).where(
            VersionRow.assistant_id == assistant_id, VersionRow.number.is_not(None)
        )
        numbers = {found: key for key, found in session.execute(query.order_by(VersionRow.number))}
    if not numbers:
        raise AssistantError(f"assistant {name!r} is not published yet: run 'taskflow publish {name}'")
    wanted = max(found for found in numbers if found is not None) if number is None else number
    if wanted not in numbers:
        there = ", ".join(str(found) for found in numbers)
        raise AssistantError(f"assistant {name!r} has no version {number} (there are: {there})")
    return numbers[wanted]


def published_versions(database: Database, name: str) -> list[Published]:
    """The newest first."""
    query = (
        select(VersionRow.number, VersionRow.created_at)
        .join(AssistantRow, AssistantRow.id == VersionRow.assistant_id)
        .where(AssistantRow.name == name, VersionRow.number.is_not(None))
        .order_by(VersionRow.number.desc())
    )
    with database.read() as session:
        return [Published(number, at) for number, at in session.execute(query) if number is not None]


def load_version(database: Database, version_id: int) -> AssistantVersion:
    """A version by its key; it never changes, so whoever has read it may keep it."""
    with database.read() as session:
        row = session.get_one(VersionRow, version_id)
        name = session.get_one(AssistantRow, row.assistant_id).name
        return read_version(session, row, name)


def _assistant_id(session: Session, name: str) -> int:
    found = session.scalar(select(AssistantRow.id).where(AssistantRow.name == name))
    if found is None:
        names = ", ".join(session.scalars(select(AssistantRow.name).order_by(AssistantRow.name)))
        raise AssistantError(
            f"no assistant is called {name!r} (there are: {names or 'none yet'}): mine one with 'taskflow mine'"
        )
    return found


def _newest(session: Session, assistant_id: int) -> VersionRow | None:
    return session.scalar(
        select(VersionRow).where(VersionRow.assistant_id == assistant_id).order_by(VersionRow.id.desc()).limit(1)
    )


def _draft(session: Session, assistant_id: int, name: str) -> tuple[VersionRow, list[Edit]]:
    base = _newest(session, assistant_id)
    if base is None:
        raise AssistantError(f"assistant {name!r} is empty: mine it with 'taskflow mine'")
    return base, _edits(session, EditRow.version_id == base.id)


def _edits_of_assistant(session: Session, assistant_id: int) -> list[Edit]:
    """Every edit since the last mining, in order; those of earlier ones were carried over then."""
    mined = session.scalar(
        select(func.max(VersionRow.id)).where(VersionRow.assistant_id == assistant_id, VersionRow.number.is_(None))
    )
    since = select(VersionRow.id).where(VersionRow.assistant_id == assistant_id, VersionRow.id >= (mined or 0))
    return _edits(session, EditRow.version_id.in_(since))


def _edits(session: Session, which: Any) -> list[Edit]:
    rows = session.scalars(select(EditRow).where(which).order_by(EditRow.version_id, EditRow.position))
    return [edit_from_json(row.edit) for row in rows]


def _insert_edit(session: Session, version_id: int, position: int, edit: Edit) -> None:
    session.add(
        EditRow(version_id=version_id, position=position, edit=edit_to_json(edit), created_at=datetime.now(UTC))
    )


def _applied(assistant: Assistant, edits: Sequence[Edit]) -> Assistant:
    for edit in edits:
        assistant = apply(edit, assistant)
    return assistant
