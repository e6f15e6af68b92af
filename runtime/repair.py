"""What is said when a conversation leaves its flow: the repairs, each of which an assistant may word and extend.

An assistant overrides a repair with a small TaskFlow of its own that is named "repair: NAME", such as
"repair: cancel": its agent's nodes are said in order, up to the first one that asks something.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

from runtime import words
from runtime.generation import sayable
from taskflow.model import Assistant, Speaker, TaskFlow

_PREFIX = "repair:"


class Repair(StrEnum):
    """A customer who…"""

    RESUME = "resume"  # comes back from another need
    CORRECTION = "correction"  # corrects a value
    CLARIFY = "clarify"  # may mean several things
    INVALID = "invalid"  # gives a value that cannot be
    CONSENT = "consent"  # is about to have something done
    CANCEL = "cancel"  # stops
    CANCEL_AFTER_WRITE = "cancel after write"  # stops after something was done
    NOT_UNDERSTOOD = "not understood"  # says something else
    HUMAN = "human"  # gets a person, having asked or not
    CLOSE = "close"  # is served
    SATISFACTION = "satisfaction"  # is asked how it was


class Repairs:
    """The words of every repair: the assistant's own flow where it has one, else ours."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self._own = {_repair_name(flow): flow for flow in assistant.flows if is_repair(flow)}

    def texts(self, repair: Repair, language: str, said: int = 0, **known: str) -> list[str]:
        """What to say, in order; `known` fills places such as [value]."""
        flow = self._own.get(repair.value)
        own = [] if flow is None else self._spoken(flow, language, said, known)
        return own or [_filled(words.REPAIRS[repair.value][language], known)]

    def _spoken(self, flow: TaskFlow, language: str, said: int, known: Mapping[str, str]) -> list[str]:
        texts = []
        node = flow.root
        while True:
            if self._assistant.speaker(node) is Speaker.AGENT:
                text = sayable([_filled(response, known) for response in node.responses], known, language, said)
                texts += [] if text is None else [text]
            following = [child for child in flow.children(node.id) if self._assistant.speaker(child) is Speaker.AGENT]
            if not following or following[0].jump_to is not None:
                return texts
            node = following[0]


def is_repair(flow: TaskFlow) -> bool:
    return flow.name.casefold().startswith(_PREFIX)


def without_repairs(assistant: Assistant) -> Assistant:
    """The flows that serve needs."""
    return replace(assistant, flows=tuple(flow for flow in assistant.flows if not is_repair(flow)))


def _repair_name(flow: TaskFlow) -> str:
    return flow.name.casefold().removeprefix(_PREFIX).strip()


def _filled(text: str, known: Mapping[str, str]) -> str:
    for name, value in known.items():
        text = text.replace(f"[{name}]", value)
    return text
