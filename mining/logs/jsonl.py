"""JSON Lines: one dialogue a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mining.logs.decoding import Line
from mining.logs.dialogues import read_dialogue
from mining.logs.entries import DialogueError, LoggedDialogue, Refusal, shown
from taskflow.model import Speaker


def read_jsonl(lines: Iterable[Line], speakers: Mapping[str, Speaker]) -> Iterator[LoggedDialogue | Refusal]:
    for line in lines:
        if line.fault is not None:
            yield Refusal(line.number, line.fault)
        elif line.text.strip():
            yield _read(line, speakers)


def _read(line: Line, speakers: Mapping[str, Speaker]) -> LoggedDialogue | Refusal:
    try:
        return read_dialogue(_parsed(line.text), line.number, speakers)
    except DialogueError as fault:
        return Refusal(line.number, str(fault))


def _parsed(text: str) -> object:
    try:
        return _DECODER.decode(text)
    except RecursionError as error:
        raise DialogueError(
            "the line is nested too deeply: write one dialogue a line, with its turns in one list"
        ) from error
    except json.JSONDecodeError as error:
        where = f"column {error.colno}: {error.msg}"
        raise DialogueError(f"the line is no JSON ({where}): write one dialogue a line as one JSON object") from error
    except ValueError as error:
        raise DialogueError(
            "the line holds a number with thousands of digits: put it in quotes or leave it out"
        ) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise DialogueError(f"the line has an object with the key {shown(twice)} twice: keep one")
    return found


# Not strict: control characters inside strings are read, and cleaned away later.
_DECODER = json.JSONDecoder(object_pairs_hook=_object, strict=False)
