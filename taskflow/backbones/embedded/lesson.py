"""What the tiny model learns from, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lesson:
    """An answer to learn; with `thought`, in thinking mode."""

    question: str
    answer: str
    thought: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """`loss` in nats a token of the answers, of this step's lessons before they are learnt from."""

    step: int
    steps: int
    loss: float
