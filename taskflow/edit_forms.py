"""Edits as JSON: how they are stored, and how people write them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, asdict, fields
from enum import StrEnum
from typing import Any, TypeVar

from taskflow.bindings import BindingError, CallBinding, Effect
from taskflow.edits import (
    AddAction,
    AddExemplars,
    AddFlow,
    AddNode,
    AddResponses,
    AttachCall,
    DescribeAction,
    Edit,
    EditError,
    FlowBefore,
    MergeActions,
    MoveNode,
    RemoveNode,
    RenameAction,
    RenameFlow,
    Restore,
    SetActionStatus,
    SetCost,
    SetNodeStatus,
    SetResponses,
    SplitAction,
)
from taskflow.model import (
    DialogueAction,
    Evidence,
    Exemplar,
    FlowNode,
    JsonValue,
    ModelError,
    Speaker,
    Status,
    TaskFlow,
)

_T = TypeVar("_T")
_Reader = Callable[[str, JsonValue], Any]
_NO_TEXT = re.compile("[\0\ud800-\udfff]")  # what no database keeps
_NAMES: dict[str, type[Edit]] = {
    "rename_action": RenameAction,
    "describe_action": DescribeAction,
    "set_action_status": SetActionStatus,
    "attach_call": AttachCall,
    "merge_actions": MergeActions,
    "split_action": SplitAction,
    "add_action": AddAction,
    "add_exemplars": AddExemplars,
    "rename_flow": RenameFlow,
    "add_flow": AddFlow,
    "set_responses": SetResponses,
    "add_responses": AddResponses,
    "set_node_status": SetNodeStatus,
    "set_cost": SetCost,
    "add_node": AddNode,
    "remove_node": RemoveNode,
    "move_node": MoveNode,
    "restore": Restore,
}


def edit_name(edit: Edit) -> str:
    return next(name for name, kind in _NAMES.items() if type(edit) is kind)


def edit_to_json(edit: Edit) -> dict[str, Any]:
    return {"edit": edit_name(edit)} | asdict(edit, dict_factory=_object)


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
    try:
        return kind(**{key: _readers(kind)[key](key, item) for key, item in given.items()})
    except ModelError as error:
        raise EditError(str(error)) from error


def binding_to_json(binding: CallBinding) -> dict[str, Any]:
    return asdict(binding, dict_factory=_object)


def binding_from_json(value: JsonValue) -> CallBinding:
    """A binding as it was written, or as people write it: what has a default may be left out. Raises EditError."""
    try:
        found: CallBinding = _value(CallBinding)("binding", value)
    except BindingError as error:
        raise EditError(str(error)) from error
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key: dict(value) if key in ("outcomes", "labels", "facts") else value for key, value in pairs}


def _text(key: str, item: JsonValue) -> str:
    if not isinstance(item, str) or _NO_TEXT.search(item):
        raise EditError(f"{key} is {item!r}: it has to be a text, without NUL or half characters")
    return item


def _optional(key: str, item: JsonValue) -> str | None:
    return None if item is None else _text(key, item)


def _count(key: str, item: JsonValue) -> int:
    if not isinstance(item, int) or isinstance(item, bool) or not 0 <= item < 2**31:
        raise EditError(f"{key} is {item!r}: it has to be a whole number, not below 0")
    return item


def _share(key: str, item: JsonValue) -> float:
    if not isinstance(item, int | float) or isinstance(item, bool) or not 0 <= item <= 1:
        raise EditError(f"{key} is {item!r}: it has to be a number from 0 to 1")
    return float(item)


def _cost(key: str, item: JsonValue) -> float:
    if not isinstance(item, int | float) or isinstance(item, bool) or not 0 < item < math.inf:
        raise EditError(f"{key} is {item!r}: it has to be a number above 0")
    return float(item)


def _seconds(key: str, item: JsonValue) -> float:
    if not isinstance(item, int | float) or isinstance(item, bool):
        raise EditError(f"{key} is {item!r}: it has to be a number of seconds")
    return float(item)


def _flag(key: str, item: JsonValue) -> bool:
    if not isinstance(item, bool):
        raise EditError(f"{key} is {item!r}: it has to be true or false")
    return item


def _binding(key: str, item: JsonValue) -> CallBinding | None:
    return None if item is None else binding_from_json(item)


def _choice(kind: type[StrEnum]) -> _Reader:
    def read(key: str, item: JsonValue) -> StrEnum:
        if not isinstance(item, str) or item not in list(kind):
            raise EditError(f"{key} is {item!r}: it has to be one of {', '.join(kind)}")
        return kind(item)

    return read


def _list(read: Callable[[str, JsonValue], _T]) -> Callable[[str, JsonValue], tuple[_T, ...]]:
    def read_all(key: str, item: JsonValue) -> tuple[_T, ...]:
        if isinstance(item, str) or not isinstance(item, Sequence):
            raise EditError(f"{key} is {item!r}: it has to be a list")
        return tuple(read(key, one) for one in item)

    return read_all


def _pairs(read: Callable[[str, JsonValue], _T]) -> Callable[[str, JsonValue], tuple[tuple[str, _T], ...]]:
    def read_all(key: str, item: JsonValue) -> tuple[tuple[str, _T], ...]:
        if not isinstance(item, Mapping):
            raise EditError(f"{key} is {item!r}: it has to be an object")
        return tuple((_text(key, name), read(key, value)) for name, value in item.items())

    return read_all


def _value(kind: type[Any]) -> _Reader:
    """Reads an object of the model: fields without a default have to be there, no others may be."""
    known = {field.name for field in fields(kind)}
    needed = [field.name for field in fields(kind) if _is_needed(field)]

    def read(key: str, item: JsonValue) -> Any:
        if not isinstance(item, Mapping) or not set(needed) <= set(item) <= known:
            raise EditError(f"{key} is {item!r}: it has to be an object with {', '.join(needed)}")
        return kind(**{name: _readers(kind)[name](name, value) for name, value in item.items()})

    return read


def _is_needed(field: Field[Any]) -> bool:
    return field.default is MISSING


def _readers(kind: type[Any]) -> Mapping[str, _Reader]:
    return _ALL | _OWN.get(kind, {})


_ALL: dict[str, _Reader] = {
    "action": _value(DialogueAction),
    "action_id": _text,
    "action_order": _list(_text),
    "actions": _list(_value(DialogueAction)),
    "binding": _binding,
    "confirm": _flag,
    "cost": _cost,
    "count": _count,
    "description": _text,
    "dialogue_id": _text,
    "effect": _choice(Effect),
    "endpoint": _text,
    "evidence": _list(_value(Evidence)),
    "exemplars": _list(_value(Exemplar)),
    "facts": _pairs(_text),
    "flow": _value(TaskFlow),
    "flow_id": _text,
    "flow_order": _list(_text),
    "flows": _list(_value(FlowBefore)),
    "id": _text,
    "index": _count,
    "inputs": _list(_text),
    "jump_to": _optional,
    "labels": _pairs(_text),
    "merged": _list(_text),
    "method": _text,
    "name": _text,
    "new_id": _text,
    "node": _value(FlowNode),
    "node_id": _text,
    "nodes": _list(_value(FlowNode)),
    "order": _list(_text),
    "outcomes": _pairs(_count),
    "parent_id": _text,
    "path": _text,
    "probability": _share,
    "responses": _list(_text),
    "retries": _count,
    "speaker": _choice(Speaker),
    "status": _choice(Status),
    "support": _count,
    "text": _text,
    "texts": _list(_text),
    "timeout": _seconds,
    "turn": _count,
}
# A root has no parent and may have no action.
_OWN: dict[type[Any], dict[str, _Reader]] = {FlowNode: {"parent_id": _optional, "action_id": _optional}}
