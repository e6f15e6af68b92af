"""What the product asks of a language model, and what it gets, whatever the model and wherever it runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Thinking = Literal["hybrid", "only", "none"]
Budget = Literal["native", "two-pass", "none"]
Scoring = Literal["likelihood", "first-token", "choice", "none"]
Finish = Literal["stop", "length", "tool_calls"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """`arguments` is the object itself, not its JSON."""

    name: str
    arguments: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may ask for; `parameters` is a JSON schema."""

    name: str
    description: str
    parameters: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Message:
    """`thinking` and `calls` are an assistant's; thinking is sent back within one chain of tool calls alone."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    thinking: str = ""
    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is drawn. Temperature 0 takes the likeliest; 0, 0, 0 and 1 switch the last four off."""

    temperature: float
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    presence_penalty: float = 0.0
    repetition_penalty: float = 1.0

    @property
    def greedy(self) -> bool:
        return self.temperature == 0 or self.top_k == 1


GREEDY = Sampling(0.0)


@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted of one answer.

    `max_tokens` counts all that is written: thinking, the sentence that stops it, and the answer. `budget` is how many
    of them may be thinking (None: no limit, 0: none). Without `sampling`, the family's own for the mode is used.
    `deadline` is a time of `time.monotonic()`; without one, a server has its configured timeout.
    """

    max_tokens: int = 512
    thinking: bool = False
    budget: int | None = None
    sampling: Sampling | None = None
    tools: tuple[Tool, ...] = ()
    schema: Mapping[str, object] | None = None
    seed: int | None = None
    deadline: float | None = None
    cancelled: threading.Event | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens. `thinking` holds the stopping sentence too; `reused` ones of the prompt were not computed again.

    Where a server tells only the sum of what it wrote, it is split by the pieces in which it came.
    """

    prompt: int
    thinking: int
    answer: int
    reused: int = 0


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a streamed answer. Thinking is for whoever asked, never for a customer."""

    text: str = ""
    thinking: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """`budget_hit` says that thinking was halted at its budget.

    `likelihood` is the model's own probability of the answer's tokens, on (geometric) average; None where nobody tells.
    """

    text: str
    thinking: str
    calls: tuple[ToolCall, ...]
    usage: Usage
    finish: Finish
    budget_hit: bool
    likelihood: float | None = None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model, as it is served here, can do; `context` is in tokens, None where nobody tells."""

    thinking: Thinking
    budget: Budget
    tools: bool
    structured: bool
    scoring: Scoring
    context: int | None
    sampling: Sampling
    thinking_sampling: Sampling | None


class Backbone(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    def score(
        self,
        messages: Sequence[Message],
        choices: Sequence[str],
        deadline: float | None = None,
        cancelled: threading.Event | None = None,
    ) -> list[float]:
        """How likely each choice is as the answer: probabilities in the order of `choices`, summing to one."""

    def complete(self, messages: Sequence[Message], max_tokens: int) -> str:
        """The likeliest answer's text, without thinking, cut at `max_tokens`."""

    def answer(self, messages: Sequence[Message], request: Request) -> Answer:
        """One whole answer."""

    def stream(self, messages: Sequence[Message], request: Request) -> Iterator[Delta | Answer]:
        """The answer's pieces as they are written and, last, the whole; closing the iterator stops the model."""
