"""Takes mining jobs from the database, one at a time, until it is stopped."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable

from sqlalchemy.exc import OperationalError

from mining.config import MiningConfig
from mining.runs import run_mining
from taskflow.encoders import Encoder
from taskflow.errors import TaskFlowError
from taskflow.store import Database
from taskflow.store.jobs import LEASE, Job, claim, finish, heartbeat

_POLL = 1.0  # seconds between looks at an empty queue


class LeaseLostError(TaskFlowError):
    """Another worker has the job now, because this one was silent for too long."""


def work(
    database: Database, encoder: Encoder, config: MiningConfig, say: Callable[[str], None], *, until_empty: bool
) -> None:
    """Take jobs until interrupted or, with `until_empty`, until none waits."""
    worker = f"{socket.gethostname()}-{os.getpid()}"
    while True:
        job = claim(database, worker)
        if job is not None:
            say(f"job {job.id}: mining {job.corpus} into {job.assistant}")
            _run(database, encoder, config, job, worker)
            say(f"job {job.id}: ended")
        elif until_empty:
            return
        else:
            time.sleep(_POLL)


def _run(database: Database, encoder: Encoder, config: MiningConfig, job: Job, worker: str) -> None:
    pulse = _Pulse(database, job.id, worker)
    try:
        with pulse:
            run_mining(database, job.corpus, job.assistant, encoder, config, pulse.report)
    except LeaseLostError:
        return
    except TaskFlowError as error:
        finish(database, job.id, worker, str(error))
    else:
        finish(database, job.id, worker)


class _Pulse:
    """Keeps the lease alive from a thread of its own, whatever the mining is busy with."""

    def __init__(self, database: Database, job: int, worker: str) -> None:
        self._database, self._job, self._worker = database, job, worker
        self._progress = "started"
        self._stopped = threading.Event()
        self._lost = False
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def report(self, progress: str) -> None:
        self._progress = progress
        if self._lost or not self._beat():
            raise LeaseLostError("another worker has taken this job over")

    def _beat(self) -> bool:
        try:
            return heartbeat(self._database, self._job, self._worker, self._progress)
        except OperationalError:  # another writer holds the database for long; the lease is longer
            return True

    def _keep(self) -> None:
        while not self._stopped.wait(LEASE.total_seconds() / 4):
            self._lost = self._lost or not self._beat()
