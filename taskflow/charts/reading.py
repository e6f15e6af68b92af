"""A chart's YAML to an assistant; every error names the file, the line, the field and the remedy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from taskflow.charts.building import build_with_places
from taskflow.charts.form import ActionForm, ChartError, ChartForm, FlowForm, Language, Loc, StepForm, field_name
from taskflow.charts.source import Place, read_yaml
from taskflow.model import Assistant, NodeId

_KEYS = [
    *(key for form in (ChartForm, FlowForm, ActionForm, StepForm) for key in form.model_fields),
    *("ok", "not_found", "refused", "failed"),
]
_SENTENCES = {
    "missing": "is missing: add it",
    "tuple_type": "has to be a list: begin each of its lines with '- '",
    "dict_type": "has to be keys with values, such as 'id: …'",
    "model_type": "has to be keys with values, such as 'id: …'",
    "model_attributes_type": "has to be keys with values, such as 'id: …'",
    "string_type": "has to be a text: write one, in quotes where it has a ': ' or begins with a sign",
    "int_type": "has to be a whole number",
    "int_parsing": "has to be a whole number",
    "int_parsing_size": "has to be a whole number of usual size",
    "float_type": "has to be a number from 0 to 1",
    "float_parsing": "has to be a number from 0 to 1",
    "recursion_loop": "is too deep: let a step jump instead",
}


@dataclass(frozen=True, slots=True)
class Chart:
    """What a file holds. `language` is what its texts are written in: the model has no place for it.

    `lines` says where each node stands, counted from 1.
    """

    assistant: Assistant
    language: Language
    lines: Mapping[NodeId, int]


def read_chart(text: str, name: str) -> Chart:
    """The assistant that `text` describes; `name` is what errors call the file. Raises ChartError."""
    values, place = read_yaml(text, name)
    try:
        form = ChartForm.model_validate(values)
        assistant, places = build_with_places(form)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise _placed(name, place, _loc(first), _sentence(first)) from error
    except ChartError as error:
        raise _placed(name, place, error.loc, error.sentence) from error
    return Chart(assistant, form.language, {node: place.find(loc)[0] for node, loc in places.items()})


def read_chart_file(path: Path) -> Chart:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ChartError(f"{path}: cannot be read ({error.strerror}): check its name") from error
    except UnicodeDecodeError as error:
        raise ChartError(f"{path}: is no UTF-8 (byte {error.start}): save it as UTF-8") from error
    return read_chart(text, str(path))


def _placed(name: str, place: Place, loc: Loc, sentence: str) -> ChartError:
    line, found = place.find(loc)
    field = field_name(loc if len(found) == len(loc) else (*found, *loc[-1:]) if "missing" in sentence else found)
    return ChartError(f"{name}, line {line}: {field}: {sentence}" if field else f"{name}, line {line}: {sentence}")


def _loc(error: ErrorDetails) -> Loc:
    return tuple(part for part in error["loc"] if part != "[key]")


def _sentence(error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(str(error["loc"][-1]))
    if kind in ("literal_error", "enum"):
        return f"is {error['input']!r}: use {context['expected']}"
    if kind == "value_error":
        return str(context["error"])
    if kind in ("greater_than_equal", "less_than_equal", "less_than", "greater_than", "finite_number"):
        return f"is {error['input']}: {_lowered(error['msg'])}"
    return _SENTENCES.get(kind, f"{_lowered(error['msg'])}: correct it")


def _unknown_key(key: str) -> str:
    near = get_close_matches(key, _KEYS, 1)
    return f"is no key that can stand here: {f'did you mean {near[0]!r}?' if near else 'leave it out'}"


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:]
