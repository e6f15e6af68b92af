"""Workers are processes that die: what one began, another ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from taskflow.sample import sample_path
from taskflow.store.assistants import load_draft
from taskflow.store.jobs import Job, enqueue, list_jobs
from taskflow.store.runs import list_runs
from taskflow.store.schema import JobRow

_PATIENCE = 120  # seconds


@contextmanager
def started(url: str, folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", "from taskflow.cli import main; main()", "worker", *options]
    environment = os.environ | {"TASKFLOW_DATABASE_URL": url, "NO_COLOR": "1"}
    with subprocess.Popen(command, env=environment, cwd=folder, stderr=subprocess.PIPE, text=True) as worker:
        try:
            yield worker
        finally:
            worker.kill()


def until_running(database, worker: subprocess.Popen[str]) -> Job:
    """The job once its worker tells more than that it started."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        (job,) = list_jobs(database)
        if job.status == "running" and job.progress:
            return job
        assert worker.poll() is None, worker.stderr.read()
        time.sleep(0.02)
    pytest.fail("no worker took the job")


@pytest.fixture
def corpus(cli, database_url):
    done = cli("import", str(sample_path("after-sale.en.jsonl.gz")), "--corpus", "c", database=database_url)
    assert done.returncode == 0, done.stderr
    return "c"


def test_the_job_of_a_killed_worker_is_ended_by_another(database, database_url, corpus, tmp_path):
    key = enqueue(database, corpus, "helper")
    with started(database_url, tmp_path) as first:
        assert until_running(database, first).attempts == 1
        first.send_signal(signal.SIGKILL)
        first.wait()
    (job,) = list_jobs(database)
    assert (job.status, list_runs(database)) == ("running", []), "nothing is half written"

    with database.write() as session:  # the lease runs out
        session.execute(update(JobRow).values(lease_until=datetime.now(UTC) - timedelta(seconds=1)))
    with started(database_url, tmp_path, "--until-empty") as second:
        _, told = second.communicate(timeout=_PATIENCE)
        assert second.returncode == 0, told
    (job,) = list_jobs(database)
    assert (job.id, job.status, job.error, job.attempts) == (key, "done", None, 2)
    (run,) = list_runs(database)
    assert (run.corpus, run.assistant) == (corpus, "helper")
    assert len(load_draft(database, "helper").assistant.flows) == run.figures["flows"]


def test_two_workers_share_the_queue(cli, database, database_url, corpus, tmp_path):
    again = cli("import", str(sample_path("after-sale.en.held.jsonl.gz")), "--corpus", "d", database=database_url)
    assert again.returncode == 0, again.stderr
    for name in (corpus, "d", corpus):
        enqueue(database, name, f"helper-{len(list_jobs(database))}")
    options = "--until-empty"
    with started(database_url, tmp_path, options) as one, started(database_url, tmp_path, options) as other:
        told = [worker.communicate(timeout=_PATIENCE)[1] for worker in (one, other)]
    # One that found no job of a free corpus has gone; what is left waits for the next.
    with started(database_url, tmp_path, options) as last:
        told.append(last.communicate(timeout=_PATIENCE)[1])
    assert [(job.status, job.error, job.attempts) for job in list_jobs(database)] == [("done", None, 1)] * 3, told
    assert len(list_runs(database)) == 3
