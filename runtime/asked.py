"""What one question to the backbone cost, and why its answer was not used, where it was not."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from taskflow.backbones import BackboneError, Usage

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Asked:
    """`milliseconds` that the customer waited for it; `refused` says why the turn went on without the answer."""

    milliseconds: int
    refused: str | None = None
    usage: Usage | None = None

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"ms": self.milliseconds}
        told |= {} if self.refused is None else {"refused": self.refused}
        return told | ({} if self.usage is None else {"prompt": self.usage.prompt, "answer": self.usage.answer})


def ask(question: Callable[[], _Answer]) -> tuple[_Answer | None, Asked]:
    """The answer, None where the backbone failed: a customer gets a reply all the same."""
    started = time.monotonic()
    answer, refused = None, None
    try:
        answer = question()
    except BackboneError as error:
        refused = str(error)
    return answer, Asked(round(1000 * (time.monotonic() - started)), refused)
