"""The form of a chart: what stands in the file, typed, before any name in it is looked up.

A list under `steps` or `then` is one thing after another; a list under `branches` is one or the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from taskflow.bindings import BindingError, CallBinding, Effect
from taskflow.calls import Outcome
from taskflow.errors import TaskFlowError
from taskflow.model import Speaker, Status

Language = Literal["en", "zh"]
Loc = tuple[str | int, ...]
"""The keys and list places that lead to a field."""

DEEPEST = 100
"""How many steps may stand within one another; a list of steps, however long, is one."""

SPEAKERS = {"customer": Speaker.USER, "agent": Speaker.AGENT, "call": Speaker.SYSTEM, "system": Speaker.SYSTEM}
"""Whose turn a step is, by its key."""


class ChartError(TaskFlowError):
    """A chart that cannot be read or written; `loc` says where in the form, as far as it is one place."""

    def __init__(self, sentence: str, loc: Loc = ()) -> None:
        super().__init__(f"{field_name(loc)}: {sentence}" if loc else sentence)
        self.sentence = sentence
        self.loc = loc


def field_name(loc: Loc) -> str:
    """Such as flows[0].steps[2].agent; list places count from 0."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return "".join(parts).removeprefix(".")


def _several(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _filled(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty: write a text, or leave the field out")
    return text


Text = Annotated[str, AfterValidator(_filled)]
Count = Annotated[int, Field(ge=0, lt=2**31)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_several)]


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ExemplarForm(_Form):
    """A wording, and how often it was said."""

    text: str
    count: Count = 1

    @model_validator(mode="before")
    @classmethod
    def _text_alone(cls, value: Any) -> Any:
        return {"text": value} if isinstance(value, str) else value


Exemplars = Annotated[tuple[ExemplarForm, ...], BeforeValidator(_several)]


_USUAL = CallBinding("usual")


class BindingForm(_Form):
    """What answers a call; see CallBinding."""

    endpoint: Text
    path: str = _USUAL.path
    method: str = _USUAL.method
    inputs: Texts = _USUAL.inputs
    effect: Effect = _USUAL.effect
    timeout: float = _USUAL.timeout
    retries: int = _USUAL.retries
    confirm: bool = _USUAL.confirm
    facts: dict[str, Text] = Field(default_factory=dict)

    @property
    def bound(self) -> CallBinding:
        """Raises BindingError."""
        told = {name: getattr(self, name) for name in type(self).model_fields}
        return CallBinding(**told | {"facts": tuple(self.facts.items())})

    @model_validator(mode="after")
    def _can_be(self) -> BindingForm:
        try:
            _ = self.bound
        except BindingError as error:
            raise ValueError(str(error)) from error
        return self


class ActionForm(_Form):
    """A Dialogue Action. `responses` hold for the agent's steps without their own; a call has `outcomes`, `binding`."""

    speaker: Literal["customer", "agent", "system"]
    name: Text | None = None
    description: str = ""
    exemplars: Exemplars | None = None
    responses: Texts | None = None
    outcomes: tuple[Outcome, ...] | None = None
    binding: BindingForm | None = None
    support: Count = 1
    status: Status = Status.PROPOSED


class _Node(_Form):
    """What every node may have: without an id one is derived; without shares siblings are equally likely."""

    id: Text | None = None
    responses: Texts | None = None
    support: Count = 1
    share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    cost: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    status: Status = Status.PROPOSED
    evidence: tuple[tuple[str, int], ...] = ()
    ended: dict[str, Count] = Field(default_factory=dict)


class RootForm(_Node):
    """A flow's root; with an action of its own it is said, without one it stands for the need alone."""

    customer: Text | None = None
    agent: Text | None = None
    call: Text | None = None
    system: Text | None = None

    @property
    def said(self) -> tuple[str, str] | None:
        """The key and the action that it names."""
        return next(((key, name) for key in SPEAKERS if (name := getattr(self, key)) is not None), None)

    @model_validator(mode="after")
    def _one_action(self) -> RootForm:
        _at_most_one(self, "customer", "agent", "call", "system")
        return self


class _Going(_Node):
    """What goes on: with one thing after another, or one of several ways."""

    then: tuple[StepForm, ...] = ()
    branches: tuple[StepForm, ...] = ()


class OutcomeForm(_Going):
    """What follows one outcome of a call; a list alone is its `then`."""

    @model_validator(mode="before")
    @classmethod
    def _list_alone(cls, value: Any) -> Any:
        if value is None:
            return {}
        return {"then": value} if isinstance(value, list | tuple) else value

    @model_validator(mode="after")
    def _one_way(self) -> OutcomeForm:
        _at_most_one(self, "then", "branches")
        return self


class StepForm(_Going, RootForm):
    """One node and what follows it. In a file each outcome is a key of its own, beside `call`."""

    jump: Text | None = None
    action: Text | None = None
    exemplars: Exemplars | None = None
    outcomes: dict[Outcome, OutcomeForm] = Field(default_factory=dict)

    @property
    def goes_on(self) -> bool:
        return bool(self.then or self.branches or self.outcomes)

    @model_validator(mode="before")
    @classmethod
    def _outcomes_together(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        if "outcomes" in value:
            raise ValueError("has outcomes: write each as a key of the step, such as ok")
        outcomes = {key: found for key, found in value.items() if key in list(Outcome)}
        rest = {key: found for key, found in value.items() if key not in outcomes}
        return rest | {"outcomes": outcomes} if outcomes else rest

    @model_validator(mode="after")
    def _one_thing(self) -> StepForm:
        _at_most_one(self, "customer", "agent", "call", "system", "jump")
        _at_most_one(self, "then", "branches", "outcomes")
        if self.said is None and self.jump is None:
            raise ValueError("says nothing: give it one of customer, agent, call, system or jump")
        if self.outcomes and self.call is None:
            raise ValueError(f"has the outcome {next(iter(self.outcomes))} and is no call: put it under a call")
        if self.action is not None and self.jump is None:
            raise ValueError("has an action beside what it says: leave it out, only a jump may name one")
        if self.jump is not None and (self.goes_on or self.exemplars):
            raise ValueError("jumps and goes on: leave out what follows the jump")
        return self


class FlowForm(_Form):
    id: Text
    name: Text | None = None
    root: RootForm = Field(default_factory=RootForm)
    steps: tuple[StepForm, ...] = ()
    branches: tuple[StepForm, ...] = ()

    @model_validator(mode="after")
    def _one_way(self) -> FlowForm:
        _at_most_one(self, "steps", "branches")
        return self


class ChartForm(_Form):
    """A whole file. `language` is what customers and agents write in."""

    assistant: Text
    language: Language
    actions: dict[str, ActionForm] = Field(default_factory=dict)
    flows: tuple[FlowForm, ...] = ()

    def steps(self) -> Iterator[tuple[Loc, StepForm]]:
        """Every step in the order of the file, with its place."""
        for number, flow in enumerate(self.flows):
            for key in ("steps", "branches"):
                yield from _below(getattr(flow, key), ("flows", number, key))


def _below(steps: tuple[StepForm, ...], loc: Loc) -> Iterator[tuple[Loc, StepForm]]:
    for number, step in enumerate(steps):
        here = (*loc, number)
        yield here, step
        for key in ("then", "branches"):
            yield from _below(getattr(step, key), (*here, key))
        for outcome, following in step.outcomes.items():
            for key in ("then", "branches"):
                yield from _below(getattr(following, key), (*here, outcome.value, key))


def _at_most_one(form: BaseModel, *keys: str) -> None:
    given = [key for key in keys if getattr(form, key)]
    if len(given) > 1:
        raise ValueError(f"has both {given[0]} and {given[1]}: keep one of them")
