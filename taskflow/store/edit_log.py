"""The log of an assistant's edits: who made which when, which count, which can be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from taskflow.edit_forms import edit_from_json, edit_to_json
from taskflow.edits import Edit
from taskflow.store.schema import EditRow, VersionRow


class Origin(StrEnum):
    """Who thought of an edit."""

    HAND = "hand"
    PROPOSAL = "proposal"


@dataclass(frozen=True, slots=True)
class StoredEdit:
    """An edit of the log; `base` is the key of the mined version that it was made on.

    A `carried` one was made before the draft's newest mining: what it did is in the draft for good.
    """

    id: int
    base: int
    edit: Edit
    author: str
    at: datetime
    undone_at: datetime | None
    proposal: str | None
    carried: bool

    @property
    def origin(self) -> Origin:
        return Origin.HAND if self.proposal is None else Origin.PROPOSAL


def read_log(session: Session, assistant_id: int, base: int) -> list[StoredEdit]:
    """Every edit of an assistant in the order of making; `base` is where its draft starts."""
    rows = session.scalars(
        select(EditRow)
        .join(VersionRow, VersionRow.id == EditRow.version_id)
        .where(VersionRow.assistant_id == assistant_id)
        .order_by(EditRow.version_id, EditRow.position)
    )
    return [
        StoredEdit(
            row.id,
            row.version_id,
            edit_from_json(row.edit),
            row.author,
            row.created_at,
            row.undone_at,
            row.proposal,
            row.version_id != base,
        )
        for row in rows
    ]


def applied_rows(session: Session, base: int) -> list[EditRow]:
    """The edits that make the draft, in order."""
    query = select(EditRow).where(EditRow.version_id == base, EditRow.undone_at.is_(None))
    return list(session.scalars(query.order_by(EditRow.position)))


def append(session: Session, base: int, edits: Sequence[Edit], author: str, proposal: str | None) -> None:
    last = session.scalar(select(func.max(EditRow.position)).where(EditRow.version_id == base))
    first = 0 if last is None else last + 1
    for position, edit in enumerate(edits, start=first):
        session.add(
            EditRow(
                version_id=base,
                position=position,
                edit=edit_to_json(edit),
                author=author,
                proposal=proposal,
                created_at=datetime.now(UTC),
            )
        )


def take_back(session: Session, base: int) -> list[EditRow]:
    """Undo the last edit that counts, or all of the proposal that it belongs to; empty where there is none."""
    taken = _alike(list(reversed(applied_rows(session, base))))
    for row in taken:
        row.undone_at = datetime.now(UTC)
    return taken


def make_again(session: Session, base: int) -> list[EditRow]:
    """Redo what was undone last, if no edit was made since; empty where there is nothing."""
    applied = applied_rows(session, base)
    last = applied[-1].position if applied else -1
    undone = select(EditRow).where(EditRow.version_id == base, EditRow.position > last)
    made = _alike(list(session.scalars(undone.order_by(EditRow.position))))
    for row in made:
        row.undone_at = None
    return made


def _alike(rows: Sequence[EditRow]) -> list[EditRow]:
    """The first, and those right after it that came from the same proposal."""
    found: list[EditRow] = []
    for row in rows:
        if found and (row.proposal is None or row.proposal != found[0].proposal):
            break
        found.append(row)
    return found
