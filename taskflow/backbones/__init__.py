"""Backbones are language models that choose among actions and word replies, never more than that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from taskflow.errors import TaskFlowError


class BackboneError(TaskFlowError):
    """A model that cannot be loaded or did not answer; `retryable` says whether trying again may help."""

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["system", "user", "assistant"]
    content: str


class Backbone(Protocol):
    @property
    def name(self) -> str: ...

    def score(self, messages: Sequence[Message], choices: Sequence[str]) -> list[float]:
        """How likely each choice is as the answer: probabilities in the order of `choices`, summing to one."""

    def complete(self, messages: Sequence[Message], max_tokens: int) -> str:
        """The answer's text, without thinking, cut at `max_tokens`."""
