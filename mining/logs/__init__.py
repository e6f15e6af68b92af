"""Log files to dialogues: JSON Lines, one dialogue a line, or CSV and TSV, one utterance a row.

Plain or gzip, UTF-8 or GB18030, streamed. One bad line never ends the reading: it is told and left out. What
comes out is masked.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from mining.logs.decoding import Line, read_lines
from mining.logs.entries import LogError, LoggedDialogue, LogOptions, Refusal
from mining.logs.jsonl import read_jsonl
from mining.logs.speakers import speaker_names
from mining.logs.tables import read_table

__all__ = ["LogError", "LogOptions", "LoggedDialogue", "Refusal", "read_log"]

_JSON_LINES = {".jsonl", ".ndjson", ".json"}
_TABLES = {".csv", ".tsv", ".tab"}


def read_log(path: Path, options: LogOptions) -> Iterator[LoggedDialogue | Refusal]:
    """What the file holds, in its order; ids may come twice.

    Raises LogError, at the first step or later, when the file as a whole cannot be read.
    """
    lines = read_lines(path)
    first = next((line for line in lines if line.fault is not None or line.text.strip()), None)
    if first is None:
        raise LogError(f"{path} is empty: give a file with dialogues")
    if _is_json(path, first):
        second = next(lines, None)
        _check_one_a_line(path, first, second)
        begun = [first] if second is None else [first, second]
        entries = read_jsonl(chain(begun, lines), speaker_names(options.speakers))
    else:
        entries = read_table(str(path), first, lines, options)
    entry = None
    for entry in entries:
        yield entry
    if entry is None:
        raise LogError(f"{path} holds no dialogues: give a file with some")


def _is_json(path: Path, first: Line) -> bool:
    plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    suffix, begins = plain.suffix.lower(), first.text.lstrip()[:1]
    return suffix in _JSON_LINES or begins == "{" or (begins == "[" and suffix not in _TABLES)


def _check_one_a_line(path: Path, first: Line, second: Line | None) -> None:
    """A whole file of indented JSON is told once, not refused line by line."""
    follows = "" if second is None else second.text.strip()
    if first.text.strip() in ("{", "[") and (follows.startswith('"') or follows == "{" or follows.endswith(",")):
        raise LogError(f"{path} is one JSON text over many lines: write one dialogue a line, for example with jq -c")
