"""`python -m benchmarks.http_turns`: turns over HTTP with several clients at once.

The server is the real one; its encoder is a stub and every message the very words of an exemplar, so that what is
measured is the turn, the database and HTTP.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import click

from benchmarks.serving import ASSISTANT, Connection, Served, quantile, serving
from benchmarks.tables import Row, table, write_json
from benchmarks.turn_holders import DIALOGUE


async def converse(served: Served, until: float, seconds: list[float]) -> None:
    """Whole dialogues over one connection, each in a conversation of its own; only turns are timed."""
    connection = Connection(served.address)
    while time.monotonic() < until:
        begun = await connection.ask("POST", "/conversations", {"assistant": ASSISTANT})
        path, token = f"/conversations/{begun['conversation']}/messages", begun["token"]
        for place, (text, _) in enumerate(DIALOGUE):
            sent = time.monotonic()
            await connection.ask("POST", path, {"client_message_id": f"m-{place}", "text": text}, token)
            seconds.append(time.monotonic() - sent)
    connection.close()


async def measured(served: Served, clients: int, seconds: float) -> Row:
    await converse(served, time.monotonic() + 1, [])
    times: list[float] = []
    processor, begun = served.processor_seconds(), time.monotonic()
    await asyncio.gather(*(converse(served, begun + seconds, times) for _ in range(clients)))
    passed = time.monotonic() - begun
    ordered = sorted(times)
    return {
        "clients": clients,
        "turns": len(ordered),
        "tps": len(ordered) / passed,
        "p50_ms": 1000 * quantile(ordered, 0.5),
        "p95_ms": 1000 * quantile(ordered, 0.95),
        "processor_ms": 1000 * (served.processor_seconds() - processor) / len(ordered),
        "load": os.getloadavg()[0],
    }


@click.command()
@click.option("--clients", default="1,8,32", show_default=True, metavar="N,…", help="How many at once, a run each.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(min=1), help="Of the server.")
@click.option("--seconds", default=10.0, show_default=True, help="Of each run.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures here.")
def http_turns(clients: str, workers: int, seconds: float, json_file: Path | None) -> None:
    """Turns a second and their times over HTTP.

    Example: python -m benchmarks.http_turns --clients 1,8,32
    """
    try:
        counts = [int(count) for count in clients.split(",")]
    except ValueError as error:
        raise click.ClickException(f"{clients!r} are no clients: write numbers, commas apart") from error
    with serving("stubbed", workers) as served:
        found = [asyncio.run(measured(served, count, seconds)) for count in counts]
        memory = served.megabytes()
    heads = ["clients", "turns/s", "p50 ms", "p95 ms", "processor's ms a turn", "load"]
    rows = [
        [row["clients"], *(f"{row[name]:.1f}" for name in ("tps", "p50_ms", "p95_ms", "processor_ms", "load"))]
        for row in found
    ]
    click.echo(table(heads, rows))
    click.echo(f"\n{workers} workers, {memory:.0f} MB in all; the clients share the machine.")
    if json_file is not None:
        write_json(json_file, {"runs": found, "megabytes": memory})


if __name__ == "__main__":
    http_turns()
