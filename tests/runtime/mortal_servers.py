"""Server processes that die where they are told to, as a server dies: at once, with whatever it was doing.

Run as a program this is their parent: it has imported everything, and forks one process for each task that it reads.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import traceback
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NoReturn

import numpy as np
from sqlalchemy import event

from runtime.calls import CallResult
from runtime.config import RuntimeConfig
from runtime.dialogue_manager import DialogueManager
from taskflow.calls import Outcome
from taskflow.encoders import Vectors, unit_rows
from taskflow.store import Database, open_database

DIED = -signal.SIGKILL
_WORD = re.compile(r"[a-z0-9_']+|[\u4e00-\u9fff]")


class BagOfWords:
    """An encoder that needs no model: texts are as like as their words are the same."""

    name = "bag-of-words"
    dimension = 512

    def encode(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in _WORD.findall(text.casefold()):
                row[zlib.crc32(word.encode()) % self.dimension] += 1
        return unit_rows(vectors)


@dataclass(frozen=True)
class Message:
    conversation: str
    id: str
    text: str


@dataclass(frozen=True)
class Task:
    """Answer messages, as many at once as there are threads, and die at a point; 0 is no point.

    `made` is where the shop's system writes its calls down; one takes so many seconds.
    """

    messages: Sequence[Message]
    made: str
    dies_at: int = 0
    threads: int = 1
    seconds_of_call: float = 0.0


@dataclass
class Life:
    """The points that a process passes: every statement, commit and end of a transaction, and both ends of a call."""

    dies_at: int = 0
    points: list[str] = field(default_factory=list)

    def pass_(self, point: str) -> None:
        self.points.append(point)
        if len(self.points) == self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, database: Database) -> None:
        for name in ("before_cursor_execute", "commit", "checkin"):
            event.listen(database.engine, name, lambda *_, name=name: self.pass_(name))


@dataclass
class WrittenCalls:
    """The shop's system: it writes down when a call begins and when it ends."""

    made: Path
    seconds: float = 0.0
    life: Life = field(default_factory=Life)

    def __call__(self, name: str, fields: Mapping[str, str]) -> CallResult:
        self.life.pass_("call begins")
        self._write(f"begin {fields['order_number']}")
        time.sleep(self.seconds)
        self._write(f"end {fields['order_number']}")
        self.life.pass_("call ends")
        return CallResult(Outcome.OK, {"date": "3 May"})

    def _write(self, line: str) -> None:
        with self.made.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


class Servers:
    """The parent process, from outside."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )

    def run(self, url: str, tasks: Sequence[Task]) -> list[tuple[int, list[str]]]:
        """All at once, each in a process of its own: how each ended, and the points of those that lived."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([url, [asdict(task) for task in tasks]]) + "\n")
        self._process.stdin.flush()
        return [(code, points) for code, points in json.loads(self._process.stdout.readline())]

    def close(self) -> None:
        self._process.communicate()


def _all_at_once(url: str, tasks: Sequence[Task]) -> list[tuple[int, list[str]]]:
    with closing(open_database(url)) as database:
        calls = WrittenCalls(Path())
        manager = DialogueManager(database, BagOfWords(), RuntimeConfig(), calls=calls)
        manager.start("shop")  # makes the version ready, which is no part of a turn
        database.engine.dispose()  # no connection is shared
        children = []
        for number, task in enumerate(tasks):
            points = Path(f"{task.made}.{number}")
            points.unlink(missing_ok=True)
            child = os.fork()
            if not child:
                _serve(database, manager, calls, task, points)
            children.append((child, points))
        return [_ended(child, points) for child, points in children]


def _serve(database: Database, manager: DialogueManager, calls: WrittenCalls, task: Task, points: Path) -> NoReturn:
    status = 1
    try:
        life = Life(task.dies_at)
        life.watch(database)
        calls.made, calls.seconds, calls.life = Path(task.made), task.seconds_of_call, life
        with ThreadPoolExecutor(task.threads) as threads:
            list(threads.map(lambda said: manager.reply(said.conversation, said.id, said.text), task.messages))
        points.write_text(json.dumps(life.points))
        status = 0
    except Exception:  # noqa: BLE001 - whatever it was, this process must not go on as its parent
        traceback.print_exc()
    finally:
        os._exit(status)


def _ended(child: int, points: Path) -> tuple[int, list[str]]:
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), json.loads(points.read_text()) if points.exists() else []


if __name__ == "__main__":
    for line in sys.stdin:
        url, told = json.loads(line)
        tasks = [Task(**{**task, "messages": [Message(**said) for said in task["messages"]]}) for task in told]
        sys.stdout.write(json.dumps(_all_at_once(url, tasks)) + "\n")
        sys.stdout.flush()
