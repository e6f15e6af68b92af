"""What mining runs propose for reviewed drafts, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from taskflow.edit_forms import edit_from_json, edit_to_json
from taskflow.edits import Edit, EditError, apply
from taskflow.errors import TaskFlowError
from taskflow.model import Assistant, Evidence
from taskflow.proposals import Decision, Gain, Kind, Proposal, fitted
from taskflow.store.database import Database
from taskflow.store.drafts import Draft, draft_of, find_assistant
from taskflow.store.schema import ProposalRow


class ProposalError(TaskFlowError):
    """A proposal that cannot be decided so: one sentence with the remedy."""


@dataclass(frozen=True, slots=True)
class StoredProposal:
    id: int
    run: int | None
    proposal: Proposal
    status: Decision
    decided_by: str | None
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A proposal that no longer fits the draft, and what stands in its way."""

    id: int
    why: str


def list_proposals(database: Database, name: str) -> list[StoredProposal]:
    """Those of the newest mining and all that was ever decided, the most supported first."""
    with database.read() as session:
        return read_proposals(session, find_assistant(session, name))


def read_proposals(session: Session, assistant_id: int) -> list[StoredProposal]:
    rows = session.scalars(select(ProposalRow).where(ProposalRow.assistant_id == assistant_id))
    return [_stored(row) for row in sorted(rows, key=lambda row: (-row.support, row.id))]


def replace_pending(session: Session, assistant_id: int, run: int, proposals: Iterable[Proposal]) -> int:
    """Let a run's proposals take the place of those that nobody decided; returns how many there are.

    One that is proposed again keeps its id. What was rejected does not come back; what was accepted does, where the
    draft is without it all the same. Names come from no run, and stay.
    """
    known = select(ProposalRow).where(ProposalRow.assistant_id == assistant_id)
    rows = {row.digest: row for row in session.scalars(known)}
    made = {proposal.digest: proposal for proposal in proposals}
    for digest, row in rows.items():
        if row.status == Decision.PENDING and row.kind != Kind.NAME and digest not in made:
            session.delete(row)
    kept = 0
    for digest, proposal in made.items():
        found = rows.get(digest)
        if found is None:
            found = ProposalRow(assistant_id=assistant_id, digest=digest, created_at=datetime.now(UTC))
            session.add(found)
        elif found.status == Decision.REJECTED:
            continue
        kept += 1
        _write(found, run, proposal)
    return kept


def propose(database: Database, name: str, proposal: Proposal, instead: Sequence[int] = ()) -> int | None:
    """Add a proposal that comes from no run, in the place of others that are pending.

    Returns its id; None where the same was rejected before.
    """
    with draft_of(database, name) as draft:
        own = select(ProposalRow).where(ProposalRow.assistant_id == draft.base.assistant_id)
        row = draft.session.scalar(own.where(ProposalRow.digest == proposal.digest))
        if row is not None and row.status == Decision.REJECTED:
            return None
        for other in draft.session.scalars(own.where(ProposalRow.id.in_(instead))):
            if other is not row and other.status == Decision.PENDING:
                draft.session.delete(other)
        if row is None:
            row = ProposalRow(
                assistant_id=draft.base.assistant_id, digest=proposal.digest, created_at=datetime.now(UTC)
            )
            draft.session.add(row)
        _write(row, None, proposal)
        draft.session.flush()
        return row.id


def accept(database: Database, name: str, ids: Sequence[int] | None, author: str) -> tuple[list[int], list[Refusal]]:
    """Make the edits of proposals, each proposal whole or not at all; None stands for all that are pending."""
    accepted: list[int] = []
    refused: list[Refusal] = []
    with draft_of(database, name) as draft:
        for row in _chosen(draft, name, ids):
            if row.status == Decision.ACCEPTED:
                raise ProposalError(f"proposal {row.id} of {name!r} is accepted already: see 'taskflow edits {name}'")
            try:
                edits = _fitted(row, draft.assistant)
                draft.add(edits, author, row.digest)
            except EditError as error:
                refused.append(Refusal(row.id, str(error)))
                continue
            _decide(row, Decision.ACCEPTED, author)
            accepted.append(row.id)
    return accepted, refused


def reject(database: Database, name: str, ids: Sequence[int], author: str) -> list[int]:
    """Keep proposals out of the draft, and out of what later minings propose."""
    with draft_of(database, name) as draft:
        chosen = _chosen(draft, name, ids)
        for row in chosen:
            if row.status == Decision.ACCEPTED:
                raise ProposalError(
                    f"proposal {row.id} of {name!r} is accepted: undo its edits, or reject the nodes that it added"
                )
            _decide(row, Decision.REJECTED, author)
        return [row.id for row in chosen]


def settle(session: Session, assistant_id: int, digest: str | None, status: Decision) -> None:
    """Note that the edits of a proposal, if it is still known, were undone or made again."""
    query = select(ProposalRow).where(ProposalRow.assistant_id == assistant_id, ProposalRow.digest == digest)
    row = None if digest is None else session.scalar(query)
    if row is not None:
        row.status = status.value


def _chosen(draft: Draft, name: str, ids: Sequence[int] | None) -> list[ProposalRow]:
    query = select(ProposalRow).where(ProposalRow.assistant_id == draft.base.assistant_id)
    if ids is None:
        query = query.where(ProposalRow.status == Decision.PENDING.value)
    rows = {row.id: row for row in draft.session.scalars(query.order_by(ProposalRow.id))}
    unknown = [key for key in ids or () if key not in rows]
    if unknown:
        raise ProposalError(
            f"assistant {name!r} has no proposal {unknown[0]}: list them with 'taskflow proposals {name}'"
        )
    return list(rows.values()) if ids is None else [rows[key] for key in dict.fromkeys(ids)]


def _fitted(row: ProposalRow, assistant: Assistant) -> list[Edit]:
    edits = []
    for form in row.edits:
        edit = fitted(edit_from_json(form), assistant)
        if edit is not None:
            assistant = apply(edit, assistant)
            edits.append(edit)
    return edits


def _decide(row: ProposalRow, status: Decision, author: str) -> None:
    row.status, row.decided_by, row.decided_at = status.value, author, datetime.now(UTC)


def _write(row: ProposalRow, run: int | None, proposal: Proposal) -> None:
    row.run_id = run
    row.kind, row.why, row.support = proposal.kind.value, proposal.why, proposal.support
    row.edits = [edit_to_json(edit) for edit in proposal.edits]
    row.evidence = [[seen.dialogue_id, seen.turn] for seen in proposal.evidence]
    row.gain = None if proposal.gain is None else asdict(proposal.gain)
    row.status = Decision.PENDING.value


def _stored(row: ProposalRow) -> StoredProposal:
    return StoredProposal(
        row.id,
        row.run_id,
        Proposal(
            Kind(row.kind),
            row.digest,
            tuple(edit_from_json(form) for form in row.edits),
            row.why,
            row.support,
            tuple(Evidence(dialogue_id, turn) for dialogue_id, turn in row.evidence),
            None if row.gain is None else Gain(**row.gain),
        ),
        Decision(row.status),
        row.decided_by,
        row.decided_at,
    )
