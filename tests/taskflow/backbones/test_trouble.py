"""A server in trouble: what is told, whether trying again helps, and that nobody waits longer than they said."""

from __future__ import annotations

import gc
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from taskflow.backbones import GREEDY, BackboneError, Message, Request
from taskflow.backbones.engines.connection import Breaker, Connection
from taskflow.backbones.errors import (
    BrokenAnswerError,
    CancelledError,
    OffListError,
    OutOfTimeError,
    OverloadedError,
    RefusedError,
    UnreachableError,
)

from .small_server import running
from .test_contract import served_at
from .troubled_server import Handler, Script, Troubled, broken_off, dripping, half, no_json, says, silent, status, well

HELLO = (Message("user", "hello"),)


@pytest.fixture
def server() -> Iterator[Troubled]:
    with running(Troubled()) as started:
        yield started


@pytest.fixture
def backbone(server: Troubled):
    return served_at(server.url, dialect="chatml")


TROUBLE: dict[str, tuple[Script, type[BackboneError], bool]] = {
    "too much to do": (status(429), OverloadedError, True),
    "broken down": (status(500), UnreachableError, True),
    "starting": (status(503), UnreachableError, True),
    "refused": (status(400), RefusedError, False),
    "another key": (status(401), RefusedError, False),
    "no such model": (status(404), RefusedError, False),
    "half a stream": (half, BrokenAnswerError, True),
    "broken off": (broken_off, UnreachableError, True),
    "invalid JSON": (no_json, BrokenAnswerError, True),
    "a stream of another protocol": (lambda handler: handler.stream(["?"]), BrokenAnswerError, True),
}


@pytest.mark.parametrize("what", TROUBLE)
def test_each_trouble_is_told_with_a_remedy_and_whether_to_try_again(server, backbone, what):
    script, error, retryable = TROUBLE[what]
    server.script = [script]
    with pytest.raises(error) as told:
        backbone.answer(HELLO, Request(20, sampling=GREEDY))
    assert told.value.retryable is retryable
    assert ": " in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("what", ["too much to do", "broken down", "invalid JSON"])
def test_trouble_that_passes_is_not_noticed(server, backbone, what):
    server.script = [TROUBLE[what][0], well]
    assert backbone.complete(HELLO, 20) == "hello there"


def test_what_was_refused_is_not_asked_again(server, backbone):
    server.script = [status(400)]
    before = len(server.asked)
    with pytest.raises(RefusedError):
        backbone.complete(HELLO, 20)
    assert len(server.asked) == before + 1


def test_a_stream_that_has_begun_is_not_begun_again(server, backbone):
    server.script = [broken_off]
    before = len(server.asked)
    pieces = []
    with pytest.raises(UnreachableError):
        pieces.extend(backbone.stream(HELLO, Request(20, sampling=GREEDY)))
    assert len(server.asked) == before + 1


def test_nobody_waits_beyond_the_deadline(server, backbone):
    server.script = [silent]
    with pytest.raises((UnreachableError, OutOfTimeError)):
        backbone.answer(HELLO, Request(20, deadline=time.monotonic() + 0.3))
    server.script = [status(429, Retry_After="60")]
    with pytest.raises(OverloadedError) as told:
        backbone.answer(HELLO, Request(20, deadline=time.monotonic() + 5))
    assert told.value.after == 60


@pytest.mark.parametrize("ask", ["answer", "score"])
def test_signs_of_life_are_no_answer(server, backbone, ask):
    server.script = [dripping]
    started = time.monotonic()
    with pytest.raises((UnreachableError, OutOfTimeError)):
        if ask == "answer":
            backbone.answer(HELLO, Request(20, deadline=started + 0.3))
        else:
            backbone.score(HELLO, ["yes", "no"], deadline=started + 0.3)
    assert time.monotonic() - started < 4  # of the five for which the server drips


def test_waiting_to_try_again_ends_when_it_is_cancelled(server, backbone):
    server.script = [status(500)]
    cancelled = threading.Event()
    timer = threading.Timer(0.05, cancelled.set)
    timer.start()
    with pytest.raises(CancelledError):
        backbone.answer(HELLO, Request(20, cancelled=cancelled))
    timer.join()


def test_a_server_that_is_not_there_is_told_at_the_start():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(UnreachableError, match="check that it runs"):
        served_at(url)


def test_after_many_failures_the_server_is_left_alone(server, backbone):
    server.script = [status(500)]
    for _ in range(2):
        with pytest.raises(BackboneError):
            backbone.complete(HELLO, 20)
    asked = len(server.asked)
    with pytest.raises(OverloadedError, match="left alone"):
        backbone.answer(HELLO, Request(20, deadline=time.monotonic() + 1))
    assert len(server.asked) == asked


def test_after_the_rest_one_request_tries_and_success_ends_the_rest():
    breaker = Breaker(failures=2, rest=0.05)
    breaker.tell(failed=True)
    breaker.check()
    breaker.tell(failed=True)
    with pytest.raises(OverloadedError):
        breaker.check()
    time.sleep(0.06)
    breaker.check()
    with pytest.raises(OverloadedError):
        breaker.check()
    breaker.tell(failed=False)
    breaker.check()


@pytest.mark.parametrize("text", ["perhaps", "", "yes and no", "<think>\nyes"])
def test_an_answer_that_is_not_on_the_list_is_no_choice(server, backbone, text):
    server.script = [says(text)]
    with pytest.raises(OffListError, match="not one of 2 choices"):
        backbone.score(HELLO, ["yes", "no"])


@pytest.mark.parametrize("text", ["yes", " yes.", '"yes"', "<think>\n\n</think>\n\nyes"])
def test_an_answer_on_the_list_is_taken_with_what_stands_around_it(server, backbone, text):
    server.script = [says(text)]
    assert backbone.score(HELLO, ["no", "yes"]) == [0.0, 1.0]


def test_an_ignored_budget_is_found_out(server):
    """This server takes the field and thinks as long as ever: the two runs of the trial are the same."""
    server.script = [well]
    assert served_at(server.url, dialect="qwen3").capabilities.budget == "none"
    assert any("thinking_token_budget" in asked for asked in server.asked)


def test_no_more_requests_run_at_once_than_allowed(server):
    running_now, most, lock = 0, 0, threading.Lock()

    def counted(handler: Handler) -> None:
        nonlocal running_now, most
        with lock:
            running_now += 1
            most = max(most, running_now)
        time.sleep(0.02)
        with lock:
            running_now -= 1
        well(handler)

    backbone = served_at(server.url, dialect="chatml", concurrency=2)
    server.script = [counted]
    assert backbone.complete_all([HELLO] * 8, 20) == ["hello there"] * 8
    assert most <= 2


def test_a_connection_that_is_let_go_leaves_no_socket_open():
    class Lasting(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # the connection stays open for the next request

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            return None

    with running(ThreadingHTTPServer(("127.0.0.1", 0), Lasting)) as server:
        connection = Connection(f"http://127.0.0.1:{server.server_port}/v1", None, 5.0, 1)
        assert connection.get("/models") == {}
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", ResourceWarning)
            del connection
            gc.collect()
    assert [str(one.message) for one in told] == []
