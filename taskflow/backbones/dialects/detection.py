"""From a checkpoint, or what a server tells of one, to its dialect."""

from __future__ import annotations

import re
from typing import Literal

from taskflow.backbones.dialects import Dialect
from taskflow.backbones.dialects.baichuan2 import VOCABULARY, Baichuan2
from taskflow.backbones.dialects.chatml import ChatMl
from taskflow.backbones.dialects.qwen3 import Qwen3
from taskflow.backbones.engines import ChatPrompt, Engine
from taskflow.backbones.errors import NotOfferedError
from taskflow.backbones.protocol import Thinking

DialectName = Literal["qwen3", "baichuan2", "chatml"]


def detect(engine: Engine, name: DialectName | None = None) -> Dialect:
    """The dialect of that name, or the one that the architecture or the model's name tells."""
    facts = engine.facts
    told = name or _named(facts.architecture or facts.model)
    if told == "qwen3":
        return Qwen3(_thinking(engine))
    if told == "baichuan2":
        if facts.vocabulary not in {None, VOCABULARY}:
            raise NotOfferedError(
                f"{facts.model} has a vocabulary of {facts.vocabulary:,} and not the {VOCABULARY:,} of Baichuan 2: "
                "use a checkpoint of the second generation"
            )
        return Baichuan2()
    return ChatMl()


def _named(told: str) -> DialectName:
    if re.search(r"qwen-?3", told, re.IGNORECASE):
        return "qwen3"
    return "baichuan2" if re.search("baichuan", told, re.IGNORECASE) else "chatml"


def _thinking(engine: Engine) -> Thinking:
    """By what the template writes, which says more than a name; by the name where nobody shows the template."""
    question = ({"role": "user", "content": "?"},)
    on = engine.render(ChatPrompt(question, options={"enable_thinking": True}))
    off = engine.render(ChatPrompt(question, options={"enable_thinking": False}))
    if on is not None and on != off:
        return "hybrid"
    if on is not None:
        return "only" if on.rstrip().endswith("<think>") else "none"
    kind = re.search(r"(thinking|instruct)-2507", engine.facts.model, re.IGNORECASE)
    if kind is None:
        return "hybrid"
    return "only" if kind[1].lower() == "thinking" else "none"
