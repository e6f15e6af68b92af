"""What a review cost the people who made it: their operations and minutes, from the log."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from taskflow.edit_forms import edit_name
from taskflow.model import Assistant, Status
from taskflow.proposals import Decision
from taskflow.review import named_in
from taskflow.store.edit_log import Origin, StoredEdit
from taskflow.store.proposals import StoredProposal

GAP = timedelta(minutes=5)  # a longer one between two operations ends a session
LEAST = timedelta(minutes=1)  # that a session counts


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that a person did once; accepting a proposal is one operation, however many edits it makes."""

    kind: str
    author: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of things that were mined; a changed one was named by an edit, or is no longer there."""

    approved: int
    rejected: int
    changed: int
    untouched: int


@dataclass(frozen=True, slots=True)
class Burden:
    """`operations` by author and kind; those that were undone later are in them, and counted apart."""

    operations: Mapping[str, Mapping[str, int]]
    undone: int
    sessions: int
    minutes: float
    per_approved_action: float | None
    per_flow: float | None
    actions: Judged
    nodes: Judged

    @property
    def total(self) -> int:
        return sum(count for kinds in self.operations.values() for count in kinds.values())


def measure(
    log: Sequence[StoredEdit], proposals: Iterable[StoredProposal], mined: Assistant, draft: Assistant
) -> Burden:
    """`mined` is the assistant as the first edit met it. Edits carried over a mining are in the log once."""
    operations = [*_made(log), *_refused(proposals)]
    by_author: dict[str, Counter[str]] = defaultdict(Counter)
    moments: dict[str, list[datetime]] = defaultdict(list)
    for operation in operations:
        by_author[operation.author][operation.kind] += 1
        moments[operation.author].append(operation.at)
    for stored in log:
        if stored.undone_at is not None:
            moments[stored.author].append(stored.undone_at)
    sessions = [length for times in moments.values() for length in _sessions(times)]
    approved = sum(action.status is Status.APPROVED for action in draft.actions)
    touched = {
        id_
        for stored in log
        if stored.undone_at is None and stored.origin is Origin.HAND
        for id_ in named_in(stored.edit)
    }
    return Burden(
        {author: dict(kinds.most_common()) for author, kinds in sorted(by_author.items())},
        sum(stored.undone_at is not None for stored in log),
        len(sessions),
        round(sum(sessions, timedelta()) / timedelta(minutes=1), 1),
        round(len(operations) / approved, 2) if approved else None,
        round(len(operations) / len(draft.flows), 2) if draft.flows else None,
        _judged({action.id: action.status for action in draft.actions}, [a.id for a in mined.actions], touched),
        _judged(
            {node.id: node.status for flow in draft.flows for node in flow.nodes},
            [node.id for flow in mined.flows for node in flow.nodes],
            touched,
        ),
    )


def _made(log: Sequence[StoredEdit]) -> Iterable[Operation]:
    for proposal, edits in groupby(log, key=lambda stored: stored.proposal):
        if proposal is None:
            yield from (Operation(edit_name(stored.edit), stored.author, stored.at) for stored in edits)
        else:
            first = next(edits)
            yield Operation("accept_proposal", first.author, first.at)


def _refused(proposals: Iterable[StoredProposal]) -> Iterable[Operation]:
    for stored in proposals:
        if stored.status is Decision.REJECTED and stored.decided_by is not None and stored.decided_at is not None:
            yield Operation("reject_proposal", stored.decided_by, stored.decided_at)


def _sessions(times: Iterable[datetime]) -> list[timedelta]:
    """How long each session of one person was."""
    first, *rest = sorted(times)
    found, begun, last = [], first, first
    for time in rest:
        if time - last > GAP:
            found.append(max(LEAST, last - begun))
            begun = time
        last = time
    return [*found, max(LEAST, last - begun)]


def _judged(now: Mapping[str, Status], mined: Sequence[str], touched: set[str]) -> Judged:
    kept = [id_ for id_ in mined if id_ in now]
    judged = Counter(now[id_] for id_ in kept)
    untouched = sum(now[id_] is Status.PROPOSED and id_ not in touched for id_ in kept)
    approved, rejected = judged[Status.APPROVED], judged[Status.REJECTED]
    return Judged(approved, rejected, len(mined) - approved - rejected - untouched, untouched)
