"""Mining jobs: the table is the queue. A worker claims a row, keeps its lease alive, and finishes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import CursorResult, exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from taskflow.store.database import Database, serialise
from taskflow.store.schema import JobRow

LEASE = timedelta(seconds=60)
MOST_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Job:
    id: int
    corpus: str
    assistant: str
    status: str  # waiting, running, done, failed
    progress: str
    error: str | None
    attempts: int


def enqueue(database: Database, corpus: str, assistant: str) -> int:
    """The key of a new job, or of one for the same corpus and assistant that still waits."""
    now = datetime.now(UTC)
    with database.write() as session:
        serialise(session, "jobs")
        waiting = session.scalar(
            select(JobRow.id).where(JobRow.corpus == corpus, JobRow.assistant == assistant, JobRow.status == "waiting")
        )
        if waiting is not None:
            return waiting
        row = JobRow(
            corpus=corpus,
            assistant=assistant,
            status="waiting",
            attempts=0,
            progress="",
            created_at=now,
            updated_at=now,
        )
        session.add(row)
        session.flush()
        return row.id


def claim(database: Database, worker: str) -> Job | None:
    """The oldest job that waits or whose worker's lease ran out; never two of one corpus at a time."""
    now = datetime.now(UTC)
    with database.write() as session:
        serialise(session, "jobs")  # or two workers could take two jobs of one corpus
        _give_up(session, now)
        other = aliased(JobRow)
        busy = exists().where(other.corpus == JobRow.corpus, other.status == "running", other.lease_until > now)
        candidate = session.scalar(
            select(JobRow)
            .where(
                or_(JobRow.status == "waiting", (JobRow.status == "running") & (JobRow.lease_until <= now)),
                ~busy,
            )
            .order_by(JobRow.id)
            .limit(1)
        )
        if candidate is None:
            return None
        # Compare and set: another worker may have taken it since it was read.
        taken = session.execute(
            update(JobRow)
            .where(
                JobRow.id == candidate.id,
                JobRow.status == candidate.status,
                JobRow.attempts == candidate.attempts,
            )
            .values(
                status="running",
                worker=worker,
                attempts=candidate.attempts + 1,
                lease_until=now + LEASE,
                updated_at=now,
            )
        )
        return _job(session, candidate.id) if _changed(taken) else None


def heartbeat(database: Database, job: int, worker: str, progress: str) -> bool:
    """Renew the lease and tell the progress; False when the job is no longer this worker's."""
    now = datetime.now(UTC)
    with database.write() as session:
        kept = session.execute(
            update(JobRow)
            .where(JobRow.id == job, JobRow.worker == worker, JobRow.status == "running")
            .values(lease_until=now + LEASE, progress=progress, updated_at=now)
        )
        return _changed(kept)


def finish(database: Database, job: int, worker: str, error: str | None = None) -> None:
    with database.write() as session:
        session.execute(
            update(JobRow)
            .where(JobRow.id == job, JobRow.worker == worker)
            .values(
                status="done" if error is None else "failed",
                error=error,
                lease_until=None,
                updated_at=datetime.now(UTC),
            )
        )


def list_jobs(database: Database, corpus: str | None = None) -> Sequence[Job]:
    """The newest first."""
    query = select(JobRow.id).order_by(JobRow.id.desc()).limit(20)
    if corpus is not None:
        query = query.where(JobRow.corpus == corpus)
    with database.read() as session:
        return [_job(session, key) for key in session.scalars(query)]


def _give_up(session: Session, now: datetime) -> None:
    """A job whose workers died so often kills them: it is not tried again."""
    session.execute(
        update(JobRow)
        .where(JobRow.status == "running", JobRow.lease_until <= now, JobRow.attempts >= MOST_ATTEMPTS)
        .values(status="failed", error=f"its worker died {MOST_ATTEMPTS} times: look at the worker's output")
    )


def _changed(result: object) -> bool:
    return isinstance(result, CursorResult) and result.rowcount == 1


def _job(session: Session, key: int) -> Job:
    row = session.get_one(JobRow, key, populate_existing=True)
    return Job(row.id, row.corpus, row.assistant, row.status, row.progress, row.error, row.attempts)
