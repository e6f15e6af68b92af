"""Where the live conversations of an assistant would go if another version took them over: a dry run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from runtime.migration import migrate
from runtime.state import ConversationState, Frame
from taskflow.model import Assistant, NodeId
from taskflow.store import Database
from taskflow.store.assistants import load_version
from taskflow.store.conversations import Snapshot, live_conversations

STAYS, ANCESTOR, ANEW, IDLE = "stays", "goes back to an ancestor", "begins anew", "in no flow"


@dataclass(frozen=True, slots=True)
class Move:
    """`kind` is one of the four above; the node stands in `flow`, None where the conversation is in no flow."""

    conversation: str
    kind: str
    flow: str | None = None
    node: NodeId | None = None
    to: NodeId | None = None


@dataclass(frozen=True, slots=True)
class Moves:
    assistant: str
    moves: tuple[Move, ...]

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(move.kind for move in self.moves)
        return {kind: found[kind] for kind in (STAYS, ANCESTOR, ANEW, IDLE)}

    @property
    def losing(self) -> list[Move]:
        """Those that do not stay where they are."""
        return [move for move in self.moves if move.kind in (ANCESTOR, ANEW)]

    def as_json(self) -> dict[str, Any]:
        losing = [
            {"conversation": move.conversation, "kind": move.kind, "flow": move.flow, "node": move.node, "to": move.to}
            for move in self.losing
        ]
        return {"assistant": self.assistant, "live": len(self.moves), "counts": self.counts, "moves": losing}


def moves_to(database: Database, name: str, after: Assistant) -> Moves:
    """Every live conversation of an assistant, as it would stand on `after`. Nothing is changed."""
    versions: dict[int, Assistant] = {}
    found = []
    for snapshot in live_conversations(database, name):
        if snapshot.version_id not in versions:
            versions[snapshot.version_id] = load_version(database, snapshot.version_id).assistant
        found.append(_move(snapshot, versions[snapshot.version_id], after))
    return Moves(name, tuple(found))


def _move(snapshot: Snapshot, before: Assistant, after: Assistant) -> Move:
    state = ConversationState.from_json(snapshot.state)
    frame = state.frame
    if frame is None:
        return Move(snapshot.id, IDLE)
    flow = before.flow_by_id[frame.flow_id].name
    moved = migrate(state, before, after).frame
    if moved is None or moved.flow_id != frame.flow_id:
        return Move(snapshot.id, ANEW, flow, frame.node_id)
    return Move(snapshot.id, _kind(frame, moved), flow, frame.node_id, moved.node_id)


def _kind(before: Frame, after: Frame) -> str:
    return STAYS if before.node_id == after.node_id else ANCESTOR
