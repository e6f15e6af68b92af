"""YAML as plain values with the line of each: every scalar is the text that stands there, so `no` is a word."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from taskflow.charts.form import DEEPEST, ChartError, Loc, field_name

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NOTHING = ("", "~", "null")
_NO_TEXT = re.compile("[\0\ud800-\udfff]")  # what no database keeps
_PROBLEMS = {
    "mapping values are not allowed": "has a ': ' within a text: put the text in quotes",
    "did not find expected '-' indicator": "is indented otherwise than its list, or lacks its '- ': line it up",
    "did not find expected key": "is indented otherwise than the lines above, or lacks its key: line it up",
    "tab character": "is indented with a tab: use spaces",
    "cannot start any token": "begins a text with a sign that YAML keeps for itself: put the text in quotes",
}
"""What the reader of YAML says, and what to do about it."""
_MOST_LEVELS = 4 * DEEPEST + 8  # a step within a step is two to four levels of YAML


@dataclass(slots=True)
class Place:
    """The line of a value, from 1, and the places of what is in it."""

    line: int
    parts: dict[str | int, Place] = field(default_factory=dict)

    def find(self, loc: Loc) -> tuple[int, Loc]:
        """The line of a field, and the part of `loc` that is in the file: what is missing has the line around it."""
        place, found = self, []
        for part in loc:
            if part in place.parts:
                place = place.parts[part]
                found.append(part)
        return place.line, tuple(found)


@dataclass(slots=True)
class _Open:
    """A mapping or list that has not ended; `key` waits for its value, `part` is what it is in the one around it."""

    value: dict[str, Any] | list[Any]
    place: Place
    part: str | int | None
    key: str | None = None


def read_yaml(text: str, name: str) -> tuple[Any, Place]:
    """The values and where they stand. Anchors, tags and a second document are errors: a chart needs none."""
    if _NO_TEXT.search(text):
        raise ChartError(f"{name}: is no text (it has NUL or half characters): save it as UTF-8")
    try:
        return _Reading(name).values(text)
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # the latter two: an escape of no character
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        where = name if mark is None else f"{name}, line {mark.line + 1}"
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
        usual = f"is no YAML ({problem}): correct it, or put the text in quotes"
        told = next((told for said, told in _PROBLEMS.items() if said in problem), usual)
        raise ChartError(f"{where}: {told}") from error


class _Reading:
    def __init__(self, name: str) -> None:
        self._name = name
        self._open: list[_Open] = []
        self._root: tuple[Any, Place] | None = None

    def values(self, text: str) -> tuple[Any, Place]:
        documents = 0
        for event in yaml.parse(text, Loader=_LOADER):
            match event:
                case yaml.DocumentStartEvent():
                    documents += 1
                    if documents > 1:
                        raise self._error(event, "begins a second document: keep one chart in a file")
                case yaml.NodeEvent():
                    self._node(event)
                case yaml.CollectionEndEvent():
                    self._open.pop()
        if self._root is None or self._root[0] is None:
            raise ChartError(f"{self._name}: is empty: begin with 'assistant:' and a name")
        return self._root

    def _node(self, event: Any) -> None:
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise self._error(event, "has an anchor or an alias (& or *): write it out, or put the text in quotes")
        if event.tag is not None:
            raise self._error(event, "has a tag (!): leave it out, or put the text in quotes")
        place = Place(event.start_mark.line + 1)
        if isinstance(event, yaml.ScalarEvent):
            self._put(event, self._scalar(event), place)
            return
        value: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        part = self._part()
        self._put(event, value, place)
        self._open.append(_Open(value, place, part))
        if len(self._open) > _MOST_LEVELS:
            raise self._error(event, f"is more than {_MOST_LEVELS} levels deep: let a step jump instead")

    def _scalar(self, event: Any) -> str | None:
        text: str = event.value
        if _NO_TEXT.search(text):
            raise self._error(event, "has NUL or half characters: leave them out")
        return None if event.implicit[0] and text.lower() in _NOTHING else text

    def _put(self, event: Any, value: Any, place: Place) -> None:
        if not self._open:
            self._root = value, place
            return
        around = self._open[-1]
        if isinstance(around.value, list):
            around.place.parts[len(around.value)] = place
            around.value.append(value)
        elif around.key is None:
            around.key = self._key(event, value, around)
        else:
            around.value[around.key] = value
            around.place.parts[around.key] = place
            around.key = None

    def _key(self, event: Any, value: Any, around: _Open) -> str:
        if not isinstance(value, str):
            raise self._error(event, "is no key: a key is one text, such as agent")
        if value in around.value:
            raise self._error(event, f"has {value!r} a second time: keep one of them")
        return value

    def _part(self) -> str | int | None:
        """Where the next value goes in the innermost mapping or list."""
        if not self._open:
            return None
        around = self._open[-1]
        return len(around.value) if isinstance(around.value, list) else around.key

    def _error(self, event: Any, sentence: str) -> ChartError:
        parts = (*(around.part for around in self._open[1:]), self._part())
        path = tuple(part for part in parts if part is not None)
        at = f": {field_name(path)}" if path else ""
        return ChartError(f"{self._name}, line {event.start_mark.line + 1}{at}: {sentence}")
