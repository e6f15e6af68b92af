"""Calls to the shop's systems: a registered function answers with a typed outcome and facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from taskflow.calls import Outcome
from taskflow.errors import TaskFlowError


class CallsError(TaskFlowError):
    """The configured function cannot be found, or (raised by it) could not answer: the outcome is then `failed`."""


@dataclass(frozen=True, slots=True)
class CallResult:
    """`fields` are facts by field kind, such as {"amount": "$42.50"}: responses may use them."""

    outcome: Outcome
    fields: Mapping[str, str]


class Calls(Protocol):
    def __call__(self, name: str, fields: Mapping[str, str]) -> CallResult:
        """Answer the call `name`, given the fields that the conversation knows."""


def load_calls(spec: str) -> Calls:
    """The function of [runtime] calls, written module:function."""
    module, _, function = spec.partition(":")
    try:
        found: Calls = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise CallsError(f"[runtime] calls = {spec!r} names no function: write it as module:function") from error
    return found
