"""Assistants, their versions and the edits of their drafts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from taskflow.calibration import Calibration
from taskflow.edit_forms import edit_from_json
from taskflow.edits import Edit, EditError
from taskflow.model import Assistant, AssistantVersion
from taskflow.proposals import Decision
from taskflow.review import without_rejected
from taskflow.store.database import Database, serialise
from taskflow.store.drafts import AssistantError, draft_of, find_assistant, find_base, newest_mined, read_draft
from taskflow.store.edit_log import StoredEdit, make_again, read_log, take_back
from taskflow.store.names import checked_name
from taskflow.store.proposals import settle
from taskflow.store.schema import ActionRow, AssistantRow, FlowRow, VersionRow
from taskflow.store.traffic import let_in
from taskflow.store.versions import insert_version, read_version

__all__ = [
    "AssistantError",
    "AssistantSummary",
    "Published",
    "add_edit",
    "calibration_of",
    "ensure_assistant",
    "load_base",
    "load_draft",
    "load_log",
    "load_version",
    "publish",
    "published_id",
    "published_versions",
    "redo",
    "save_mined",
    "summarise",
    "undo",
]


@dataclass(frozen=True, slots=True)
class AssistantSummary:
    name: str
    actions: int
    flows: int
    published: int | None  # the newest number
    encoder: str


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
            if (base := newest_mined(session, row.id)) is not None
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


def save_mined(session: Session, assistant: Assistant, encoder: str) -> int:
    """Make an assistant the base of its draft; returns the key of that version."""
    assistant_id = ensure_assistant(session, assistant.name)
    return insert_version(session, assistant_id, AssistantVersion(assistant, None, encoder))


def add_edit(database: Database, name: str, edit: Edit, author: str = "unknown") -> Assistant:
    """Apply one edit to the draft; the draft is unchanged when it raises EditError."""
    with draft_of(database, name) as draft:
        return draft.add([edit], author)


def undo(database: Database, name: str) -> list[Edit]:
    """Take back the last edit, or the proposal that it belongs to, as far back as the draft's last mining."""
    with draft_of(database, name) as draft:
        taken = take_back(draft.session, draft.base.id)
        if not taken:
            raise EditError(f"the draft of {name!r} has no edit to undo since it was mined last")
        settle(draft.session, draft.base.assistant_id, taken[0].proposal, Decision.PENDING)
        return [edit_from_json(row.edit) for row in taken]


def redo(database: Database, name: str) -> list[Edit]:
    """Make again what was undone last, unless an edit was made since."""
    with draft_of(database, name) as draft:
        made = make_again(draft.session, draft.base.id)
        if not made:
            raise EditError(f"the draft of {name!r} has nothing to redo: nothing was undone since the last edit")
        settle(draft.session, draft.base.assistant_id, made[0].proposal, Decision.ACCEPTED)
        return [edit_from_json(row.edit) for row in made]


def load_log(database: Database, name: str) -> list[StoredEdit]:
    """Every edit that was ever made, the oldest first."""
    with database.read() as session:
        assistant_id = find_assistant(session, name)
        return read_log(session, assistant_id, find_base(session, assistant_id, name).id)


def load_base(database: Database, name: str) -> Assistant:
    """The mined assistant as the first edit that counts met it; the newest one where there is none."""
    with database.read() as session:
        assistant_id = find_assistant(session, name)
        newest = find_base(session, assistant_id, name)
        edited = [stored.base for stored in read_log(session, assistant_id, newest.id) if stored.undone_at is None]
        return read_version(session, session.get_one(VersionRow, min(edited, default=newest.id)), name).assistant


def load_draft(database: Database, name: str) -> AssistantVersion:
    with database.read() as session:
        return read_draft(session, find_base(session, find_assistant(session, name), name), name)


def publish(database: Database, name: str, calibration: Calibration | None = None, share: float = 1.0) -> int:
    """Freeze the draft, but for what was rejected, as the next numbered version; returns the number.

    `calibration` is that of the draft's exemplars, `share` how many of the new conversations the version has.
    """
    with draft_of(database, name) as draft:
        assistant_id = draft.base.assistant_id
        newest = select(func.max(VersionRow.number)).where(VersionRow.assistant_id == assistant_id)
        number = (draft.session.scalar(newest) or 0) + 1
        served = without_rejected(draft.assistant)
        key = insert_version(draft.session, assistant_id, AssistantVersion(served, number, draft.base.encoder))
        if calibration is not None:
            draft.session.get_one(VersionRow, key).calibration = calibration.to_json()
        let_in(draft.session, assistant_id, number, share)
        return number


def published_id(database: Database, name: str, number: int | None = None) -> int:
    """The key of a published version, the newest when no number is given."""
    with database.read() as session:
        assistant_id = find_assistant(session, name)
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


def calibration_of(database: Database, version_id: int) -> Calibration:
    """How a version's likenesses become probabilities; the usual one for a version that was never calibrated."""
    with database.read() as session:
        stored = session.scalar(select(VersionRow.calibration).where(VersionRow.id == version_id))
    return Calibration() if stored is None else Calibration.from_json(stored)


def load_version(database: Database, version_id: int) -> AssistantVersion:
    """A version by its key; it never changes, so whoever has read it may keep it."""
    with database.read() as session:
        row = session.get_one(VersionRow, version_id)
        name = session.get_one(AssistantRow, row.assistant_id).name
        return read_version(session, row, name)
