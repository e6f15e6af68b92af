"""The real server as a process, its memory, and a client that keeps many connections open in one thread."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import numpy as np

from benchmarks.turn_holders import DIALOGUE
from taskflow.encoders import Vectors, unit_rows
from taskflow.encoders.bundled import NAME as BUNDLED
from taskflow.model import ActionId, Assistant, DialogueAction, Exemplar, FlowId, FlowNode, NodeId, Speaker, TaskFlow
from taskflow.store import open_database
from taskflow.store.assistants import publish, save_mined

ASSISTANT = "returns"
_LIMITS = "[server]\nstreams = 2000\nconversation_limit = 1000000\naddress_limit = 10000000\n"
_PLAIN = "from webui.commands import serve; serve()"
_STUBBED = (
    "import taskflow.options as o, benchmarks.serving as s; o.load_encoder = lambda *_: s.HashedRows(); " + _PLAIN
)
# Its patches have to come before everything else is imported.
_GEVENT = (
    "from gevent import monkey; monkey.patch_all(); "
    "from benchmarks.serving import gevent_server; import webui.commands as c; c.Server = gevent_server(); c.serve()"
)
PROGRAMS = {"gthread": _PLAIN, "gevent": _GEVENT, "stubbed": _STUBBED}


class HashedRows:
    """An encoder that costs next to nothing: each text has a direction of its own, the same in every process."""

    name = BUNDLED
    dimension = 512

    def encode(self, texts: Sequence[str]) -> Vectors:
        seeds = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) for text in texts]
        rows = [np.random.default_rng(seed).standard_normal(self.dimension) for seed in seeds]
        return unit_rows(np.array(rows, np.float32).reshape(-1, self.dimension))


def gevent_server() -> type[Any]:
    """The server with gunicorn's gevent worker in place of its threads."""
    from webui.server import Server

    class GeventServer(Server):
        def load_config(self) -> None:
            super().load_config()
            self.cfg.set("worker_class", "gevent")

    return GeventServer


@dataclass(frozen=True, slots=True)
class Served:
    address: str  # host:port
    pid: int

    def processes(self) -> list[int]:
        """The server's own process, then its workers."""
        told = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [self.pid, *map(int, told.split())]

    def megabytes(self) -> float:
        """Memory of all its processes; pages that several share count once."""
        return sum(_proportional_kilobytes(pid) for pid in self.processes()) / 1024

    def processor_seconds(self) -> float:
        ticks = 0
        for pid in self.processes():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(program: str, workers: int) -> Iterator[Served]:
    """`taskflow serve` on a new SQLite database with one small assistant; `program` is one of PROGRAMS."""
    with TemporaryDirectory(prefix="taskflow-serving-") as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'served.db'}"
        with closing(open_database(url)) as database:
            with database.write() as session:
                save_mined(session, _assistant(), BUNDLED)
            publish(database, ASSISTANT)
        (folder / "taskflow.toml").write_text(_LIMITS)
        paths = [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
        with (folder / "log.txt").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", PROGRAMS[program], "--port", "0", "--workers", str(workers)],
                cwd=folder,
                env=os.environ | {"TASKFLOW_DATABASE_URL": url, "PYTHONPATH": os.pathsep.join(paths)},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        told = process.stdout.readline() if process.stdout else ""
        if not told.startswith("serving on http://"):
            raise click.ClickException(f"the server did not start: {(folder / 'log.txt').read_text()[-2000:]}")
        try:
            yield Served(told.split()[2].removeprefix("http://"), process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


class Connection:
    """One kept-alive connection; a request at a time."""

    def __init__(self, address: str) -> None:
        self._host, _, port = address.rpartition(":")
        self._port = int(port)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: object = None, token: str = "") -> dict[str, Any]:
        reader = await self.send(method, path, body, token)
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        text = await reader.readexactly(int(length[1]) if length else 0)
        if b"connection: close" in head.lower():
            self.close()
        answer: dict[str, Any] = json.loads(text)
        if not head.startswith(b"HTTP/1.1 20"):
            raise click.ClickException(f"{method} {path}: {head[9:12].decode()} {answer.get('message')}")
        return answer

    async def send(self, method: str, path: str, body: object, token: str) -> asyncio.StreamReader:
        """Send a request; the answer is to be read from what this returns."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        data = b"" if body is None else json.dumps(body).encode()
        head = (
            f"{method} /api/v1{path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nAuthorization: Bearer {token}\r\n"
        )
        writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
        await writer.drain()
        return reader

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None


def quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _assistant() -> Assistant:
    actions: list[DialogueAction] = []
    nodes: list[FlowNode] = []
    for place, said in enumerate(text for pair in DIALOGUE for text in pair):
        speaker = Speaker.AGENT if place % 2 else Speaker.USER
        masked = said.replace("TF-20418837", "[order_number]")
        actions.append(DialogueAction(ActionId(f"a{place}"), speaker, masked, (Exemplar(masked, 9),), 9))
        responses = (masked,) if speaker is Speaker.AGENT else ()
        parent = nodes[-1].id if nodes else None
        nodes.append(FlowNode(NodeId(f"n{place}"), parent, actions[-1].id, 9, responses=responses))
    return Assistant(ASSISTANT, tuple(actions), (TaskFlow(FlowId("f"), "Returns", tuple(nodes)),))


def _proportional_kilobytes(pid: int) -> int:
    found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return 0 if found is None else int(found[1])
