"""`python -m benchmarks.turns`: what a turn costs, beside the bare SQLAlchemy turn and other dialogue managers.

All hold the same six-turn dialogue in SQLite, with a write-ahead log and `synchronous=NORMAL`, and none classifies:
ours is sent the very words of exemplars, and its encoder looks fixed rows up.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import numpy as np
from sqlalchemy import JSON, ForeignKey, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.peers import find_peers
from benchmarks.tables import Row, in_order, table, write_json
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

OURS, BARE = "ours", "bare SQLAlchemy turn"
_NAME = "returns"
_WARM_UP = 5  # dialogues
_OLD = 166  # dialogues that the long conversation holds before it is measured: turn 997 is next
_PAIRS = 100  # dialogues of the long conversation and of young ones, one after the other


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


Turns = OurTurns | BareTurns


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


def _dialogue(turns: Turns, conversation: str, name: str) -> Iterator[float]:
    """The seconds of each of its turns."""
    for place, (text, _) in enumerate(DIALOGUE):
        begun = time.perf_counter()
        turns.reply(conversation, f"{name}-{place}", text)
        yield time.perf_counter() - begun


def _speeds(both: Mapping[str, Turns], name: str, dialogues: int) -> list[Row]:
    """Ours and the bare turn, dialogue by dialogue, so that both meet the same load."""
    timings: dict[str, list[float]] = {system: [] for system in both}
    processor = dict.fromkeys(both, 0.0)
    for number in range(-_WARM_UP, dialogues):
        for system, turns in both.items():
            conversation = turns.start(f"{name}-{number}")
            begun = time.process_time()
            seconds = list(_dialogue(turns, conversation, "m"))
            if number >= 0:
                timings[system] += seconds
                processor[system] += time.process_time() - begun
    return [_figures(system, seconds, processor[system]) for system, seconds in timings.items()]


def _figures(system: str, seconds: list[float], processor: float) -> Row:
    ordered = sorted(seconds)
    return {
        "system": system,
        "p50_ms": 1000 * ordered[len(ordered) // 2],
        "p95_ms": 1000 * ordered[int(len(ordered) * 0.95)],
        "tps": len(ordered) / sum(ordered),
        "processor_ms": 1000 * processor / len(ordered),
    }


def _ageing(turns: Turns) -> Row:
    """A long conversation's turns beside those of young ones, dialogue by dialogue, so that both meet the same load."""
    long = turns.start("long")
    for number in range(_OLD):
        list(_dialogue(turns, long, f"old-{number}"))
    early: list[float] = []
    late: list[float] = []
    for number in range(_PAIRS):
        young = turns.start(f"young-{number}")
        list(_dialogue(turns, young, "first"))
        early += _dialogue(turns, young, "second")
        late += _dialogue(turns, long, f"late-{number}")
    early_ms, late_ms = 1000 * statistics.median(early), 1000 * statistics.median(late)
    return {"early_ms": early_ms, "late_ms": late_ms, "ratio": late_ms / early_ms}


def _memory(folder: str, conversations: int) -> Row:
    """What a process grows by while it holds so many conversations, each in the middle of its dialogue."""
    path = Path(folder) / "many.db"
    with closing(OurTurns(path)) as turns:
        list(_dialogue(turns, turns.start(""), "w"))
        before, size = _resident(), path.stat().st_size
        for _ in range(conversations):
            conversation = turns.start("")
            for place, (text, _) in enumerate(DIALOGUE[:3]):
                turns.reply(conversation, f"{place}", text)
        grown = _resident() - before
    return {"conversations": conversations, "megabytes": grown / 1e6, "on_disk": (path.stat().st_size - size) / 1e6}


def _resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@click.command()
@click.option("--peers", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Their scripts' folder.")
@click.option("--python", "pythons", metavar="PEER=PATH", multiple=True, help="A peer's interpreter.")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(min=1), help="Of all, in turn.")
@click.option("--dialogues", default=200, show_default=True, type=click.IntRange(min=1), help="Of six turns, a round.")
@click.option("--conversations", default=10_000, show_default=True, help="Held at once, for the memory.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures of every round here.")
def turns(
    peers: Path | None, pythons: Sequence[str], rounds: int, dialogues: int, conversations: int, json_file: Path | None
) -> None:
    """Time our turn, the bare SQLAlchemy turn and, where their scripts are, other dialogue managers.

    A peer (rasa, langgraph, botbuilder) runs with FOLDER/PEER/bin/python, or with what --python says.

    \b
    Examples: python -m benchmarks.turns
              python -m benchmarks.turns --peers ~/peers --python rasa=~/rasa/bin/python
    """
    there = [] if peers is None else find_peers(peers, pythons)
    found: list[Row] = []
    with TemporaryDirectory(prefix="taskflow-turns-") as name:
        folder = Path(name)
        with closing(OurTurns(folder / "ours.db")) as ours, closing(BareTurns(folder / "bare.db")) as bare:
            for number in range(rounds):
                found += _speeds({OURS: ours, BARE: bare}, f"{number}", dialogues)
                found += [row for peer in there for row in peer.run()]
                click.echo(f"  round {number + 1} of {rounds}, load {os.getloadavg()[0]:.1f}", err=True)
            ageing = {OURS: _ageing(ours), BARE: _ageing(bare)}
        # In a process of its own, which has held no other conversation.
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
            memory = process.submit(_memory, name, conversations).result()
    click.echo(_speed_table(found))
    click.echo("\n" + _age_table(found, ageing))
    click.echo(
        f"\n{memory['conversations']:,} conversations: the process grows by {memory['megabytes']:.1f} MB, "
        f"the database by {memory['on_disk']:.0f} MB."
    )
    if json_file is not None:
        write_json(json_file, {"rounds": found, "ageing": ageing, "memory": memory})


def _speed_table(found: Sequence[Row]) -> str:
    """The median of the rounds, and their range."""
    timed = [row for row in found if "tps" in row]
    ours = statistics.median(row["p50_ms"] for row in timed if row["system"] == OURS)
    rows = []
    for system in in_order(timed, "system"):
        own = [row for row in timed if row["system"] == system]
        p50 = statistics.median(row["p50_ms"] for row in own)
        timings = [_range(own, name) for name in ("p50_ms", "p95_ms", "tps", "processor_ms")]
        rows.append([system, *timings, f"{p50 / ours:.2f}"])
    return table(["system", "p50 ms", "p95 ms", "turns/s", "processor's ms a turn", "p50, ours = 1"], rows)


def _range(rows: Sequence[Row], name: str) -> str:
    values = [row[name] for row in rows if name in row]
    if not values:
        return "–"
    digits = 0 if name == "tps" else 2
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f}–{max(values):,.{digits}f})"


def _age_table(found: Sequence[Row], ageing: dict[str, Row]) -> str:
    rows = [
        [system, f"{one['early_ms']:.2f}", f"{one['late_ms']:.2f}", f"{one['ratio']:.2f}", "7–12 and 997 on"]
        for system, one in ageing.items()
    ]
    for system in in_order([row for row in found if "tps" not in row], "system"):
        own = [row for row in found if row["system"] == system]
        early, late = (
            statistics.median(next(row[name] for name in names if name in row) for row in own)
            for names in (("first", "first10pct_p50_ms"), ("last", "last10pct_p50_ms"))
        )
        rows.append([system, f"{early:.2f}", f"{late:.2f}", f"{late / early:.2f}", f"tenths of {own[0]['turns']}"])
    return table(["one long conversation", "early ms", "late ms", "late / early", "turns"], rows)


if __name__ == "__main__":
    turns()
