"""Live conversations: each turn is one transaction, taken once, by one writer."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from runtime.calls import Calls
from runtime.config import RuntimeConfig
from runtime.generation import Generator
from runtime.tracking import ConversationState
from runtime.turn import Served, Turn
from runtime.understanding import Understander
from taskflow.backbones import Backbone
from taskflow.encoders import Encoder
from taskflow.errors import TaskFlowError
from taskflow.model import Evidence, Speaker
from taskflow.replay import Replay
from taskflow.store import Database
from taskflow.store.assistants import load_version, published_id
from taskflow.store.conversations import (
    NewEvent,
    Snapshot,
    StoredEvent,
    commit_turn,
    read,
    read_events,
    start,
    turn_of_message,
)
from taskflow.store.indexes import build_index

MOST_CHARACTERS = 4_000
_TRIES = 50  # to be the one writer of a turn


class ConversationError(TaskFlowError):
    """A message that cannot be taken; `status` is the HTTP status that says so."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Event:
    """A message of a conversation; the assistant's carries the node that it came from and the evidence for it."""

    offset: int
    turn: int
    kind: str
    speaker: str
    text: str
    client_message_id: str | None
    flow: str | None
    node: str | None
    action: str | None
    evidence: tuple[Evidence, ...]
    handoff: bool
    at: datetime


class DialogueManager:
    """Serves the conversations of every published assistant; may be used from several threads."""

    def __init__(
        self,
        database: Database,
        encoder: Encoder,
        config: RuntimeConfig,
        backbone: Backbone | None = None,
        calls: Calls | None = None,
    ) -> None:
        self._database = database
        self._encoder = encoder
        self._config = config
        self._calls = calls
        self._chooser = backbone if config.understanding == "backbone" else None
        self._generator = Generator(encoder, backbone if config.wording == "backbone" else None)
        self._versions: dict[int, Served] = {}
        self._lock = threading.Lock()

    def start(self, assistant: str) -> str:
        """Begin a conversation with the newest published version; returns its id."""
        version_id = published_id(self._database, assistant)
        self._served(version_id)
        return start(self._database, version_id)

    def events(self, conversation_id: str, after: int = -1) -> list[Event]:
        """The messages with an offset above `after`."""
        self._snapshot(conversation_id)
        return _messages(read_events(self._database, conversation_id, after))

    def reply(self, conversation_id: str, client_message_id: str, text: str) -> list[Event]:
        """The customer's message as an event, then the replies; the same again for a message sent again."""
        text = text.replace("\x00", "").strip()
        if not text:
            raise ConversationError("the message is empty: write something", 400)
        if len(text) > MOST_CHARACTERS:
            raise ConversationError(f"the message has {len(text):,} characters: shorten it to {MOST_CHARACTERS:,}", 413)
        for attempt in range(_TRIES):
            before = self._snapshot(conversation_id)
            done = turn_of_message(self._database, conversation_id, client_message_id)
            if not done:
                state, events = self._turn(before, client_message_id, text)
                done = commit_turn(self._database, before, state.to_json(), events) or []
            if done:
                return _messages(done)
            # Another message of this conversation was first: this one answers what that one left.
            time.sleep(random.uniform(0, 0.01 * (attempt + 1)))  # noqa: S311 - spreads writers, keeps no secret
        raise ConversationError("the conversation is busy: send the message again", 503)

    def _turn(self, before: Snapshot, client_message_id: str, text: str) -> tuple[ConversationState, list[NewEvent]]:
        state = ConversationState.from_json(before.state)
        said = NewEvent("message", {"speaker": Speaker.USER.value, "text": text}, client_message_id)
        if state.handed_off:
            return state, [said]
        turn = Turn(self._served(before.version_id), self._config, self._calls, self._generator, text)
        return turn.run(state), [said, *turn.events]

    def _snapshot(self, conversation_id: str) -> Snapshot:
        found = read(self._database, conversation_id)
        if found is None:
            raise ConversationError("there is no such conversation: start a new one", 404)
        return found

    def _served(self, version_id: int) -> Served:
        with self._lock:
            if version_id not in self._versions:
                version = load_version(self._database, version_id)
                index = build_index(self._database, version, self._encoder, Speaker.USER)
                self._versions[version_id] = Served(
                    version.assistant,
                    Replay(version.assistant),
                    Understander(version.assistant, index, self._encoder, self._config.accept, self._chooser),
                )
            return self._versions[version_id]


def _messages(events: list[StoredEvent]) -> list[Event]:
    return list(_each_message(events))


def _each_message(events: list[StoredEvent]) -> Iterator[Event]:
    for event in events:
        if event.kind == "message":
            told = event.payload
            yield Event(
                offset=event.offset,
                turn=event.turn,
                kind=event.kind,
                speaker=told["speaker"],
                text=told["text"],
                client_message_id=event.client_message_id,
                flow=told.get("flow"),
                node=told.get("node"),
                action=told.get("action"),
                evidence=tuple(Evidence(dialogue_id, turn) for dialogue_id, turn in told.get("evidence", [])),
                handoff=bool(told.get("handoff")),
                at=event.at,
            )
