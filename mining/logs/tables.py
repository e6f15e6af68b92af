"""CSV and TSV: one utterance a row. Rows of one dialogue may lie anywhere in the file."""

from __future__ import annotations

import csv
import json
import math
import sqlite3
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass

from mining.logs.cleaning import clean
from mining.logs.columns import find_columns
from mining.logs.decoding import Line
from mining.logs.dialogues import TURN_LIMIT, read_dialogue
from mining.logs.entries import DialogueError, LogError, LoggedDialogue, LogOptions, Refusal, shown
from mining.logs.speakers import speaker_names
from mining.logs.spool import Row, Rows, Spool
from taskflow.model import Speaker

# Room for a quoted text of several million characters, which is refused with its dialogue; a quote that never
# ends is given up here.
_CELL_LIMIT = 8 << 20
_BEGINNING = 100_000


@dataclass(frozen=True, slots=True)
class _Cells:
    """A row as it lies in the file; with a fault, the cells are those that can still be told apart."""

    line: int
    cells: list[str]
    fault: str | None = None


def read_table(
    file: str, first: Line, lines: Iterator[Line], options: LogOptions
) -> Iterator[LoggedDialogue | Refusal]:
    """Refused rows first, then the dialogues in order of first appearance.

    A dialogue with a bad row stays out as a whole. Rows are ordered by the turn column if there is one, else
    as they come.
    """
    if first.fault is not None:
        raise LogError(f"{file} cannot be read as a table: {first.fault}")
    table = _Table(first, lines)
    header = next(table, _Cells(first.number, []))
    if header.fault is not None:
        raise LogError(f"{file} cannot be read as a table: {header.fault}")
    columns = find_columns(file, header.cells, options.columns)
    speakers = speaker_names(options.speakers)
    try:
        with closing(Spool()) as spool:
            for row in table:
                if (refusal := _put_aside(row, columns, len(header.cells), spool)) is not None:
                    yield refusal
            for rows in spool.dialogues():
                yield _read(rows, speakers)
    except sqlite3.Error as error:
        raise LogError(
            f"{file} cannot be sorted by dialogue ({error}): set SQLITE_TMPDIR to a folder with more room"
        ) from error


class _Table(Iterator[_Cells]):
    """The rows of a table, blank ones left out.

    A row with broken quotes may swallow the lines after it before that shows; they are then read again as
    rows of their own.
    """

    def __init__(self, first: Line, lines: Iterator[Line]) -> None:
        csv.field_size_limit(_CELL_LIMIT)
        self._delimiter = max(",\t;", key=first.text.count)
        self._again = deque([first])
        self._lines = lines
        self._taken: list[Line] = []
        self._cut: deque[Line] = deque()
        self._reader = self._new_reader()

    def __next__(self) -> _Cells:
        while True:
            if self._cut:
                return self._beginning(self._cut.popleft())
            self._taken = []
            try:
                cells = next(self._reader)
            except csv.Error as error:
                return self._broken(error)
            except StopIteration:
                if self._cut:
                    continue
                raise
            if any(cell.strip() for cell in cells):
                fault = next((line.fault for line in self._taken if line.fault), None)
                return _Cells(self._taken[0].number, cells, fault)

    def _new_reader(self) -> Iterator[list[str]]:
        return csv.reader(self._feed(), delimiter=self._delimiter, strict=True)

    def _feed(self) -> Iterator[str]:
        while (line := self._again.popleft() if self._again else next(self._lines, None)) is not None:
            if line.cut:
                self._cut.append(line)
            else:
                self._taken.append(line)
                yield line.text + "\n"

    def _broken(self, error: csv.Error) -> _Cells:
        first, *rest = self._taken
        self._again.extendleft(reversed(rest))
        self._reader = self._new_reader()
        fault = f"the row's quotes do not add up ({error}): quote whole cells and double the quotes inside them"
        return self._beginning(Line(first.number, first.text, first.fault or fault, cut=True))

    def _beginning(self, line: Line) -> _Cells:
        text = line.text[:_BEGINNING].replace("\r", " ")
        cells = next(csv.reader([text], delimiter=self._delimiter), [])
        return _Cells(line.number, cells[:-1], line.fault)


def _put_aside(row: _Cells, columns: Mapping[str, int], width: int, spool: Spool) -> Refusal | None:
    """Into the spool, under the row's dialogue; a refusal if that cannot be told."""
    told = {field: row.cells[index] for field, index in columns.items() if index < len(row.cells)}
    name = clean(told.get("dialogue_id", "")).strip()
    fault, turn = row.fault, None
    try:
        if fault is None:
            _check_width(row.cells, width)
            turn = _turn(told) if "turn" in columns else None
    except DialogueError as found:
        fault = str(found)
    if not name:
        return Refusal(row.line, fault or "the row has no dialogue id: fill it in or leave the row out")
    cells = {field: cell for field, cell in told.items() if fault is None and cell.strip()}
    spool.add(name, turn, Row(row.line, cells, fault))
    return None


def _check_width(cells: list[str], width: int) -> None:
    if len(cells) < width or any(cells[width:]):
        raise DialogueError(
            f"the row has {len(cells)} cells where the header has {width}: "
            "quote the cells that hold delimiters or line breaks"
        )


def _turn(cells: Mapping[str, str]) -> float:
    cell = cells["turn"].strip()
    try:
        turn = float(cell)
    except ValueError:
        turn = math.nan
    if not math.isfinite(turn):
        raise DialogueError(
            "the row's turn is no number: number the turns, or leave the column out with --column turn="
        )
    return turn


def _read(rows: Rows, speakers: Mapping[str, Speaker]) -> LoggedDialogue | Refusal:
    begins = min(row.line for row in rows.rows)
    faulty = [row for row in rows.rows if row.fault is not None]
    if faulty:
        # Where every row is bad, the name may be a piece of text that only seemed to be one.
        where = f"dialogue {shown(rows.name)}: " if len(faulty) < len(rows.rows) else ""
        first = min(faulty, key=lambda row: row.line)
        return Refusal(first.line, f"{where}{first.fault}")
    try:
        _check_size(rows)
        return read_dialogue(_record(rows), begins, speakers)
    except DialogueError as fault:
        return Refusal(begins if fault.turn is None else rows.rows[fault.turn].line, str(fault))


def _check_size(rows: Rows) -> None:
    if len(rows.rows) < rows.total:
        raise DialogueError(
            f"dialogue {shown(rows.name)}: its {rows.total:,} rows are over {TURN_LIMIT:,}, or too large "
            "together: split it, or check which column gives the dialogue's id"
        )


def _record(rows: Rows) -> dict[str, object]:
    """The dialogue as JSON Lines would have it; the first cell that tells of the whole dialogue counts."""
    record: dict[str, object] = {"dialogue_id": rows.name, "turns": [_spoken(row.cells) for row in rows.rows]}
    for field in ("need", "outcome", "satisfaction", "started_at"):
        record[field] = next((row.cells[field] for row in rows.rows if field in row.cells), None)
    return record


def _spoken(cells: Mapping[str, str]) -> dict[str, object]:
    attachments = cells.get("attachments", "")
    return {
        "speaker": cells.get("speaker"),
        "text": cells.get("text"),
        "action": cells.get("action"),
        "result": _result(cells.get("result")),
        "attachments": [name.strip() for name in attachments.split(";") if name.strip()],
    }


def _result(cell: str | None) -> object:
    """JSON where the cell holds an object or a list, else its text."""
    if cell is None or not cell.lstrip().startswith(("{", "[")):
        return cell
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell
