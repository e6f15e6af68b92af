"""`python -m benchmarks.turns`: what a turn costs, beside the bare SQLAlchemy turn and other dialogue managers.

All hold the same six-turn dialogue in SQLite, with a write-ahead log and `synchronous=NORMAL`, and none classifies:
ours is sent the very words of exemplars, and its encoder looks fixed rows up.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from benchmarks.peers import find_peers
from benchmarks.tables import Row, in_order, table, write_json
from benchmarks.turn_holders import DIALOGUE, BareTurns, OurTurns, Turns

OURS, BARE = "ours", "bare SQLAlchemy turn"
Clock = Callable[[], float]
_WARM_UP = 5  # dialogues
_OLD = 166  # dialogues that the long conversation holds before it is measured: turn 997 is next
_MANY = 10_000  # conversations that are held at once, for the memory
_PAIRS = 100  # dialogues of the long conversation and of young ones, one after the other


def _dialogue(turns: Turns, conversation: str, name: str, clock: Clock = time.perf_counter) -> Iterator[float]:
    """The seconds of each of its turns."""
    for place, (text, _) in enumerate(DIALOGUE):
        begun = clock()
        turns.reply(conversation, f"{name}-{place}", text)
        yield clock() - begun


def _speeds(both: Mapping[str, Turns], name: str, dialogues: int, clock: Clock) -> list[Row]:
    """Ours and the bare turn, dialogue by dialogue, so that both meet the same load."""
    timings: dict[str, list[float]] = {system: [] for system in both}
    for number in range(-_WARM_UP, dialogues):
        for system, turns in both.items():
            seconds = list(_dialogue(turns, turns.start(f"{name}-{number}"), "m", clock))
            if number >= 0:
                timings[system] += seconds
    return [_figures(system, seconds) for system, seconds in timings.items()]


def _figures(system: str, seconds: list[float]) -> Row:
    ordered = sorted(seconds)
    return {
        "system": system,
        "p50_ms": 1000 * ordered[len(ordered) // 2],
        "p95_ms": 1000 * ordered[int(len(ordered) * 0.95)],
        "tps": len(ordered) / sum(ordered),
    }


def _ageing(turns: Turns, clock: Clock) -> Row:
    """A long conversation's turns beside those of young ones, dialogue by dialogue, so that both meet the same load."""
    long = turns.start("long")
    for number in range(_OLD):
        list(_dialogue(turns, long, f"old-{number}"))
    early: list[float] = []
    late: list[float] = []
    for number in range(_PAIRS):
        young = turns.start(f"young-{number}")
        list(_dialogue(turns, young, "first"))
        early += _dialogue(turns, young, "second", clock)
        late += _dialogue(turns, long, f"late-{number}", clock)
    early_ms, late_ms = 1000 * statistics.median(early), 1000 * statistics.median(late)
    return {"early_ms": early_ms, "late_ms": late_ms, "ratio": late_ms / early_ms}


def _memory(folder: str) -> Row:
    """What a process grows by while it holds so many conversations, each in the middle of its dialogue."""
    path = Path(folder) / "many.db"
    with closing(OurTurns(path)) as turns:
        list(_dialogue(turns, turns.start(""), "w"))
        before, size = _resident(), path.stat().st_size
        for _ in range(_MANY):
            conversation = turns.start("")
            for place, (text, _) in enumerate(DIALOGUE[:3]):
                turns.reply(conversation, f"{place}", text)
        grown = _resident() - before
    return {"conversations": _MANY, "megabytes": grown / 1e6, "on_disk": (path.stat().st_size - size) / 1e6}


def _resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@click.command()
@click.option("--peers", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Their scripts' folder.")
@click.option("--python", "pythons", metavar="PEER=PATH", multiple=True, help="A peer's interpreter.")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(min=1), help="Of all, in turn.")
@click.option("--dialogues", default=200, show_default=True, type=click.IntRange(min=1), help="Of six turns, a round.")
@click.option("--by-processor", is_flag=True, help="Read the processor's time, for a machine that does other work.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures of every round here.")
def turns(
    peers: Path | None,
    pythons: Sequence[str],
    rounds: int,
    dialogues: int,
    by_processor: bool,
    json_file: Path | None,
) -> None:
    """Time our turn, the bare SQLAlchemy turn and, where their scripts are, other dialogue managers.

    A peer (rasa, langgraph, botbuilder) runs with FOLDER/PEER/bin/python, or with what --python says. The processor's
    time leaves out the waiting, for the disk and for other programs, of all alike.

    \b
    Examples: python -m benchmarks.turns
              python -m benchmarks.turns --peers ~/peers --python rasa=~/rasa/bin/python
    """
    there = [] if peers is None else find_peers(peers, pythons)
    clock = time.process_time if by_processor else time.perf_counter
    found: list[Row] = []
    with TemporaryDirectory(prefix="taskflow-turns-") as name:
        folder = Path(name)
        with closing(OurTurns(folder / "ours.db")) as ours, closing(BareTurns(folder / "bare.db")) as bare:
            for number in range(rounds):
                found += _speeds({OURS: ours, BARE: bare}, f"{number}", dialogues, clock)
                found += [row for peer in there for row in peer.run(by_processor)]
                click.echo(f"  round {number + 1} of {rounds}, load {os.getloadavg()[0]:.1f}", err=True)
            click.echo(_speed_table(found))
            ageing = {OURS: _ageing(ours, clock), BARE: _ageing(bare, clock)}
            click.echo("\n" + _age_table(found, ageing))
        # In a process of its own, which has held no other conversation.
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
            memory = process.submit(_memory, name).result()
    click.echo(
        f"\n{memory['conversations']:,} conversations: the process grows by {memory['megabytes']:.1f} MB, "
        f"the database by {memory['on_disk']:.0f} MB."
    )
    if json_file is not None:
        write_json(json_file, {"rounds": found, "ageing": ageing, "memory": memory})


def _speed_table(found: Sequence[Row]) -> str:
    """The median of the rounds, and their range."""
    timed = [row for row in found if "tps" in row]
    bare = statistics.median(row["p50_ms"] for row in timed if row["system"] == BARE)
    rows = []
    for system in in_order(timed, "system"):
        own = [row for row in timed if row["system"] == system]
        p50 = statistics.median(row["p50_ms"] for row in own)
        timings = [_range(own, name) for name in ("p50_ms", "p95_ms", "tps")]
        rows.append([system, *timings, f"{p50 / bare:.1f}"])
    return table(["system", "p50 ms", "p95 ms", "turns/s", "p50, bare = 1"], rows)


def _range(rows: Sequence[Row], name: str) -> str:
    values = [row[name] for row in rows]
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
