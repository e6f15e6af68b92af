"""How a call that was mined is made: which endpoint, with what, and what its answer tells. Standard library only."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum

from taskflow.errors import TaskFlowError

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
LONGEST_TIMEOUT = 30.0  # seconds: a turn holds its conversation for less than a minute
MOST_RETRIES = 5
_PLACE = re.compile(r"\[([a-z_]+)\]")
_PATH = re.compile(r"(?:/[^\s?#\\]*)?\Z")


class BindingError(TaskFlowError):
    """A binding that cannot be: the message names what is wrong and what would be right."""


class Effect(StrEnum):
    """Whether a call looks or changes something."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class CallBinding:
    """A call of the shop's systems.

    `endpoint` is a name of the configuration, which alone knows addresses and secrets; `path` is put behind the
    address, with fields in brackets, such as /orders/[order_number]/returns. `inputs` are the kinds of fields that have
    to be known before the call; those that are not in the path are sent. A read is tried again `retries` times, a
    write never; a write is confirmed by the customer first, unless `confirm` is false. `facts` are pairs of a field
    kind and the key of the answer that tells it.
    """

    endpoint: str
    path: str = ""
    method: str = "POST"
    inputs: tuple[str, ...] = ()
    effect: Effect = Effect.WRITE
    timeout: float = 5.0
    retries: int = 2
    confirm: bool = True
    facts: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        # Their order says nothing, and no database keeps it.
        object.__setattr__(self, "facts", tuple(sorted(self.facts)))
        if not self.endpoint.strip():
            raise BindingError("a binding has no endpoint: give it the name of one in the configuration")
        if self.method not in METHODS:
            raise BindingError(f"the method is {self.method!r}: use one of {', '.join(METHODS)}")
        if not _PATH.match(self.path):
            raise BindingError(f"the path is {self.path!r}: begin it with / and leave out spaces, ? and #")
        if not (math.isfinite(self.timeout) and 0 < self.timeout <= LONGEST_TIMEOUT):
            raise BindingError(
                f"the timeout is {self.timeout}: it is above 0 and at most {LONGEST_TIMEOUT:.0f} seconds"
            )
        if not 0 <= self.retries <= MOST_RETRIES:
            raise BindingError(f"retries are {self.retries}: from 0 to {MOST_RETRIES}")
        unknown = self.in_path - set(self.inputs)
        if unknown:
            raise BindingError(f"the path has [{min(unknown)}], which is no input: add it to inputs")

    @property
    def in_path(self) -> frozenset[str]:
        return frozenset(_PLACE.findall(self.path))

    @property
    def is_write(self) -> bool:
        return self.effect is Effect.WRITE
