"""What reading a log takes and gives: options, dialogues and refusals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from taskflow.errors import TaskFlowError
from taskflow.model import Dialogue, Speaker


class LogError(TaskFlowError):
    """A file that cannot be read at all: one sentence with its name and the remedy."""


class DialogueError(Exception):
    """What is wrong with one dialogue, as a sentence; `turn` tells where, if one turn is to blame."""

    def __init__(self, reason: str, turn: int | None = None) -> None:
        super().__init__(reason)
        self.turn = turn


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line, or the dialogue that it belongs to, that stays out.

    `reason` is one sentence: what is wrong, at which turn or column, and the remedy. The number of the line
    is not repeated in it.
    """

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class LoggedDialogue:
    """A dialogue, masked, and the line (from 1) at which it begins.

    `digest` is the SHA-256, in hex, of what the file said before masking, so it tells the same dialogue read
    again from another one under the same id, whatever is masked and from whichever format it came.
    """

    line: int
    dialogue: Dialogue
    digest: str


@dataclass(frozen=True, slots=True)
class LogOptions:
    """How a log differs from the usual.

    `columns`: field to column name, for tables only; an empty name says that there is no such column.
    `speakers`: the log's own name of a speaker, in any case, to ours.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    speakers: Mapping[str, Speaker] = field(default_factory=dict)


def shown(value: str) -> str:
    """A value of the log as a message may show it: quoted, short, and without characters that hide others."""
    return repr(value if len(value) <= 40 else value[:39] + "…")
