"""An HTTP server that gets into trouble by a script."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Script = Callable[["Handler"], None]


class Troubled(ThreadingHTTPServer):
    """Answers well until it is given a script; then each request takes the next of it, and the last one again."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.over = threading.Event()
        self.script: list[Script] = []
        self.asked: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def server_close(self) -> None:
        self.over.set()
        super().server_close()

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
    handler.server.over.wait(1.5)
    with suppress(OSError):
        well(handler)


def dripping(handler: Handler) -> None:
    """Blank lines and comments, with which servers keep a connection open, and nothing else."""
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream" if handler.body.get("stream") else "application/json")
    handler.send_header("Content-Length", "99999")
    handler.end_headers()
    with suppress(OSError):
        for _ in range(100):
            handler.wfile.write(b": still here\n\n" if handler.body.get("stream") else b"\n")
            if handler.server.over.wait(0.05):
                return


def says(text: str) -> Script:
    return lambda handler: handler.stream(piece(text, "stop"))
