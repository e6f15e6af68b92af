"""Baichuan 2 (arXiv 2309.10305), after the rule of its published generation code, `build_chat_input`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from taskflow.backbones.dialects import Room
from taskflow.backbones.dialects.reading import Reading
from taskflow.backbones.engines import Mark, Part, PartsPrompt, Prompt
from taskflow.backbones.errors import NotOfferedError
from taskflow.backbones.protocol import Message, Request, Sampling, Thinking

VOCABULARY = 125_696  # tells the second generation from the first, which had 64,000 entries
MAX_NEW_TOKENS = 2048  # the family's own default, half its context
USER, ASSISTANT, END = Mark("<reserved_106>", 195), Mark("<reserved_107>", 196), Mark("</s>", 2)
_CONTEXT = 4096
_CONTROL = re.compile(r"<reserved_\d+>|</?s>|<unk>|<pad>")


class Baichuan2:
    """Role tokens without anything between turns, an unmarked system text, no end token in the history."""

    name = "baichuan2"
    thinking: Thinking = "none"
    tools = False
    stops = (END, USER)  # the second where the model would write the customer's part too
    stop_thought = None

    def thinks(self, messages: Sequence[Message], request: Request) -> bool:
        return False

    def sampling(self, thinking: bool) -> Sampling:
        return Sampling(0.3, top_p=0.85, top_k=5, repetition_penalty=1.05)

    def prompt(self, messages: Sequence[Message], request: Request, room: Room) -> Prompt:
        if request.thinking or request.tools:
            raise NotOfferedError("Baichuan 2 has neither thinking nor tools: ask without them")
        system, rounds = _rounds(messages)
        longest = (room.context or _CONTEXT) - request.max_tokens
        if longest <= 0:
            raise NotOfferedError(
                f"an answer of {request.max_tokens} tokens leaves no room for the question: ask for fewer max_tokens"
            )
        kept = _newest(rounds, longest - (room.count(system) if system else 0), room)
        parts: list[Part] = [system] if system else []
        return PartsPrompt((*parts, *kept, ASSISTANT), last=longest)

    def reading(self, request: Request, prompt: Prompt) -> Reading:
        return Reading(expected=False, inside=False)


def _rounds(messages: Sequence[Message]) -> tuple[str, list[list[Part]]]:
    """The system text, and the rounds: each begins with what the user says."""
    system, rest = "", list(messages)
    if rest and rest[0].role == "system":
        system = _clean(rest.pop(0))
    rounds: list[list[Part]] = []
    for message in rest:
        if message.role not in {"user", "assistant"}:
            raise NotOfferedError(
                f"Baichuan 2 knows no role {message.role!r} here: a system message comes first, then user and assistant"
            )
        if message.role == "user" or not rounds:
            rounds.append([])
        rounds[-1] += [USER if message.role == "user" else ASSISTANT, _clean(message)]
    return system, rounds


def _newest(rounds: Sequence[Sequence[Part]], room_for: int, room: Room) -> list[Part]:
    """As many whole rounds as there is room for, the newest first; the last one always."""
    kept: list[Part] = []
    used = 0
    for turns in reversed(rounds):
        size = sum(room.count(part) if isinstance(part, str) else 1 for part in turns)
        if kept and used + size > room_for:
            break
        kept = [*turns, *kept]
        used += size
    return kept


def _clean(message: Message) -> str:
    """Role strings that somebody wrote would forge roles wherever a server reads the prompt as text."""
    return _CONTROL.sub(" ", message.content)
