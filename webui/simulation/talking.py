"""A conversation from its first message to its end, with whoever answers: over HTTP, or a peer in this process."""

from __future__ import annotations

import json
import struct
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import urllib3

from taskflow.errors import TaskFlowError
from webui.openapi import API
from webui.simulation.customers import Left, Message, Said, Scripted

_TRIES = 8
_PATIENCE = 60.0  # seconds for an answer
_LATER = (429, 503)


class ConversationFailedError(TaskFlowError):
    """The server does not answer as the API promises."""


class Partner(Protocol):
    """Who answers one customer, for one conversation."""

    def say(self, said: Said) -> Sequence[Message]: ...


@dataclass(frozen=True, slots=True)
class Turn:
    """What she said at `at`, what came back, and what she understood of it."""

    said: Said
    at: datetime
    reply: tuple[Message, ...]
    heard: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Talk:
    turns: tuple[Turn, ...]
    left: Left
    known: frozenset[str]

    @property
    def is_handed_over(self) -> bool:
        return any(message.handoff for turn in self.turns for message in turn.reply)


def talk(customer: Scripted, partner: Partner, ended: threading.Event) -> Talk | None:
    """Let her talk until she leaves; None where everything was `ended` meanwhile."""
    turns: list[Turn] = []
    said: Said | None = customer.opens()
    while said is not None:
        if ended.is_set():
            return None
        at = datetime.now(UTC)
        reply = tuple(partner.say(said))
        following = customer.answers(reply)
        turns.append(Turn(said, at, reply, tuple(customer.heard)))
        said = following
    return Talk(tuple(turns), customer.left or Left.SERVED, frozenset(customer.known))


class Server:
    """A TaskFlow server's chat API; used from many threads."""

    def __init__(self, address: str, assistant: str) -> None:
        self._address = f"{address.rstrip('/')}{API}/conversations"
        self._assistant = assistant
        self._pool = urllib3.PoolManager(maxsize=64, retries=False, timeout=_PATIENCE)

    def begin(self) -> Conversation:
        begun = self.ask("", {"assistant": self._assistant, "customer": "simulated"}, "")
        return Conversation(self, begun["conversation"], begun["token"])

    def ask(self, path: str, body: dict[str, Any] | bytes, token: str) -> Any:
        """Post; again, with patience, where the server is busy. Raises ConversationFailedError."""
        is_json = not isinstance(body, bytes)
        sent = json.dumps(body).encode() if not isinstance(body, bytes) else body
        headers = {"Content-Type": "application/json" if is_json else "image/png"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        for attempt in range(_TRIES):
            try:
                answer = self._pool.request("POST", self._address + path, body=sent, headers=headers)
            except urllib3.exceptions.HTTPError as error:
                raise ConversationFailedError(
                    f"{self._address} does not answer ({type(error).__name__}): start it with 'taskflow serve'"
                ) from error
            if answer.status < 300:
                return answer.json()
            if answer.status not in _LATER:
                break
            time.sleep(float(answer.headers.get("Retry-After", 0.2 * 2**attempt)))
        told = answer.data.decode("utf-8", "replace")[:200]
        raise ConversationFailedError(f"{self._address}{path} answered {answer.status}: {told}")


class Conversation:
    """One conversation over HTTP."""

    def __init__(self, server: Server, conversation_id: str, token: str) -> None:
        self._server = server
        self._path = f"/{conversation_id}"
        self._token = token
        self._said = 0

    def say(self, said: Said) -> Sequence[Message]:
        self._said += 1
        body: dict[str, Any] = {"client_message_id": f"said-{self._said}", "text": said.text}
        if said.choice is not None:
            body["choice"] = said.choice
        if said.photo:
            body["attachments"] = [self._server.ask(f"{self._path}/attachments", _PHOTO, self._token)["attachment"]]
        told = self._server.ask(f"{self._path}/messages", body, self._token)["events"]
        return [
            Message(
                event["text"],
                tuple((choice["label"], choice["payload"]) for choice in event["choices"]),
                event["handoff"],
            )
            for event in told
            if event["speaker"] == "agent"
        ]


def _png() -> bytes:
    """A gray dot: what customers send is looked at by people."""
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\x00\x7f")),
        (b"IEND", b""),
    )
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


_PHOTO = _png()
Begin = Callable[[], Partner]
