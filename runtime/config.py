"""The [runtime] section of the configuration file."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class RuntimeConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    understanding: Literal["retrieval", "backbone"] = "retrieval"
    """What decides which action a message is: the nearest exemplar, or the backbone among the nearest."""

    wording: Literal["approved", "backbone"] = "approved"
    """Replies are approved responses; the backbone may word them anew, within a guard."""

    accept: float = Field(default=0.5, ge=0, le=1)
    """A message whose nearest exemplar has a smaller cosine is not understood."""

    calls: str | None = None
    """The function that answers call nodes, as module:function."""

    unbound_calls: Literal["handoff", "rehearse"] = "handoff"
    """Without `calls`, a call node hands the conversation over; to rehearse takes its commonest outcome."""
