"""The [mining] section of the configuration file."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class MiningConfig(BaseModel):
    """What a team may want to set; a run stores it with its figures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sample_size: int = Field(default=4_000, ge=100)
    """How many distinct texts of a speaker, or dialogues, are linked; the others join the nearest."""

    exemplars: int = Field(default=128, ge=1)
    """How many wordings of an action are kept to recognise it by."""

    least_share: float = Field(default=0.01, ge=0, le=1)
    """A node stays if at least this share of the flow's dialogues passed it (from ten on, at least two)."""

    least_probability: float = Field(default=0.02, ge=0, le=1)
    """A node stays if at least this share of the dialogues at its parent went there."""

    most_children: int = Field(default=12, ge=1)
    """A node keeps this many children, the commonest."""

    most_evidence: int = Field(default=50, ge=1)
    """How many turns of logged dialogues a node names as its evidence."""
