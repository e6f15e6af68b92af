"""Calls to the shop's systems: each is answered with a typed outcome and facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol

from taskflow.bindings import CallBinding
from taskflow.calls import Outcome
from taskflow.errors import TaskFlowError


class CallsError(TaskFlowError):
    """A call that could not be answered: its outcome is then `failed`."""


class UnboundCallError(CallsError):
    """Nothing answers this call: it is handed over, or rehearsed."""


@dataclass(frozen=True, slots=True)
class CallRequest:
    """`fields` are the values that the conversation knows, by kind, as people wrote them; `typed` as systems want them.

    `key` is the same whenever the same call of the same turn is made again, as after a crash, and no other's.
    """

    name: str
    fields: Mapping[str, str]
    typed: Mapping[str, str]
    binding: CallBinding | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class CallResult:
    """`fields` are facts by field kind, such as {"amount": "$42.50"}: responses may use them.

    `reason` is for people, not for the customer. A result that is not `is_certain` leaves open whether anything was
    changed. `record` is what went out and what came back, masked.
    """

    outcome: Outcome
    fields: Mapping[str, str]
    reason: str = ""
    is_certain: bool = True
    record: Mapping[str, Any] = field(default_factory=dict)


class Calls(Protocol):
    """What a shop registers: the simplest way to answer calls."""

    def __call__(self, name: str, fields: Mapping[str, str]) -> CallResult:
        """Answer the call `name`, given the fields that the conversation knows. Raises CallsError."""


def load_calls(spec: str) -> Calls:
    """The function that the configuration names as module:function. Raises CallsError."""
    module, _, function = spec.partition(":")
    try:
        found: Calls = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise CallsError(f"{spec!r} names no function: write it as module:function") from error
    return found
