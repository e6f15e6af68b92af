"""Dialects know how a family of models is spoken to and read, and nothing of where the model runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from taskflow.backbones.dialects.reading import Reading
from taskflow.backbones.engines import Mark, Prompt
from taskflow.backbones.protocol import Message, Request, Sampling, Thinking


@dataclass(frozen=True, slots=True)
class Room:
    """How long a prompt may get: the model's context in tokens, if anybody tells, and how to count."""

    context: int | None
    count: Callable[[str], int]


class Dialect(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def thinking(self) -> Thinking: ...

    @property
    def tools(self) -> bool: ...

    @property
    def stops(self) -> tuple[Mark, ...]: ...

    @property
    def stop_thought(self) -> Mark | None:
        """What ends thinking at its budget, None for families that do not think."""

    def thinks(self, messages: Sequence[Message], request: Request) -> bool:
        """Whether the model will think, by the request and what the messages say."""

    def sampling(self, thinking: bool) -> Sampling: ...

    def prompt(self, messages: Sequence[Message], request: Request, room: Room) -> Prompt:
        """NotOfferedError where the family cannot do what is asked."""

    def reading(self, request: Request, prompt: Prompt) -> Reading:
        """A fresh reader of the answer to this prompt."""
