"""Edits as JSON: how they are stored, and how people write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from taskflow.edits import (
    AddNode,
    Edit,
    EditError,
    MoveNode,
    RemoveNode,
    RenameAction,
    RenameFlow,
    SetResponses,
)
from taskflow.model import Evidence, FlowNode, JsonValue

_NO_TEXT = re.compile("[\0\ud800-\udfff]")  # what no database keeps
_NAMES: dict[str, type[Edit]] = {
    "rename_action": RenameAction,
    "rename_flow": RenameFlow,
    "set_responses": SetResponses,
    "add_node": AddNode,
    "remove_node": RemoveNode,
    "move_node": MoveNode,
}


def edit_to_json(edit: Edit) -> dict[str, Any]:
    name = next(name for name, kind in _NAMES.items() if type(edit) is kind)
    return {"edit": name} | asdict(edit)


def edit_from_json(value: JsonValue) -> Edit:
    """The edit that `edit_to_json` wrote, or one that a person wrote in the same form."""
    if not isinstance(value, Mapping):
        raise EditError('an edit is an object such as {"edit": "rename_action", "action_id": …, "name": …}')
    kind = _NAMES.get(str(value.get("edit")))
    if kind is None:
        raise EditError(f"no edit is called {value.get('edit')!r}: use one of {', '.join(_NAMES)}")
    wanted = {field.name for field in fields(kind)}
    given = {key: item for key, item in value.items() if key != "edit"}
    if set(given) != wanted:
        raise EditError(f"{value['edit']} takes {', '.join(sorted(wanted))}, not {', '.join(sorted(given))}")
    return kind(**{key: _read(key, item) for key, item in given.items()})


def _read(key: str, item: JsonValue) -> Any:
    if item is None and key in ("parent_id", "action_id", "jump_to"):
        return None
    return _READERS.get(key, _text)(key, item)


def _text(key: str, item: JsonValue) -> str:
    if not isinstance(item, str) or _NO_TEXT.search(item):
        raise EditError(f"{key} is {item!r}: it has to be a text, without NUL or half characters")
    return item


def _count(key: str, item: JsonValue) -> int:
    if not isinstance(item, int) or isinstance(item, bool) or not 0 <= item < 2**31:
        raise EditError(f"{key} is {item!r}: it has to be a whole number, not below 0")
    return item


def _share(key: str, item: JsonValue) -> float:
    if not isinstance(item, int | float) or isinstance(item, bool) or not 0 <= item <= 1:
        raise EditError(f"{key} is {item!r}: it has to be a number from 0 to 1")
    return float(item)


def _list(key: str, item: JsonValue) -> Sequence[JsonValue]:
    if isinstance(item, str) or not isinstance(item, Sequence):
        raise EditError(f"{key} is {item!r}: it has to be a list")
    return item


def _texts(key: str, item: JsonValue) -> tuple[str, ...]:
    return tuple(_text(key, text) for text in _list(key, item))


def _evidence(key: str, item: JsonValue) -> tuple[Evidence, ...]:
    found = []
    for seen in _list(key, item):
        if not isinstance(seen, Mapping) or set(seen) != {"dialogue_id", "turn"}:
            raise EditError(f"{key} has {seen!r}: it has to be an object with dialogue_id and turn")
        found.append(Evidence(_text("dialogue_id", seen["dialogue_id"]), _count("turn", seen["turn"])))
    return tuple(found)


def _node_value(key: str, item: JsonValue) -> FlowNode:
    known = {field.name for field in fields(FlowNode)}
    if not isinstance(item, Mapping) or not {"id", "parent_id", "action_id"} <= set(item) <= known:
        raise EditError(f"{key} is {item!r}: it has to be an object with id, parent_id, action_id")
    return FlowNode(**{name: _read(name, value) for name, value in item.items()})


_READERS: Mapping[str, Callable[[str, JsonValue], Any]] = {
    "node": _node_value,
    "responses": _texts,
    "evidence": _evidence,
    "index": _count,
    "support": _count,
    "probability": _share,
}
