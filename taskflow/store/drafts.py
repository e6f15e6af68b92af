"""The draft of an assistant: its newest mined version with the edits that were made on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import select
from sqlalchemy.orm import Session

from taskflow.edit_forms import edit_from_json
from taskflow.edits import Edit, apply
from taskflow.errors import TaskFlowError
from taskflow.model import Assistant, AssistantVersion
from taskflow.store.database import Database, serialise
from taskflow.store.edit_log import append, applied_rows
from taskflow.store.schema import AssistantRow, VersionRow
from taskflow.store.versions import read_version


class AssistantError(TaskFlowError):
    """An assistant or version that does not exist: one sentence with the remedy."""


class Draft:
    """A draft within the transaction that changes it; nobody else changes it meanwhile."""

    def __init__(self, session: Session, base: VersionRow, assistant: Assistant) -> None:
        self.session = session
        self.base = base
        self.assistant = assistant

    def add(self, edits: Sequence[Edit], author: str, proposal: str | None = None) -> Assistant:
        """Apply edits and log them; raises EditError, and changes nothing, where one does not fit."""
        assistant = self.assistant
        for edit in edits:
            assistant = apply(edit, assistant)
        append(self.session, self.base.id, edits, author, proposal)
        self.assistant = assistant
        return assistant


@contextmanager
def draft_of(database: Database, name: str) -> Iterator[Draft]:
    """The draft to change; what was changed is committed when the block ends."""
    with database.write() as session:
        serialise(session, f"assistant {name}")
        base = find_base(session, find_assistant(session, name), name)
        yield Draft(session, base, read_draft(session, base, name).assistant)


def read_draft(session: Session, base: VersionRow, name: str) -> AssistantVersion:
    version = read_version(session, base, name)
    assistant = version.assistant
    for row in applied_rows(session, base.id):
        assistant = apply(edit_from_json(row.edit), assistant)
    return AssistantVersion(assistant, None, version.encoder)


def find_assistant(session: Session, name: str) -> int:
    found = session.scalar(select(AssistantRow.id).where(AssistantRow.name == name))
    if found is None:
        names = ", ".join(session.scalars(select(AssistantRow.name).order_by(AssistantRow.name)))
        raise AssistantError(
            f"no assistant is called {name!r} (there are: {names or 'none yet'}): mine one with 'taskflow mine'"
        )
    return found


def find_base(session: Session, assistant_id: int, name: str) -> VersionRow:
    """The newest mined version, where the draft starts."""
    base = newest_mined(session, assistant_id)
    if base is None:
        raise AssistantError(f"assistant {name!r} is empty: mine it with 'taskflow mine'")
    return base


def newest_mined(session: Session, assistant_id: int) -> VersionRow | None:
    return session.scalar(
        select(VersionRow)
        .where(VersionRow.assistant_id == assistant_id, VersionRow.number.is_(None))
        .order_by(VersionRow.id.desc())
        .limit(1)
    )
