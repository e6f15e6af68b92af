"""What the next turn needs to know of a conversation: a snapshot of bounded size, no history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from runtime.fields import FieldValue
from taskflow.model import ActionId, FlowId, NodeId
from taskflow.replay import Position

MOST_FRAMES = 8
MOST_VISITS = 64
MOST_POSITIONS = 8
MOST_EARLY = 8
MOST_WRITTEN = 16
MOST_RECENT = 6
LONGEST_TOLD = 500  # characters
_LONGEST_RECENT = 500


@dataclass(frozen=True, slots=True)
class Visit:
    """A node that was passed, and the kinds of fields that were given or used there."""

    node_id: NodeId
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """A TaskFlow under way, where it stands, and how it came there.

    `kept` are its values of fields to which a flow that interrupts it was given others, `begun` the turn it began in.
    """

    flow_id: FlowId
    node_id: NodeId
    path: tuple[Visit, ...] = ()
    kept: Mapping[str, FieldValue] = field(default_factory=dict)
    begun: int = 0

    @property
    def position(self) -> Position:
        return self.flow_id, self.node_id

    def at(self, node_id: NodeId, fields: tuple[str, ...] = ()) -> Frame:
        path = (*self.path, Visit(node_id, fields))[-MOST_VISITS:]
        return replace(self, node_id=node_id, path=path)

    def to_json(self) -> list[Any]:
        path = [[visit.node_id, list(visit.fields)] for visit in self.path]
        kept = {kind: value.to_json() for kind, value in self.kept.items()}
        return [self.flow_id, self.node_id, path, kept, self.begun]

    @classmethod
    def from_json(cls, value: Sequence[Any]) -> Frame:
        flow, node, path, kept, begun = value
        known = {kind: FieldValue(**told) for kind, told in kept.items()}
        return cls(flow, node, tuple(Visit(visited, tuple(fields)) for visited, fields in path), known, begun)


@dataclass(frozen=True, slots=True)
class Choice:
    """A button that was offered: its payload stands for a place, and is good for as long as it is offered.

    One without an action says yes or no to a call.
    """

    payload: str
    label: str
    position: Position
    action_id: ActionId | None


@dataclass(frozen=True, slots=True)
class Early:
    """What a customer said before it was asked: it answers the question when that comes."""

    action_id: ActionId
    probability: float


@dataclass(frozen=True, slots=True)
class Consent:
    """A call that changes something, at a place of a flow, with the values that it would be made with.

    It is asked for before the call, and holds for just these values, once.
    """

    flow_id: FlowId
    node_id: NodeId
    call: str
    values: tuple[tuple[str, str], ...]
    given: bool = False

    def is_at(self, frame: Frame) -> bool:
        return (self.flow_id, self.node_id) == frame.position


@dataclass(frozen=True, slots=True)
class Written:
    """A call that changed something, the turn, and what the customer was told of it."""

    name: str
    turn: int
    told: str = ""


@dataclass(frozen=True, slots=True)
class ConversationState:
    """`frames` is the stack of TaskFlows, the current one last; `beliefs` where else the conversation may stand.

    `served` is the TaskFlow that ended last, as long as nothing else was begun: what it was told may be corrected.
    `said` counts how often a node has spoken, `failures` how many messages in a row were not understood, `recent`
    holds the last messages for who takes over.
    """

    turn: int = 0
    language: str = ""
    frames: tuple[Frame, ...] = ()
    beliefs: tuple[tuple[Position, float], ...] = ()
    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    early: tuple[Early, ...] = ()
    written: tuple[Written, ...] = ()
    said: Mapping[str, int] = field(default_factory=dict)
    failures: int = 0
    rating: bool = False
    served: Frame | None = None
    consent: Consent | None = None
    recent: tuple[tuple[str, str], ...] = ()

    @property
    def frame(self) -> Frame | None:
        return self.frames[-1] if self.frames else None

    @property
    def last_reply(self) -> str | None:
        return next((text for speaker, text in reversed(self.recent) if speaker == "agent"), None)

    def said_before(self, text: str) -> str | None:
        """What the assistant said last before the customer's message."""
        heard = [place for place, said in enumerate(self.recent) if said == ("user", text[:_LONGEST_RECENT])]
        before = self.recent[: heard[-1]] if heard else ()
        return next((text for speaker, text in reversed(before) if speaker == "agent"), None)

    def on(self, frame: Frame) -> ConversationState:
        """With another top frame."""
        return replace(self, frames=(*self.frames[:-1], frame))

    def left(self) -> ConversationState:
        """Without the top frame; what the one below it had been told holds again."""
        frames = self.frames[:-1]
        if not frames:
            return replace(self, frames=frames)
        top = frames[-1]
        return replace(self, frames=(*frames[:-1], replace(top, kept={})), fields={**self.fields, **top.kept})

    def heard(self, speaker: str, text: str) -> ConversationState:
        return replace(self, recent=(*self.recent, (speaker, text[:_LONGEST_RECENT]))[-MOST_RECENT:])

    def to_json(self) -> dict[str, Any]:
        return {
            "turn": self.turn,
            "language": self.language,
            "frames": [frame.to_json() for frame in self.frames],
            "beliefs": [[*position, weight] for position, weight in self.beliefs],
            "fields": {kind: value.to_json() for kind, value in self.fields.items()},
            "choices": [[one.payload, one.label, *one.position, one.action_id] for one in self.choices],
            "early": [[one.action_id, one.probability] for one in self.early],
            "written": [[one.name, one.turn, one.told] for one in self.written],
            "said": dict(self.said),
            "failures": self.failures,
            "rating": self.rating,
            "served": None if self.served is None else self.served.to_json(),
            "consent": None if self.consent is None else asdict(self.consent),
            "recent": [list(pair) for pair in self.recent],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ConversationState:
        if not value:
            return cls()
        return cls(
            turn=value["turn"],
            language=value["language"],
            frames=tuple(Frame.from_json(frame) for frame in value["frames"]),
            beliefs=tuple(((flow, node), weight) for flow, node, weight in value["beliefs"]),
            fields={kind: FieldValue(**known) for kind, known in value["fields"].items()},
            choices=tuple(
                Choice(payload, label, (flow, node), action) for payload, label, flow, node, action in value["choices"]
            ),
            early=tuple(Early(action, probability) for action, probability in value["early"]),
            written=tuple(Written(*one) for one in value["written"]),
            said=value["said"],
            failures=value["failures"],
            rating=value["rating"],
            served=Frame.from_json(value["served"]) if value.get("served") else None,
            consent=_consent(value["consent"]) if value.get("consent") else None,
            recent=tuple((speaker, text) for speaker, text in value["recent"]),
        )


def _consent(value: Mapping[str, Any]) -> Consent:
    pairs = tuple((kind, said) for kind, said in value["values"])
    return Consent(value["flow_id"], value["node_id"], value["call"], pairs, value["given"])
