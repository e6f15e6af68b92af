"""Live conversations: each turn is one transaction, taken once, by one writer."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias, TypeVar

from runtime.bound_calls import BoundCalls, answers
from runtime.calls import Calls
from runtime.claims import Claim, SupersededError
from runtime.config import RuntimeConfig
from runtime.events import Event, heard, messages
from runtime.generation import Generator
from runtime.migration import migrate
from runtime.outfit import Outfit
from runtime.state import ConversationState, Frame
from runtime.turn import Said, Turn
from runtime.versions import Versions
from runtime.waiting import Incoming, Queue, WaitingRoom, together
from runtime.walk import Ending, Means, Walk
from taskflow.backbones import Backbone
from taskflow.encoders import Encoder
from taskflow.errors import TaskFlowError
from taskflow.model import FlowId, NodeId, Speaker
from taskflow.store import Database
from taskflow.store.conversations import (
    ConversationStatus,
    NewEvent,
    Snapshot,
    StoredEvent,
    commit_turn,
    new_id,
    read,
    read_events,
    read_to_answer,
    silent_since,
    start,
    turn_of_message,
)
from taskflow.store.traffic import assigned, serving_of

MOST_CHARACTERS = 4_000
_LONGEST_PAYLOAD = 64  # none that was offered is as long
_TRIES = 50  # to be the one writer of a turn
_Found = TypeVar("_Found")


class ConversationError(TaskFlowError):
    """A message that cannot be taken; `status` is the HTTP status that says so."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


_Change: TypeAlias = tuple[ConversationState, list[NewEvent], Ending]


class DialogueManager:
    """Serves the conversations of every published assistant; may be used from several threads and processes."""

    def __init__(
        self,
        database: Database,
        encoder: Encoder,
        config: RuntimeConfig,
        backbone: Backbone | None = None,
        calls: Calls | BoundCalls | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.outfit = Outfit(database, encoder, config, backbone)
        self._database = database
        self._config = config
        self._clock = clock
        patterns = {kind.value: re.compile(pattern) for kind, pattern in config.patterns.items()}
        generator = Generator(encoder, backbone if config.wording == "backbone" else None)
        self._means = Means(config, patterns, answers(calls), generator)
        self._versions = Versions(database, encoder, config.understanding, backbone)
        self._waiting = WaitingRoom()

    def start(self, assistant: str, customer: str | None = None) -> str:
        """Begin a conversation with one of the published versions that have a share; returns its id."""
        conversation_id = new_id()
        version_id = assigned(serving_of(self._database, assistant), conversation_id)
        self._versions.served(version_id)
        return start(self._database, version_id, customer, conversation_id)

    def events(self, conversation_id: str, after: int = -1) -> list[Event]:
        """The messages with an offset above `after`, and what was said while a call took long."""
        self._snapshot(conversation_id)
        return heard(read_events(self._database, conversation_id, after))

    def explanation(self, conversation_id: str) -> list[StoredEvent]:
        """Everything that happened: what was understood and why, calls, repairs, handoffs, messages."""
        self._snapshot(conversation_id)
        return read_events(self._database, conversation_id)

    def state(self, conversation_id: str) -> ConversationState:
        return ConversationState.from_json(self._snapshot(conversation_id).state)

    def reply(
        self,
        conversation_id: str,
        client_message_id: str,
        text: str,
        choice: str | None = None,
        attachments: tuple[str, ...] = (),
    ) -> list[Event]:
        """The customer's message as an event, then the replies; the same again for a message sent again.

        `choice` is the payload of a button that was offered last. A message that comes while another of the
        conversation is being answered waits for it.
        """
        pressed = None if choice is None else _storable(choice)[:_LONGEST_PAYLOAD]
        incoming = Incoming(client_message_id, Said(_checked(text), self._clock(), pressed, attachments))
        with self._waiting.queue(conversation_id) as queue:
            queue.add(incoming)
            try:
                with queue.lock:
                    if incoming.events is None:
                        self._answer(conversation_id, queue)
            finally:
                queue.remove(incoming)
        return incoming.events or self.reply(conversation_id, client_message_id, text, choice, attachments)

    def speak_for(self, conversation_id: str, by: str, text: str) -> list[Event]:
        """A service agent's own message; the assistant is silent as long as the conversation is theirs."""
        said = NewEvent("message", {"speaker": Speaker.AGENT.value, "text": _checked(text), "by": by})
        return self._changed(
            conversation_id,
            lambda state, _: (state.heard("agent", text), [said], Ending(ConversationStatus.HANDED_OFF)),
        )

    def hand_back(self, conversation_id: str, node_id: NodeId | None = None, by: str = "") -> list[Event]:
        """The assistant goes on: at a node of a flow, whose question it asks, or where it stood."""
        before = self._snapshot(conversation_id)
        assistant = self._versions.served(before.version_id).assistant
        places = {node.id: flow.id for flow in assistant.flows for node in flow.nodes}
        if node_id is not None and node_id not in places:
            raise ConversationError(f"there is no node {node_id!r} in this version: choose one of its flows", 400)

        def back(state: ConversationState, claiming: Claim) -> _Change:
            event = NewEvent("handed_back", {"node": node_id, "by": by})
            if node_id is None:
                return state, [event], Ending(ConversationStatus.OPEN)
            walk = Walk(self._versions.served(before.version_id), self._means, "", claiming)
            state = walk.begin(_at(state, places[node_id], node_id))
            return state, [event, *walk.events], walk.ending or Ending(ConversationStatus.OPEN)

        return self._changed(conversation_id, back)

    def close(self, conversation_id: str, outcome: str) -> None:
        """End a conversation for a reason, as a service agent does."""
        event = NewEvent("closed", {"outcome": outcome})
        self._changed(conversation_id, lambda state, _: (state, [event], Ending(ConversationStatus.CLOSED, outcome)))

    def close_silent(self) -> int:
        """Close the conversations whose customers have gone; returns how many."""
        gone = silent_since(self._database, self._clock() - timedelta(minutes=self._config.silence_minutes))
        for conversation_id in gone:
            self.close(conversation_id, "abandoned")
        return len(gone)

    def _answer(self, conversation_id: str, queue: Queue) -> None:
        """Answer the message that has waited longest, together with those that came meanwhile."""
        batch = queue.take([])
        for attempt in range(_TRIES):
            before, batch = self._to_answer(conversation_id, batch)
            if not batch:
                return
            self._check_open(before)
            try:
                batch, done = self._turn(before, batch, queue)
            except SupersededError:
                done = None
            if done:
                for incoming in batch:
                    incoming.events = messages(done)
                return
            # Another process wrote a turn first: this one answers what that one left.
            time.sleep(random.uniform(0, 0.01 * (attempt + 1)))  # noqa: S311 - spreads writers, keeps no secret
        raise ConversationError("the conversation is busy: send the message again", 503)

    def _turn(
        self, before: Snapshot, batch: list[Incoming], queue: Queue
    ) -> tuple[list[Incoming], list[StoredEvent] | None]:
        state = ConversationState.from_json(before.state)
        if before.status is ConversationStatus.HANDED_OFF:
            for incoming in batch:
                state = state.heard(Speaker.USER.value, incoming.said.text)
            return batch, commit_turn(self._database, before, state.to_json(), _said(batch))
        version_id, state, moved = self._on_served(before, state)
        claiming = Claim(self._database, before)
        with claiming:
            while True:
                turn = Turn(self._versions.served(version_id), self._means, together(batch), claiming)
                after = turn.run(state)
                more = batch if claiming.taken else queue.take(batch)
                if len(more) == len(batch):
                    break
                batch = more  # nothing is said yet and nothing done: think again, of all of them
            events = [*_said(batch), *moved, *turn.events]
            changes = _changes(turn.ending or Ending(ConversationStatus.OPEN)) | {"version_id": version_id}
            done = commit_turn(self._database, claiming.before, after.to_json(), events, claiming.writer, changes)
        return batch, done

    def _to_answer(self, conversation_id: str, batch: list[Incoming]) -> tuple[Snapshot, list[Incoming]]:
        """The conversation, and the messages that were not answered before, or meanwhile by another process."""
        found = read_to_answer(self._database, conversation_id, [one.client_message_id for one in batch])
        before, answered = _there(found)
        for incoming in batch:
            if incoming.client_message_id in answered:
                done = turn_of_message(self._database, conversation_id, incoming.client_message_id)
                incoming.events = messages(done)
        return before, [incoming for incoming in batch if incoming.events is None]

    def _on_served(self, before: Snapshot, state: ConversationState) -> tuple[int, ConversationState, list[NewEvent]]:
        """The version that serves the conversation now, and the state moved there."""
        serving = self._versions.now_serving(before.version_id, before.id)
        if serving == before.version_id:
            return serving, state, []
        old, new = self._versions.served(before.version_id).assistant, self._versions.served(serving).assistant
        event = NewEvent("moved", {"from": before.version_id, "to": serving})
        return serving, migrate(state, old, new), [event]

    def _check_open(self, before: Snapshot) -> None:
        """A conversation that ended long ago is over; one that ended lately goes on."""
        age = self._clock() - before.updated_at
        if before.status is ConversationStatus.CLOSED and age > timedelta(hours=self._config.reopen_hours):
            raise ConversationError("this conversation is closed: start a new one", 409)

    def _changed(self, conversation_id: str, change: Callable[[ConversationState, Claim], _Change]) -> list[Event]:
        """Write what a person, not the customer, does to a conversation."""
        for _ in range(_TRIES):
            before = self._snapshot(conversation_id)
            claiming = Claim(self._database, before)
            with suppress(SupersededError), claiming:
                state, events, ending = change(ConversationState.from_json(before.state), claiming)
                written = claiming.before, state.to_json(), events, claiming.writer, _changes(ending)
                done = commit_turn(self._database, *written)
                if done is not None:
                    return messages(done)
            time.sleep(0.01)
        raise ConversationError("the conversation is busy: try again", 503)

    def _snapshot(self, conversation_id: str) -> Snapshot:
        return _there(read(self._database, conversation_id))


def _there(found: _Found | None) -> _Found:
    if found is None:
        raise ConversationError("there is no such conversation: start a new one", 404)
    return found


def _said(batch: Sequence[Incoming]) -> list[NewEvent]:
    """The customers' messages as events; one that came twice is one."""
    found: dict[str, NewEvent] = {}
    for incoming in batch:
        said = incoming.said
        told: dict[str, Any] = {"speaker": Speaker.USER.value, "text": said.text}
        told |= {"choice": said.choice} if said.choice is not None else {}
        told |= {"attachments": list(said.attachments)} if said.attachments else {}
        found.setdefault(incoming.client_message_id, NewEvent("message", told, incoming.client_message_id))
    return list(found.values())


def _checked(text: str) -> str:
    text = _storable(text).strip()
    if not text:
        raise ConversationError("the message is empty: write something", 400)
    if len(text) > MOST_CHARACTERS:
        raise ConversationError(f"the message has {len(text):,} characters: shorten it to {MOST_CHARACTERS:,}", 413)
    return text


def _storable(text: str) -> str:
    """Without what no database keeps as text: NUL, and halves of characters."""
    return text.replace("\x00", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _changes(ending: Ending) -> dict[str, Any]:
    changes: dict[str, Any] = {"status": ending.status.value}
    changes |= {} if ending.outcome is None else {"outcome": ending.outcome}
    return changes | ({} if ending.satisfaction is None else {"satisfaction": ending.satisfaction})


def _at(state: ConversationState, flow_id: FlowId, node_id: NodeId) -> ConversationState:
    below = tuple(frame for frame in state.frames if frame.flow_id != flow_id)
    frame = next((frame for frame in state.frames if frame.flow_id == flow_id), Frame(flow_id, node_id))
    return replace(state, frames=(*below, frame.at(node_id)), beliefs=(), failures=0)
