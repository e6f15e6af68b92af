"""Conversation tests: what a customer says, step by step, and what is expected to happen, in YAML.

The form is documented in docs/conversation-tests.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from runtime.config import RuntimeConfig
from runtime.repair import Repair
from taskflow.calls import Outcome
from taskflow.charts.form import ChartError, Loc, field_name
from taskflow.charts.source import Place, read_yaml
from taskflow.errors import TaskFlowError

_SUFFIXES = (".yaml", ".yml")
_SENTENCES = {
    "missing": "is missing: add it",
    "tuple_type": "has to be a list: begin each of its lines with '- '",
    "too_short": "is empty: write at least one",
}
_ACTS = ("customer", "choose", "again", "publish", "hand_back", "wait")


class ConversationTestError(TaskFlowError):
    """A test file that cannot be read or run: the file, the line, and the remedy."""


def _several(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _named(value: Any) -> Any:
    """ "track: ok" is a mapping of one in YAML; "track" alone leaves the outcome open."""
    if isinstance(value, str):
        return {"name": value}
    if isinstance(value, dict) and len(value) == 1:
        ((name, outcome),) = value.items()
        return {"name": name, "outcome": outcome}
    raise ValueError("is no call: write its name, or its name and outcome, such as 'track: ok'")


def _answers(value: Any) -> Any:
    return [value] if isinstance(value, str | dict) else value


def _filled(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty: write a text, or leave the field out")
    return text


Text = Annotated[str, AfterValidator(_filled)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_several)]


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Answer(_Form):
    """What a call answers in a test; an outcome alone is its whole answer."""

    outcome: Outcome
    fields: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _outcome_alone(cls, value: Any) -> Any:
        return {"outcome": value} if isinstance(value, str) else value


class ExpectedCall(_Form):
    name: Text
    outcome: Outcome | None = None


class Step(_Form):
    """One thing that is done, and what is expected of it; what is not named may be anything.

    Several texts under `customer` are sent at once. An empty list under `says`, `repair`, `calls` or `choices`
    expects none.
    """

    customer: Texts | None = None
    choose: Text | None = None
    photo: Text | None = None
    again: bool = False
    publish: Text | None = None
    hand_back: Text | None = None
    wait: Annotated[int, Field(gt=0)] | None = None
    """Minutes that pass; customers who have gone meanwhile are noticed."""

    says: Texts | None = None
    contains: Texts | None = None
    action: Texts | None = None
    node: Texts | None = None
    flow: Texts | None = None
    repair: Annotated[tuple[Repair, ...], BeforeValidator(_several)] | None = None
    fields: dict[str, str | None] | None = None
    calls: Annotated[tuple[Annotated[ExpectedCall, BeforeValidator(_named)], ...], BeforeValidator(_answers)] | None = (
        None
    )
    choices: Texts | None = None
    refused: Text | None = None
    """A part of the reason why the message is not taken."""

    handoff: bool | None = None
    closed: bool | None = None

    @model_validator(mode="after")
    def _one_act(self) -> Step:
        if self.photo is not None and self.customer is None:
            raise ValueError("has a photo without words: add what the customer writes beside it under 'customer'")
        given = [act for act in _ACTS if getattr(self, act)]
        if len(given) > 1:
            raise ValueError(f"has both {given[0]} and {given[1]}: make two steps of it")
        if not given:
            raise ValueError(f"does nothing: give it one of {', '.join(_ACTS)}")
        return self


class ConversationTest(_Form):
    """One conversation. `weight` is how many real ones go this way; `fails` says why it is known to fail."""

    name: Text
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    fails: Text | None = None
    calls: dict[str, Annotated[tuple[Answer, ...], BeforeValidator(_answers)]] = Field(default_factory=dict)
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]


class ConversationTests(_Form):
    """A whole file: conversations with an assistant of the database, or with a chart that lies beside the file."""

    assistant: Text | None = None
    chart: Text | None = None
    settings: RuntimeConfig = RuntimeConfig()
    calls: dict[str, Annotated[tuple[Answer, ...], BeforeValidator(_answers)]] = Field(default_factory=dict)
    conversations: tuple[ConversationTest, ...]

    @model_validator(mode="after")
    def _one_target(self) -> ConversationTests:
        if self.assistant and self.chart:
            raise ValueError("has both assistant and chart: keep one of them")
        return self


@dataclass(frozen=True, slots=True)
class ReadTests:
    """A file that was read, and on which line each step stands."""

    path: Path
    tests: ConversationTests
    place: Place

    def line(self, conversation: int, step: int) -> int:
        return self.place.find(("conversations", conversation, "steps", step))[0]

    def settings(self, configured: RuntimeConfig) -> RuntimeConfig:
        """What is configured, with what the file sets in its place."""
        given = self.tests.settings
        return configured.model_copy(update={name: getattr(given, name) for name in given.model_fields_set})

    def answers(self, test: ConversationTest) -> Mapping[str, tuple[Answer, ...]]:
        """The calls' answers of one conversation: its own, and the file's."""
        return {**self.tests.calls, **test.calls}


def files_in(paths: list[Path]) -> list[Path]:
    """The files that are meant, those of a folder and of all below it in the order of their names."""
    found: list[Path] = []
    for path in paths:
        below = sorted(one for one in path.rglob("*") if one.suffix in _SUFFIXES) if path.is_dir() else [path]
        found += [one for one in below if not path.is_dir() or _has_conversations(one)]
    if not found:
        raise ConversationTestError(f"{', '.join(map(str, paths))}: holds no conversation tests: name a file or folder")
    return found


def read_tests(path: Path) -> ReadTests:
    """Raises ConversationTestError."""
    text = _text(path)
    try:
        values, place = read_yaml(text, str(path))
    except ChartError as error:
        raise ConversationTestError(str(error)) from error
    try:
        return ReadTests(path, ConversationTests.model_validate(values), place)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        line, loc = place.find(_loc(first))
        missing = first["type"] in ("missing", "extra_forbidden")
        field = field_name((*loc, *first["loc"][-1:]) if missing and loc[-1:] != first["loc"][-1:] else loc)
        raise ConversationTestError(f"{path}, line {line}: {field or 'the file'}: {_sentence(first)}") from error


def _has_conversations(path: Path) -> bool:
    """A chart may lie beside the tests of it: a file is one of tests when it has conversations."""
    return any(line.startswith("conversations:") for line in _text(path).splitlines())


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConversationTestError(f"{path}: cannot be read ({error.strerror}): check its name") from error
    except UnicodeDecodeError as error:
        raise ConversationTestError(f"{path}: is no UTF-8 (byte {error.start}): save it as UTF-8") from error


def _loc(error: ErrorDetails) -> Loc:
    return tuple(part for part in error["loc"] if part != "[key]")


def _sentence(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden":
            keys = [*Step.model_fields, *ConversationTest.model_fields, *ConversationTests.model_fields]
            near = get_close_matches(str(error["loc"][-1]), keys, 1)
            return f"is no key that can stand here: {f'did you mean {near[0]!r}?' if near else 'leave it out'}"
        case "literal_error" | "enum":
            return f"is {error['input']!r}: use {context['expected']}"
        case "value_error":
            return str(context["error"])
        case kind:
            return _SENTENCES.get(kind, f"{error['msg'][:1].lower()}{error['msg'][1:]}: correct it")
