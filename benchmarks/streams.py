"""`python -m benchmarks.streams`: a thousand open event streams, while conversations go on.

The server is the real one, with its real encoder. Each stream has a conversation of its own; customers speak in turn.
An event's delay is the time from its own moment, just before it is committed, until its reader has it.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from benchmarks.serving import ASSISTANT, Connection, Served, quantile, serving
from benchmarks.tables import Row, table, write_json
from benchmarks.turn_holders import DIALOGUE

_AT_ONCE = 8  # customers who begin at the same time
_LATEST = 10.0  # seconds that the last events are waited for


@dataclass(slots=True)
class Reader:
    """A customer: a conversation, its open stream, and what came through it."""

    path: str
    token: str
    connection: Connection
    stream: asyncio.StreamReader
    said: int = 0
    offsets: list[int] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)

    async def read(self) -> None:
        while line := await self.stream.readline():
            if line.startswith(b"data: "):
                event = json.loads(line[6:])
                self.offsets.append(event["offset"])
                self.delays.append(time.time() - datetime.fromisoformat(event["at"]).timestamp())


async def begin(served: Served, turn: asyncio.Semaphore) -> Reader:
    connection = Connection(served.address)
    async with turn:
        begun = await connection.ask("POST", "/conversations", {"assistant": ASSISTANT})
        connection.close()
        path = f"/conversations/{begun['conversation']}"
        stream = await connection.send("GET", f"{path}/stream", None, begun["token"])
        head = await stream.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise click.ClickException(f"a stream was refused: {head.decode()}")
    return Reader(path, begun["token"], connection, stream)


async def speak(readers: list[Reader], served: Served, rate: float, seconds: float) -> int:
    """Messages at a steady rate; returns how many events their answers held."""
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(_AT_ONCE):
        free.put_nowait(Connection(served.address))
    events = 0

    async def say(reader: Reader) -> None:
        nonlocal events
        connection = await free.get()
        text = DIALOGUE[reader.said % len(DIALOGUE)][0]
        reader.said += 1
        body = {"client_message_id": f"m-{reader.said}", "text": text}
        answer = await connection.ask("POST", f"{reader.path}/messages", body, reader.token)
        events += len(answer["events"])
        free.put_nowait(connection)

    begun, waiting = time.monotonic(), []
    for number in range(int(rate * seconds)):
        waiting.append(asyncio.create_task(say(readers[number % len(readers)])))
        await asyncio.sleep(max(0.0, begun + (number + 1) / rate - time.monotonic()))
    await asyncio.gather(*waiting)
    return events


async def measured(served: Served, streams: int, rate: float, seconds: float) -> Row:
    row: Row = {"at_rest_mb": served.megabytes()}
    turn = asyncio.Semaphore(_AT_ONCE)
    begun = time.monotonic()
    readers = await asyncio.gather(*(begin(served, turn) for _ in range(streams)))
    row["opened_seconds"] = time.monotonic() - begun
    row["open_mb"] = served.megabytes()
    tasks = [asyncio.create_task(reader.read()) for reader in readers]
    processor = served.processor_seconds()
    await asyncio.sleep(seconds / 4)
    row["idle_processor"] = (served.processor_seconds() - processor) / (seconds / 4)
    processor = served.processor_seconds()
    expected = await speak(list(readers), served, rate, seconds)
    row["processor"] = (served.processor_seconds() - processor) / seconds
    latest = time.monotonic() + _LATEST
    while sum(len(reader.offsets) for reader in readers) < expected and time.monotonic() < latest:
        await asyncio.sleep(0.05)
    row["speaking_mb"] = served.megabytes()
    for task in tasks:
        task.cancel()
    delays = sorted(delay for reader in readers for delay in reader.delays)
    arrived = sum(len(set(reader.offsets)) for reader in readers)
    if arrived != expected or any(reader.offsets != sorted(set(reader.offsets)) for reader in readers):
        raise click.ClickException(f"{expected} events were sent, {arrived} came, or some came out of order or twice")
    quantiles = {"p50_s": 0.5, "p95_s": 0.95, "p99_s": 0.99}
    return (
        row | {"events": expected, "load": os.getloadavg()[0]} | {n: quantile(delays, s) for n, s in quantiles.items()}
    )


@click.command()
@click.option("--streams", "count", default=1_000, show_default=True, type=click.IntRange(min=1))
@click.option("--workers", default=2, show_default=True, type=click.IntRange(min=1), help="Of the server.")
@click.option("--rate", default=20.0, show_default=True, help="Messages a second, over all conversations.")
@click.option("--seconds", default=30.0, show_default=True, help="How long customers speak.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures here.")
def streams(count: int, workers: int, rate: float, seconds: float, json_file: Path | None) -> None:
    """Delay of events and memory of the server, with threads and, where gevent is installed, with greenlets.

    Example: python -m benchmarks.streams --streams 1000
    """
    found: dict[str, Row] = {}
    for kind in ("gthread", "gevent"):
        if kind == "gevent" and importlib.util.find_spec("gevent") is None:
            click.echo("gevent is not installed, so it is left out: pip install gevent", err=True)
            continue
        with serving(kind, workers) as served:
            found[kind] = asyncio.run(measured(served, count, rate, seconds))
    click.echo(f"{count:,} streams on {workers} workers, {rate:g} messages a second for {seconds:g} s.\n")
    click.echo(table(["", *found], _lines(found)))
    if json_file is not None:
        write_json(json_file, found)


def _lines(found: dict[str, Row]) -> list[list[Any]]:
    told = {
        "event delay p50 / p95 / p99, s": "{p50_s:.2f} / {p95_s:.2f} / {p99_s:.2f}",
        "MB at rest / streams open / after speaking": "{at_rest_mb:.0f} / {open_mb:.0f} / {speaking_mb:.0f}",
        "processors used, silent / speaking": "{idle_processor:.2f} / {processor:.2f}",
        "seconds to begin and open all": "{opened_seconds:.0f}",
        "events": "{events}",
        "load of the machine": "{load:.1f}",
    }
    return [[name, *(form.format(**row) for row in found.values())] for name, form in told.items()]


if __name__ == "__main__":
    streams()
