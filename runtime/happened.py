"""What happened in one step of a conversation: replies, repairs, calls, and how it stands afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from runtime.dialogue_manager import DialogueManager
from runtime.events import Event, OfferedChoice, messages
from runtime.state import ConversationState
from taskflow.store import Database
from taskflow.store.conversations import ConversationStatus, StoredEvent, read


@dataclass(frozen=True, slots=True)
class Happened:
    events: Sequence[StoredEvent]
    state: ConversationState = field(default_factory=ConversationState)
    status: ConversationStatus = ConversationStatus.OPEN

    @property
    def replies(self) -> list[Event]:
        """The assistant's own."""
        return [event for event in messages(self.events) if event.speaker == "agent" and event.by is None]

    @property
    def choices(self) -> tuple[OfferedChoice, ...]:
        return next((reply.choices for reply in reversed(self.replies) if reply.choices), ())

    @property
    def calls(self) -> list[tuple[str, str]]:
        return [(told["name"], told["outcome"]) for told in self._told("call")]

    @property
    def repairs(self) -> list[str]:
        return [told["repair"] for told in self._told("repair")]

    @property
    def nodes(self) -> set[str]:
        """Where messages were placed, and what nodes were said."""
        placed = {told["node"] for told in self._told("understood") if "node" in told}
        return placed | {reply.node for reply in self.replies if reply.node is not None}

    @property
    def why(self) -> list[str]:
        """The turns' explanations, one line each."""
        return [
            *(_explained(told) for told in self._told("understood")),
            *(f"handed off: {told['reason']}" for told in self._told("handoff")),
        ]

    def _told(self, kind: str) -> list[dict[str, Any]]:
        return [event.payload for event in self.events if event.kind == kind]


def happened_since(database: Database, manager: DialogueManager, conversation: str, offset: int) -> Happened:
    """What a conversation holds from an offset on."""
    events = [event for event in manager.explanation(conversation) if event.offset >= offset]
    snapshot = read(database, conversation)
    status = ConversationStatus.OPEN if snapshot is None else snapshot.status
    return Happened(events, manager.state(conversation), status)


def _explained(told: dict[str, Any]) -> str:
    said = f"taken as {told['level']}" + (f", at {told['node']}" if "node" in told else "")
    candidates = [f"{one['action']} {one['probability']:.2f}" for one in told.get("candidates", [])[:3]]
    places = [f"{one['node']} {one['probability']:.2f} of {one['needed']:.2f}" for one in told.get("places", [])[:3]]
    if candidates:
        said += f"; may be: {', '.join(candidates)}; nothing known {told['outside']:.2f}"
    return said + (f"; places: {', '.join(places)}" if places else "")
