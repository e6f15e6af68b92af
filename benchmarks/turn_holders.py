"""Two that hold the same six-turn dialogue in this process: our dialogue manager and a bare SQLAlchemy turn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from sqlalchemy import JSON, ForeignKey, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from runtime.config import RuntimeConfig
from runtime.dialogue_manager import DialogueManager
from taskflow.encoders import Vectors
from taskflow.model import ActionId, Assistant, DialogueAction, Exemplar, FlowId, FlowNode, NodeId, Speaker, TaskFlow
from taskflow.store import open_database
from taskflow.store.assistants import publish, save_mined

DIALOGUE = (
    ("hello", "Hello, how can I help?"),
    ("I want to return something", "What is your order number?"),
    ("my order is TF-20418837", "Why do you return it?"),
    ("it is broken", "I register the return, all right?"),
    ("yes", "The return of [order_number] is registered."),
    ("thanks", "You are welcome."),
)
"""What the customer says, and the response."""

_NAME = "returns"


class FixedRows:
    """An encoder that has a row for each text that it may meet, at right angles to all others."""

    name = "fixed-rows"
    dimension = 256

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}

    def encode(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            vectors[row, self._rows.setdefault(text, len(self._rows))] = 1.0
        return vectors


class _Base(DeclarativeBase):
    pass


class _Talk(_Base):
    __tablename__ = "talks"

    id: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[int]
    revision: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": revision}  # noqa: RUF012 - as SQLAlchemy has it


class _Entry(_Base):
    __tablename__ = "entries"

    id: Mapped[int] = mapped_column(primary_key=True)
    talk: Mapped[str] = mapped_column(ForeignKey("talks.id"), index=True)
    payload: Mapped[Any] = mapped_column(JSON)


class BareTurns:
    """The floor: a row is read, moved on and written with two events. No flow, no fields, nothing sent twice."""

    def __init__(self, path: Path) -> None:
        self._engine = create_engine(f"sqlite:///{path}")
        event.listen(self._engine, "connect", _as_durable)
        _Base.metadata.create_all(self._engine)

    def start(self, name: str) -> str:
        return name

    def reply(self, name: str, _message: str, text: str) -> None:
        with Session(self._engine) as session:
            talk = session.get(_Talk, name)
            if talk is None:
                talk = _Talk(id=name, place=0)
                session.add(talk)
            answer = DIALOGUE[talk.place % len(DIALOGUE)][1]
            talk.place += 1
            said = {"speaker": "user", "text": text}, {"speaker": "agent", "text": answer}
            session.add_all(_Entry(talk=name, payload=payload) for payload in said)
            session.commit()

    def close(self) -> None:
        self._engine.dispose()


def _as_durable(connection: Any, _record: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")


class OurTurns:
    """The dialogue manager as it is served, over an assistant whose one flow is the dialogue."""

    def __init__(self, path: Path) -> None:
        self._database = open_database(f"sqlite:///{path}")
        encoder = FixedRows()
        with self._database.write() as session:
            save_mined(session, _assistant(), encoder.name)
        publish(self._database, _NAME)
        self._manager = DialogueManager(self._database, encoder, RuntimeConfig())

    def start(self, _name: str) -> str:
        return self._manager.start(_NAME)

    def reply(self, conversation: str, message: str, text: str) -> None:
        events = self._manager.reply(conversation, message, text)
        if events[1].node is None or events[1].handoff:
            raise click.ClickException(f"{text!r} was answered with {events[1].text!r}: the flow was left")

    def close(self) -> None:
        self._database.close()


def _assistant() -> Assistant:
    """The dialogue as a flow of one path; a customer's wording is masked, as mining leaves it."""
    actions, nodes = [], []
    parent: NodeId | None = None
    for place, said in enumerate(text for pair in DIALOGUE for text in pair):
        speaker = Speaker.AGENT if place % 2 else Speaker.USER
        masked = said.replace("TF-20418837", "[order_number]")
        action = DialogueAction(ActionId(f"a{place}"), speaker, masked, (Exemplar(masked, 9),), 9)
        responses = (masked,) if speaker is Speaker.AGENT else ()
        node = FlowNode(NodeId(f"n{place}"), parent, action.id, 9, responses=responses)
        actions.append(action)
        nodes.append(node)
        parent = node.id
    return Assistant(_NAME, tuple(actions), (TaskFlow(FlowId("f"), "Returns", tuple(nodes)),))


Turns = OurTurns | BareTurns
