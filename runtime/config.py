"""The [runtime] section of the configuration file."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator

from runtime.endpoints import EndpointConfig
from taskflow.recognisers import FieldKind

Understanding: TypeAlias = Literal["retrieval", "cascade", "backbone"]
Unbound: TypeAlias = Literal["handoff", "rehearse"]


class RuntimeConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    understanding: Understanding = "cascade"
    """What decides which action a message is: the nearest exemplars; the backbone where they leave it open; or the
    backbone. Without a backbone, always the exemplars."""

    wording: Literal["approved", "backbone"] = "approved"
    """Replies are approved responses; the backbone may word them anew, within a guard."""

    backbone_seconds: float = Field(default=8.0, gt=0, le=30)
    """What the backbone has of a turn, for all that it is asked: then retrieval decides and approved responses go."""

    calls: str | None = None
    """The function that answers the calls that are not bound, as module:function."""

    endpoints: dict[str, EndpointConfig] = Field(default_factory=dict)
    """What calls that are bound may reach, by name."""

    writes: tuple[str, ...] = ()
    """Those of them that change something: a correction or a cancellation after one is not acted upon silently."""

    unbound_calls: Unbound = "handoff"
    """Without `calls`, a call node hands the conversation over; to rehearse takes its commonest outcome."""

    patterns: dict[FieldKind, str] = Field(default_factory=dict)
    """What the shop's own values look like, such as order_number = "TF-[0-9]{8}": others are asked for again."""

    satisfaction: bool = True
    """Ask how it was when a conversation closes."""

    silence_minutes: int = Field(default=30, ge=1)
    """A customer who says nothing for so long is gone; the conversation closes."""

    reopen_hours: int = Field(default=24, ge=0)
    """A closed conversation goes on with the customer's next message within this time."""

    @field_validator("patterns")
    @classmethod
    def _compiles(cls, patterns: dict[FieldKind, str]) -> dict[FieldKind, str]:
        for kind, pattern in patterns.items():
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"the pattern of {kind} is no regular expression: {error}") from error
        return patterns
