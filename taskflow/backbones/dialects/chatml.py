"""Families of which nothing is known but that their checkpoints bring a chat template, most of them ChatML."""

from __future__ import annotations

import re
from collections.abc import Sequence

from taskflow.backbones.dialects import Room
from taskflow.backbones.dialects.reading import Reading
from taskflow.backbones.engines import ChatPrompt, Mark, Prompt
from taskflow.backbones.errors import NotOfferedError
from taskflow.backbones.protocol import Message, Request, Sampling, Thinking

_CONTROL = re.compile(r"<\|[\w ]+\|>|</?s>|\[/?INST\]")


class ChatMl:
    """Plain turns. The checkpoint's own end token stops the answer, and `<|im_end|>` where a server misses it."""

    name = "chatml"
    thinking: Thinking = "none"
    tools = False
    stops = (Mark("<|im_end|>"),)
    stop_thought = None

    def thinks(self, messages: Sequence[Message], request: Request) -> bool:
        return False

    def sampling(self, thinking: bool) -> Sampling:
        return Sampling(0.7, top_p=0.9)

    def prompt(self, messages: Sequence[Message], request: Request, room: Room) -> Prompt:
        if request.thinking or request.tools:
            raise NotOfferedError(
                "of this family neither thinking nor tools are known: ask without, or set [backbone] dialect"
            )
        given = ({"role": message.role, "content": _CONTROL.sub(" ", message.content)} for message in messages)
        # Templates that know this variable are quiet with it, all others ignore it.
        return ChatPrompt(tuple(given), options={"enable_thinking": False})

    def reading(self, request: Request, prompt: Prompt) -> Reading:
        return Reading(expected=False, inside=False)
