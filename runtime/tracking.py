"""Where a conversation stands on the assistant's TaskFlows, and where a message moves it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from runtime.understanding import Understanding
from taskflow.model import FlowId, NodeId
from taskflow.replay import Belief, Position, Replay
from taskflow.retrieval import Match


@dataclass(frozen=True, slots=True)
class ConversationState:
    """A bounded snapshot: no history, only what the next turn needs."""

    position: Position | None = None
    fields: dict[str, str] = field(default_factory=dict)
    last_reply: str | None = None
    misunderstood: int = 0
    handed_off: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "position": None if self.position is None else list(self.position),
            "fields": self.fields,
            "last_reply": self.last_reply,
            "misunderstood": self.misunderstood,
            "handed_off": self.handed_off,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> ConversationState:
        if not value:
            return cls()
        position = value["position"]
        return cls(
            None if position is None else (FlowId(position[0]), NodeId(position[1])),
            value["fields"],
            value["last_reply"],
            value["misunderstood"],
            value["handed_off"],
        )


@dataclass(frozen=True, slots=True)
class Tracked:
    """The state after a message was placed, and the match that placed it; no match: it was not understood."""

    state: ConversationState
    match: Match | None


def track(state: ConversationState, understanding: Understanding, replay: Replay) -> Tracked:
    """P(position | message) ∝ P(position | where we stood, mined counts) x P(message | the position's action)."""
    known = replace(state, fields={**state.fields, **understanding.fields})
    stood = Belief({state.position: 1.0})
    best: tuple[float, Position, Match] | None = None
    for candidate in understanding.candidates:
        for position, mass in replay.reach(stood, candidate.action_id).items():
            score = candidate.likelihood * mass
            if position is not None and (best is None or score > best[0]):
                best = (score, position, candidate.match)
    if best is None:
        return Tracked(replace(known, misunderstood=state.misunderstood + 1), None)
    return Tracked(replace(known, position=best[1], misunderstood=0), best[2])
