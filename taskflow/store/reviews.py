"""What a mining run has to know of a draft that people reviewed, and what it hands back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from taskflow.errors import TaskFlowError
from taskflow.model import Assistant
from taskflow.proposals import Decision, Proposal
from taskflow.review import Place, named_in, places_left
from taskflow.store.database import Database
from taskflow.store.drafts import newest_mined, read_draft
from taskflow.store.edit_log import Origin, StoredEdit, read_log
from taskflow.store.proposals import read_proposals
from taskflow.store.schema import AssistantRow, EditRow, VersionRow
from taskflow.store.versions import read_version

DraftState = tuple[int, tuple[int, ...]]
"""The base of a draft, and the edits that count: equal while nobody changed the draft."""


class DraftChangedError(TaskFlowError):
    """A run that was compared with a draft that is another one now."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A reviewed draft as a run sees it.

    `left` are places of the flows that edits emptied, `touched` the ids of actions and nodes that people's
    edits name, `undecided` and `rejected` what earlier runs proposed.
    """

    state: DraftState
    draft: Assistant
    left: frozenset[Place]
    touched: frozenset[str]
    undecided: tuple[Proposal, ...]
    rejected: tuple[Proposal, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """What a run makes of a reviewed draft: the draft with fresh counts, and what the run proposes besides.

    `seen` is the state of the draft that the run was compared with.
    """

    seen: DraftState
    assistant: Assistant
    proposals: Sequence[Proposal]


def draft_state(session: Session, assistant_id: int) -> DraftState | None:
    """None where there is nothing that a new mining could spoil: no edit counts and nothing is published."""
    own = VersionRow.assistant_id == assistant_id
    edits = select(EditRow.id).join(VersionRow, VersionRow.id == EditRow.version_id)
    counting = list(session.scalars(edits.where(own, EditRow.undone_at.is_(None)).order_by(EditRow.id)))
    published = session.scalar(select(func.count()).where(own, VersionRow.number.is_not(None)))
    base = newest_mined(session, assistant_id)
    return None if base is None or not (counting or published) else (base.id, tuple(counting))


def read_reviewed(database: Database, name: str) -> Reviewed | None:
    """None where the assistant does not exist or nobody reviewed it."""
    with database.read() as session:
        assistant_id = session.scalar(select(AssistantRow.id).where(AssistantRow.name == name))
        state = None if assistant_id is None else draft_state(session, assistant_id)
        base = None if assistant_id is None else newest_mined(session, assistant_id)
        if assistant_id is None or state is None or base is None:
            return None
        log = [edit for edit in read_log(session, assistant_id, base.id) if edit.undone_at is None]
        proposals = read_proposals(session, assistant_id)
        return Reviewed(
            state,
            read_draft(session, base, name).assistant,
            frozenset(_left(session, log, name)),
            frozenset(id_ for stored in log if stored.origin is Origin.HAND for id_ in named_in(stored.edit)),
            tuple(stored.proposal for stored in proposals if stored.status is Decision.PENDING),
            tuple(stored.proposal for stored in proposals if stored.status is Decision.REJECTED),
        )


def _left(session: Session, log: Sequence[StoredEdit], name: str) -> set[Place]:
    left: set[Place] = set()
    for base in dict.fromkeys(stored.base for stored in log):
        before = read_version(session, session.get_one(VersionRow, base), name).assistant
        left |= places_left(before, [stored.edit for stored in log if stored.base == base])
    return left
