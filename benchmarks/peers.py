"""Dialogue managers of others, each a script in an interpreter of its own, outside the project."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from benchmarks.tables import Row

_SCRIPTS = {
    "rasa": ("bench_rasa.py", "sql", "60", "180"),
    "langgraph": ("bench_lg.py",),
    "botbuilder": ("bench_bb.py",),
}
# Their connections do not say how durable they are. This says it, for whatever opens SQLite in their interpreter.
# Rasa, where its own server does not set this up, also tells of every step, which costs it more than the step.
_SETTINGS = """
import sqlite3
_connect = sqlite3.dbapi2.connect
def connect(*arguments, **options):
    connection = _connect(*arguments, **options)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    return connection
sqlite3.connect = sqlite3.dbapi2.connect = connect
try:
    import structlog
except ImportError:
    pass
else:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
"""
_BY_PROCESSOR = """
import time
time.perf_counter = time.process_time
"""


@dataclass(frozen=True, slots=True)
class Peer:
    """A script that prints figures as JSON objects, one a line; `sys` says of what."""

    name: str
    python: Path
    folder: Path

    def run(self, by_processor: bool = False) -> list[Row]:
        """Its figures; in the processor's time, or in that of the clock."""
        settings = _SETTINGS + (_BY_PROCESSOR if by_processor else "")
        with TemporaryDirectory(prefix="taskflow-peer-") as first_on_path:
            (Path(first_on_path) / "sitecustomize.py").write_text(settings, encoding="utf-8")
            ran = subprocess.run(
                [str(self.python), *_SCRIPTS[self.name]],
                cwd=self.folder,
                env=os.environ | {"PYTHONPATH": first_on_path},
                capture_output=True,
                encoding="utf-8",
                check=False,
            )
        if ran.returncode:
            raise click.ClickException(f"{self.name} failed: {' '.join(ran.stderr.strip().splitlines()[-1:])}")
        told = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
        return [{"system": figures.pop("sys"), **figures} for figures in told]


def find_peers(folder: Path, pythons: Sequence[str]) -> list[Peer]:
    """Those whose script and interpreter are there; `pythons` are PEER=PATH. The others are told on stderr."""
    given = dict(one.partition("=")[::2] for one in pythons)
    if unknown := set(given) - set(_SCRIPTS):
        raise click.ClickException(f"no peer is called {', '.join(sorted(unknown))}: choose from {', '.join(_SCRIPTS)}")
    found = []
    for name, (script, *_) in _SCRIPTS.items():
        python = Path(given.get(name, folder / name / "bin" / "python")).expanduser().absolute()
        if python.is_file() and (folder / script).is_file():
            found.append(Peer(name, python, folder))
        else:
            click.echo(f"{name} is left out: there is no {python}, or no {script} in {folder}", err=True)
    return found
