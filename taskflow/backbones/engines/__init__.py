"""Engines run tokens. What they are given is a prompt of some dialect, of which they know nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from taskflow.backbones.errors import CancelledError, OutOfTimeError
from taskflow.backbones.protocol import Finish, Sampling, Scoring, ToolCall


@dataclass(frozen=True, slots=True)
class Mark:
    """Text of ours in which control tokens count as such; `id` where the family names one token by its number."""

    text: str
    id: int | None = None


Part = str | Mark | tuple[int, ...]
"""Text of people, in which nothing controls; a mark; or tokens that the model has written."""


@dataclass(frozen=True, slots=True)
class ChatPrompt:
    """Messages for the model's own template; `options` are its variables.

    `begun` is how the answer begins. Not None, the engine continues exactly there, with no reading of its own between.
    """

    messages: tuple[Mapping[str, object], ...]
    tools: tuple[Mapping[str, object], ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)
    begun: tuple[Part, ...] | None = None


@dataclass(frozen=True, slots=True)
class PartsPrompt:
    """A prompt put together by the dialect; `last` tokens of it are kept where it is longer."""

    parts: tuple[Part, ...]
    last: int | None = None


Prompt = ChatPrompt | PartsPrompt


@dataclass(frozen=True, slots=True)
class Run:
    """How far and how to write. `thought_limit` is for engines that halt thinking themselves."""

    max_tokens: int
    sampling: Sampling
    stops: tuple[Mark, ...] = ()
    thought_limit: int | None = None
    schema: Mapping[str, object] | None = None
    seed: int | None = None
    deadline: float | None = None
    cancelled: threading.Event | None = None

    def check(self) -> None:
        """Raise where nobody waits for the answer any more."""
        if self.cancelled is not None and self.cancelled.is_set():
            raise CancelledError
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise OutOfTimeError("the model did not answer in time: allow more, ask for less, or use a faster machine")


@dataclass(frozen=True, slots=True)
class Count:
    """Tokens of the prompt, and of thinking where a server counts them; `reused` needed no computing."""

    prompt: int
    thinking: int | None = None
    reused: int = 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of what the model writes; the last one has `finish`. `reasoning` is what a server took for thinking.

    `logprob` is the log-likelihood of the piece's tokens, where the engine tells it.
    """

    text: str = ""
    reasoning: str = ""
    ids: tuple[int, ...] = ()
    tokens: int = 0
    logprob: float | None = None
    calls: tuple[ToolCall, ...] = ()
    finish: Finish | None = None
    count: Count | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What an engine knows of its model and of itself.

    `continues` says whether it takes a chat prompt that has begun, `options` whether the template's variables reach it.
    """

    model: str
    architecture: str | None
    vocabulary: int | None
    context: int | None
    scoring: Scoring
    structured: bool
    continues: bool
    options: bool = True
    native_budget: bool = False


@dataclass(frozen=True, slots=True)
class Hub:
    """A checkpoint of the hub. `revision` is a commit; only with one may the checkpoint's own code be run."""

    name: str
    revision: str | None = None
    own_code: bool = False


class Engine(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def facts(self) -> Facts: ...

    def generate(self, prompt: Prompt, run: Run) -> Iterator[Chunk]: ...

    def generate_all(self, prompts: Sequence[Prompt], run: Run) -> list[list[Chunk]]:
        """Several prompts at once, in their order."""

    def score(self, prompt: Prompt, choices: Sequence[str], run: Run) -> list[float]: ...

    def count(self, text: str) -> int:
        """How many tokens the text has; at least as many as it can have, where the engine has no tokenizer."""

    def render(self, prompt: ChatPrompt) -> str | None:
        """The prompt as the model's template writes it, None where the engine cannot see that."""
