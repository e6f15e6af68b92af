"""What a conversation looks like from outside: its messages, as they are sent and read again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from taskflow.model import Evidence, Speaker
from taskflow.store.conversations import StoredEvent


@dataclass(frozen=True, slots=True)
class OfferedChoice:
    """A button: `payload` is what its press sends."""

    label: str
    payload: str


@dataclass(frozen=True, slots=True)
class Event:
    """A message of a conversation, or a word in between, of the kind `waiting`.

    The assistant's carries the node that it came from and the evidence for it. `by` names the person who wrote it,
    where it was not the assistant; `attachments` are the ids of the customer's photos.
    """

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
    choices: tuple[OfferedChoice, ...] = ()
    by: str | None = None
    attachments: tuple[str, ...] = ()


def messages(events: Sequence[StoredEvent]) -> list[Event]:
    return [event for event in heard(events) if event.kind == "message"]


def heard(events: Sequence[StoredEvent]) -> list[Event]:
    """The messages, and what a customer is told while a call takes long."""
    return list(_each(events))


def _each(events: Sequence[StoredEvent]) -> Iterator[Event]:
    for event in events:
        if event.kind in ("message", "waiting"):
            told = event.payload
            yield Event(
                offset=event.offset,
                turn=event.turn,
                kind=event.kind,
                speaker=told.get("speaker", Speaker.AGENT.value),
                text=told["text"],
                client_message_id=event.client_message_id,
                flow=told.get("flow"),
                node=told.get("node"),
                action=told.get("action"),
                evidence=tuple(Evidence(dialogue_id, turn) for dialogue_id, turn in told.get("evidence", [])),
                handoff=bool(told.get("handoff")),
                at=event.at,
                choices=tuple(OfferedChoice(one["label"], one["payload"]) for one in told.get("choices", [])),
                by=told.get("by"),
                attachments=tuple(told.get("attachments", ())),
            )
