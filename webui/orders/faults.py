"""Faults that real systems have, put on purpose into the answers: seeded, so that a run can be repeated.

Whether a request meets a fault depends on the seed, the call, whom it is about, and how many such requests came
before; not on what other customers do at the same time.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from taskflow.errors import TaskFlowError
from webui.orders.calls import CALLS


class FaultsError(TaskFlowError):
    """A description of faults that cannot be understood."""


class Kind(StrEnum):
    SLOW = "slow"
    """The answer takes its time; whoever gives up waiting does not stop the work."""
    DOWN = "down"
    """Status 503, nothing done."""
    DROPPED = "dropped"
    """The connection ends without an answer, nothing done."""
    HALF = "half"
    """The work is done, and the connection is cut in the middle of the answer."""
    STALE = "stale"
    """A read answers as before the order's last write."""


class Fault(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    rate: float = Field(default=1.0, ge=0, le=1)
    """The share of requests that meet it."""
    calls: tuple[str, ...] = ()
    """The calls that may meet it; none named: all."""
    times: int | None = Field(default=None, ge=1)
    """How often one order's call meets it at most."""
    seconds: float = Field(default=3.0, gt=0, le=600)
    """How long a slow answer takes."""

    @field_validator("calls")
    @classmethod
    def _known(cls, calls: tuple[str, ...]) -> tuple[str, ...]:
        unknown = set(calls) - set(CALLS)
        if unknown:
            raise ValueError(f"{min(unknown)!r} is no call: use some of {', '.join(CALLS)}")
        return calls


class FaultPlan(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 1
    faults: tuple[Fault, ...] = ()


class Faults:
    """The plan in force, and how often each kind has struck; a new plan begins to count anew."""

    def __init__(self, plan: FaultPlan) -> None:
        self._lock = threading.Lock()
        self._begin(plan)

    def replace(self, plan: FaultPlan) -> None:
        with self._lock:
            self._begin(plan)

    def to_json(self) -> dict[str, object]:
        with self._lock:
            return {**self._plan.model_dump(mode="json"), "struck": {kind.value: self._struck[kind] for kind in Kind}}

    def draw(self, call: str, subject: str) -> Mapping[Kind, Fault]:
        """The faults that this request about `subject` meets, each kind once."""
        with self._lock:
            self._asked[call, subject] += 1
            met: dict[Kind, Fault] = {}
            for place, fault in enumerate(self._plan.faults):
                if fault.kind not in met and self._meets(place, fault, call, subject):
                    self._met[place, call, subject] += 1
                    self._struck[fault.kind] += 1
                    met[fault.kind] = fault
            return met

    def _begin(self, plan: FaultPlan) -> None:
        self._plan = plan
        self._asked: Counter[tuple[str, str]] = Counter()
        self._met: Counter[tuple[int, str, str]] = Counter()
        self._struck: Counter[Kind] = Counter()

    def _meets(self, place: int, fault: Fault, call: str, subject: str) -> bool:
        if fault.calls and call not in fault.calls:
            return False
        if fault.kind is Kind.STALE and CALLS[call].is_write:
            return False
        if fault.times is not None and self._met[place, call, subject] >= fault.times:
            return False
        told = f"{self._plan.seed} {place} {call} {subject} {self._asked[call, subject]}"
        return int.from_bytes(hashlib.sha256(told.encode()).digest()[:7]) / 2**56 < fault.rate


def read_faults(told: str) -> FaultPlan:
    """A plan from a JSON file, or from text such as "slow=0.1,down=0.05@track_parcel+lookup_order"."""
    try:
        if told.endswith(".json"):
            return FaultPlan.model_validate(json.loads(Path(told).read_text(encoding="utf-8")))
        return FaultPlan.model_validate({"faults": [_fault(part) for part in told.split(",") if part.strip()]})
    except (OSError, ValueError) as error:
        raise FaultsError(f"the faults {told!r} cannot be read: {explained(error)}") from error


def explained(error: Exception) -> str:
    """The first thing that is wrong with a plan, and where."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"


def _fault(part: str) -> dict[str, object]:
    kind, _, rest = part.strip().partition("=")
    rate, _, calls = rest.partition("@")
    return {"kind": kind, "rate": rate or "1", "calls": [call for call in calls.split("+") if call]}
