"""One dialogue of a log, as the file says it, to a masked `Dialogue`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

from mining.logs.cleaning import TEXT_LIMIT, check_size, clean, clean_json
from mining.logs.entries import DialogueError, LoggedDialogue, shown
from mining.logs.speakers import find_speaker
from taskflow.model import Dialogue, Speaker, Utterance
from taskflow.recognisers import mask, mask_json

TURN_LIMIT = 10_000
_ID_LIMIT = 200
_LABEL_LIMIT = 1_000


def read_dialogue(record: object, line: int, speakers: Mapping[str, Speaker]) -> LoggedDialogue:
    """The dialogue of one parsed JSON object; other keys are ignored. Raises DialogueError."""
    if not isinstance(record, dict):
        raise DialogueError("the line is no JSON object: write one dialogue a line, in braces")
    name = _id(record.get("dialogue_id"))
    try:
        read = _dialogue(name, record, speakers)
    except DialogueError as fault:
        turn = "" if fault.turn is None else f", turn {fault.turn}"
        raise DialogueError(f"dialogue {shown(name)}{turn}: {fault}", fault.turn) from fault
    return LoggedDialogue(line, _masked(read), _digest(read))


def _dialogue(name: str, record: Mapping[str, Any], speakers: Mapping[str, Speaker]) -> Dialogue:
    turns = record.get("turns")
    if not isinstance(turns, list):
        raise DialogueError("it has no list of turns: write them under 'turns'")
    if not turns:
        raise DialogueError("it has no turns: leave it out or add them")
    check_size("the number of its turns is", len(turns), TURN_LIMIT, "split it")
    return Dialogue(
        id=name,
        utterances=tuple(_utterance(turn, index, speakers) for index, turn in enumerate(turns)),
        need=_label(record, "need"),
        outcome=_label(record, "outcome"),
        satisfaction=_number(record, "satisfaction"),
        started_at=_label(record, "started_at"),
    )


def _utterance(turn: object, index: int, speakers: Mapping[str, Speaker]) -> Utterance:
    try:
        if not isinstance(turn, dict):
            raise DialogueError("it is no JSON object: write its speaker and text in braces")
        return Utterance(
            speaker=find_speaker(turn.get("speaker"), speakers),
            text=_text(turn.get("text")),
            label=_label(turn, "action"),
            result=clean_json(turn.get("result")),
            attachments=_attachments(turn.get("attachments")),
        )
    except DialogueError as fault:
        raise DialogueError(str(fault), index) from fault


def _id(value: object) -> str:
    name = clean(_string(value) or "").strip()
    if not name:
        raise DialogueError("the dialogue has no dialogue_id: give it a text that is not empty")
    check_size("the length of its dialogue_id is", len(name), _ID_LIMIT, "shorten it")
    return name


def _text(value: object) -> str:
    text = "" if value is None else _string(value)
    if text is None:
        raise DialogueError("its text is no string: put it in quotes")
    check_size("the length of its text is", len(text), TEXT_LIMIT, "shorten it or leave it empty")
    return clean(text)


def _label(record: Mapping[str, Any], key: str) -> str | None:
    value = record.get(key)
    text = "" if value is None else _string(value)
    if text is None:
        raise DialogueError(f"its {key} is no string: put it in quotes, or write null")
    check_size(f"the length of its {key} is", len(text), _LABEL_LIMIT, "shorten it")
    return clean(text).strip() or None


def _string(value: object) -> str | None:
    """A string, or an integer as its digits, as some exports write ids and codes; None for all else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else None


def _number(record: Mapping[str, Any], key: str) -> float | None:
    value = record.get(key)
    if value is None:
        return None
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise DialogueError(f"its {key} is no number: write one, or leave it out")
    return number


def _attachments(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise DialogueError("its attachments are no list of strings: write their names or addresses as one")
    for item in value:
        check_size("the length of an attachment is", len(item), _LABEL_LIMIT, "log its address instead")
    return tuple(clean(item) for item in value)


def _masked(dialogue: Dialogue) -> Dialogue:
    masked = tuple(
        replace(utterance, text=mask(utterance.text), result=mask_json(utterance.result))
        for utterance in dialogue.utterances
    )
    return replace(dialogue, utterances=masked)


def _digest(dialogue: Dialogue) -> str:
    about = (dialogue.id, dialogue.need, dialogue.outcome, dialogue.satisfaction, dialogue.started_at)
    said = [(turn.speaker, turn.text, turn.label, turn.result, turn.attachments) for turn in dialogue.utterances]
    return sha256(json.dumps([about, said], sort_keys=True).encode()).hexdigest()
