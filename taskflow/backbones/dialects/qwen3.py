"""Qwen3, after its technical report (arXiv 2505.09388), its documentation and its published chat template."""

from __future__ import annotations

import re
from collections.abc import Sequence

from taskflow.backbones.dialects import Room
from taskflow.backbones.dialects.hermes import as_call, as_function
from taskflow.backbones.dialects.reading import ENDS, OPENS, Reading
from taskflow.backbones.engines import ChatPrompt, Mark, Prompt
from taskflow.backbones.errors import NotOfferedError
from taskflow.backbones.protocol import Message, Request, Sampling, Thinking

THINKING_SAMPLING = Sampling(0.6, top_p=0.95, top_k=20)
PLAIN_SAMPLING = Sampling(0.7, top_p=0.8, top_k=20, presence_penalty=1.5)
# The documentation's working text; the report prints a full stop after the tag, which no template has.
STOP_THOUGHT = Mark(
    "\n\nConsidering the limited time by the user, I have to give the solution based on the thinking directly now.\n"
    "</think>\n\n"
)
_FLAG = re.compile(r"/(no_)?think\b")
_CONTROL = re.compile(r"<\|\w+\|>|</?(?:think|tool_call|tool_response|tools)>")


class Qwen3:
    """`thinking` tells the checkpoints apart: hybrid, Thinking-2507 ("only") and Instruct-2507 ("none")."""

    name = "qwen3"
    tools = True
    stops = (Mark("<|im_end|>", 151645), Mark("<|endoftext|>", 151643))

    def __init__(self, thinking: Thinking) -> None:
        self.thinking = thinking
        self.stop_thought = None if thinking == "none" else STOP_THOUGHT

    def thinks(self, messages: Sequence[Message], request: Request) -> bool:
        """The hard switch first; where it allows thinking, the last soft flag of the messages."""
        if self.thinking != "hybrid":
            return self.thinking == "only" and request.thinking and request.budget != 0
        return request.thinking and request.budget != 0 and _last_flag(messages)

    def sampling(self, thinking: bool) -> Sampling:
        return THINKING_SAMPLING if thinking else PLAIN_SAMPLING

    def prompt(self, messages: Sequence[Message], request: Request, room: Room) -> Prompt:
        if request.thinking and self.thinking == "none":
            raise NotOfferedError("this checkpoint (Instruct-2507) does not think: ask without thinking or use another")
        switched_on = request.thinking and request.budget != 0
        return ChatPrompt(
            _given(messages),
            tuple(as_function(tool) for tool in request.tools),
            # Checkpoints of one mode have no such variable.
            {"enable_thinking": switched_on} if self.thinking == "hybrid" else {},
            # A checkpoint that only thinks is inside its thinking when it starts, and is told to stop there.
            (STOP_THOUGHT,) if self.thinking == "only" and not switched_on else None,
        )

    def reading(self, request: Request, prompt: Prompt) -> Reading:
        expected = self.thinking != "none" and request.thinking and request.budget != 0
        return Reading(expected=expected, inside=expected and self.thinking == "only")


def _last_flag(messages: Sequence[Message]) -> bool:
    """Whether the last /think or /no_think of the system or the user, if any, is the former."""
    asked = (message.content for message in reversed(messages) if message.role in {"system", "user"})
    flags = (found[-1] for text in asked if (found := _FLAG.findall(text)))
    return next(flags, "") == ""


def _given(messages: Sequence[Message]) -> tuple[dict[str, object], ...]:
    """The messages for the template: thinking goes back within the last chain of tool calls, and nowhere else.

    It goes as raw text inside the content, which the template takes apart: some servers drop the field for it.
    """
    last = max((place for place, message in enumerate(messages) if message.role == "user"), default=-1)
    given: list[dict[str, object]] = []
    for place, message in enumerate(messages):
        said = _CONTROL.sub(" ", _without_thinking(message) if message.role == "assistant" else message.content)
        if message.role == "assistant" and message.thinking and place > last:
            thought = _CONTROL.sub(" ", message.thinking).strip("\n")
            said = f"{OPENS}\n{thought}\n{ENDS}\n\n{said}"
        turn: dict[str, object] = {"role": message.role, "content": said}
        if message.calls:
            turn["tool_calls"] = [as_call(call) for call in message.calls]
        given.append(turn)
    return tuple(given)


def _without_thinking(message: Message) -> str:
    return message.content.rpartition(ENDS)[2].lstrip("\n")
