"""Rows of a table put aside on disk, to come back dialogue by dialogue."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from mining.logs.decoding import LINE_LIMIT
from mining.logs.dialogues import TURN_LIMIT

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE dialogue (number INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE row (dialogue INTEGER, turn REAL, line INTEGER, cells TEXT, fault TEXT);
"""


@dataclass(frozen=True, slots=True)
class Row:
    """The row that begins at a line: field to cell, without empty cells; or what is wrong with it."""

    line: int
    cells: Mapping[str, str]
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Those of one dialogue in order of turn, then line.

    `total` counts those that it has; fewer are given where they are too many, or too large together.
    """

    name: str
    rows: tuple[Row, ...]
    total: int


class Spool:
    """A private temporary database, gone when it is closed."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(_SCHEMA)
        self._database.execute("BEGIN")

    def close(self) -> None:
        self._database.close()

    def add(self, name: str, turn: float | None, row: Row) -> None:
        self._database.execute("INSERT OR IGNORE INTO dialogue (name) VALUES (?)", (name,))
        self._database.execute(
            "INSERT INTO row SELECT number, ?, ?, ?, ? FROM dialogue WHERE name = ?",
            (turn, row.line, json.dumps(row.cells, ensure_ascii=False), row.fault, name),
        )

    def dialogues(self) -> Iterator[Rows]:
        """In order of first appearance, however the rows were mixed."""
        found = self._database.execute(
            "SELECT name, line, cells, fault FROM row JOIN dialogue ON number = dialogue ORDER BY dialogue, turn, line"
        )
        for name, group in groupby(found, key=itemgetter(0)):
            yield _gathered(name, group)


def _gathered(name: str, found: Iterator[tuple[str, int, str, str | None]]) -> Rows:
    rows: list[Row] = []
    size = total = 0
    for _, line, cells, fault in found:
        total += 1
        if total <= TURN_LIMIT and size <= LINE_LIMIT:
            size += len(cells)
            rows.append(Row(line, json.loads(cells), fault))
    return Rows(name, tuple(rows), total)
