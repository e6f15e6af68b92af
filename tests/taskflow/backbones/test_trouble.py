"""A server in trouble: what is told, whether trying again helps, and that nobody waits longer than they said."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from taskflow.backbones import GREEDY, BackboneError, Message, Request
from taskflow.backbones.engines.connection import Breaker
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

HELLO = (Message("user", "hello"),)
Script = Callable[["Handler"], None]


class Troubled(ThreadingHTTPServer):
    """Answers well until it is given a script; then each request takes the next of it, and the last one again."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[Script] = []
        self.asked: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def next(self) -> Script:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0] if self.script else well


class Handler(BaseHTTPRequestHandler):
    server: Troubled

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self.send({"data": [{"id": "tiny", "owned_by": "someone"}]})

    def do_POST(self) -> None:
        self.body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(self.body)
        self.server.next()(self)

    def send(self, body: object, status: int = 200, **headers: str) -> None:
        self.send_raw(json.dumps(body).encode(), status, **headers)

    def send_raw(self, data: bytes, status: int = 200, kind: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def stream(self, *events: object, done: bool = True) -> None:
        lines = [f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n" for event in events]
        self.send_raw("".join([*lines, "data: [DONE]\n\n" if done else ""]).encode(), kind="text/event-stream")


def piece(text: str, finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "text": text, "finish_reason": finish}]}


def well(handler: Handler) -> None:
    if handler.body.get("stream"):
        handler.stream(piece("hello "), piece("there", "stop"))
    else:
        handler.send({"choices": [{"index": 0, "message": {"content": "hello"}, "text": "x", "finish_reason": "stop"}]})


def status(code: int, **headers: str) -> Script:
    return lambda handler: handler.send({"error": {"message": "no"}}, code, **headers)


def half(handler: Handler) -> None:
    handler.stream(piece("hel"), done=False)


def broken_off(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Content-Length", "9999")
    handler.end_headers()
    handler.wfile.write(b"data: " + json.dumps(piece("hel")).encode() + b"\n\n")
    handler.wfile.flush()
    handler.connection.shutdown(socket.SHUT_RDWR)


def no_json(handler: Handler) -> None:
    handler.stream("{nope")


def silent(handler: Handler) -> None:
    time.sleep(1.5)
    well(handler)


def says(text: str) -> Script:
    return lambda handler: handler.stream(piece(text, "stop"))


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
