"""The table of jobs is the queue: each job is done once, whatever becomes of its workers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from taskflow.store.jobs import MOST_ATTEMPTS, claim, enqueue, finish, heartbeat, list_jobs
from taskflow.store.schema import JobRow


@pytest.fixture
def worker_dies(database):
    """Time goes by and the leases of all running jobs run out."""

    def die():
        with database.write() as session:
            session.execute(
                update(JobRow)
                .where(JobRow.status == "running")
                .values(lease_until=datetime.now(UTC) - timedelta(seconds=1))
            )

    return die


def states(database):
    return [(job.id, job.status) for job in reversed(list_jobs(database))]


def test_a_job_is_claimed_reported_and_done(database):
    assert claim(database, "ann") is None
    key = enqueue(database, "support", "helper")
    job = claim(database, "ann")
    assert (job.id, job.corpus, job.assistant, job.status, job.attempts) == (key, "support", "helper", "running", 1)
    assert heartbeat(database, key, "ann", "half done")
    assert [job.progress for job in list_jobs(database)] == ["half done"]
    finish(database, key, "ann")
    assert states(database) == [(key, "done")]
    assert claim(database, "ann") is None


def test_a_job_that_waits_is_not_asked_for_twice(database):
    key = enqueue(database, "support", "helper")
    assert enqueue(database, "support", "helper") == key
    assert enqueue(database, "support", "other") != key
    claim(database, "ann")
    assert enqueue(database, "support", "helper") != key, "one that runs may have missed what was imported since"


def test_asking_at_once_makes_one_job(database):
    with ThreadPoolExecutor(4) as threads:
        keys = set(threads.map(lambda _: enqueue(database, "support", "helper"), range(12)))
    assert states(database) == [(key, "waiting") for key in keys]


def test_the_oldest_goes_first_and_one_of_a_corpus_at_a_time(database):
    first, second = enqueue(database, "support", "one"), enqueue(database, "support", "two")
    third = enqueue(database, "sales", "one")
    assert claim(database, "ann").id == first
    assert claim(database, "bob").id == third
    assert claim(database, "cem") is None
    finish(database, first, "ann")
    assert claim(database, "cem").id == second


def test_workers_at_once_never_take_the_same_job(database):
    keys = [enqueue(database, f"corpus{number}", "one") for number in range(12)]

    def take_all(worker):
        taken = []
        while len(taken) < len(keys) and any(status == "waiting" for _, status in states(database)):
            job = claim(database, worker)
            if job is not None:
                taken.append(job.id)
        return taken

    with ThreadPoolExecutor(4) as threads:
        taken = list(threads.map(take_all, ["ann", "bob", "cem", "dee"]))
    assert sorted(job for some in taken for job in some) == keys


def test_a_lease_that_ran_out_is_taken_over(database, worker_dies):
    key = enqueue(database, "support", "helper")
    claim(database, "ann")
    assert claim(database, "bob") is None
    worker_dies()
    job = claim(database, "bob")
    assert (job.id, job.attempts) == (key, 2)


def test_who_lost_a_job_is_told_and_can_no_longer_end_it(database, worker_dies):
    key = enqueue(database, "support", "helper")
    claim(database, "ann")
    worker_dies()
    claim(database, "bob")
    assert not heartbeat(database, key, "ann", "still at it")
    finish(database, key, "ann", "too late")
    assert states(database) == [(key, "running")]
    assert heartbeat(database, key, "bob", "going on")
    finish(database, key, "bob")
    assert not heartbeat(database, key, "bob", "after the end")


def test_a_late_heartbeat_keeps_a_job_that_nobody_took(database, worker_dies):
    key = enqueue(database, "support", "helper")
    claim(database, "ann")
    worker_dies()
    assert heartbeat(database, key, "ann", "slow")
    assert claim(database, "bob") is None


def test_a_job_that_kills_its_workers_is_given_up(database, worker_dies):
    key = enqueue(database, "support", "helper")
    for attempt in range(1, MOST_ATTEMPTS + 1):
        assert claim(database, f"worker {attempt}").attempts == attempt
        worker_dies()
    assert claim(database, "ann") is None
    (job,) = list_jobs(database)
    assert (job.id, job.status, job.error) == (key, "failed", "its worker died 3 times: look at the worker's output")


def test_a_failed_job_tells_why_and_may_be_asked_for_again(database):
    key = enqueue(database, "support", "helper")
    claim(database, "ann")
    finish(database, key, "ann", "no corpus is called 'support'")
    (job,) = list_jobs(database)
    assert (job.status, job.error) == ("failed", "no corpus is called 'support'")
    again = enqueue(database, "support", "helper")
    assert claim(database, "ann").id == again


def test_jobs_are_listed_newest_first_and_by_corpus(database):
    keys = [enqueue(database, corpus, "one") for corpus in ("support", "sales", "returns")]
    assert [job.id for job in list_jobs(database)] == keys[::-1]
    assert [job.id for job in list_jobs(database, "sales")] == [keys[1]]


def test_workers_at_once_never_take_two_jobs_of_one_corpus(database):
    for number in range(6):
        enqueue(database, "support", f"assistant {number}")
    with ThreadPoolExecutor(4) as threads:
        taken = [
            job for job in threads.map(lambda worker: claim(database, worker), ["ann", "bob", "cem", "dee"]) if job
        ]
    assert len(taken) == 1
