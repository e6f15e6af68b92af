"""The [mining] section of the configuration file."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class PaperConfig(BaseModel):
    """The thresholds of the method `paper`: our reconstruction, whose own values are not public."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dropped_sentences: tuple[str, ...] = (
        *("hello", "hi", "hey", "hello there", "hi there", "good morning", "good afternoon", "good evening"),
        *("你好", "您好", "在吗", "有人吗", "早上好", "下午好", "晚上好"),
    )
    """Sentences of no scenario; case, spaces and the marks at the end do not matter."""

    fine_clusters: int = Field(default=200, ge=1)
    """k of the k-means of each speaker's sentences: many more than there are actions."""

    merge_above: float = Field(default=0.4, ge=-1, le=1)
    """Clusters are merged while the mean cosine of their centroids is at least this (Dialog2Flow: distance 0.6)."""

    label_above: float = Field(default=0.5, ge=-1, le=1)
    """A sentence whose nearest centroid has a lower cosine is of no action."""

    depth: int = Field(default=20, ge=1)
    """D: a sequence is cut after so many actions."""

    least_support: int = Field(default=2, ge=1)
    """s_min: a node stays if at least so many dialogues passed it."""

    least_probability: float = Field(default=0.02, ge=0, le=1)
    """p_min: a node stays if at least this share of the dialogues at its parent went there."""

    most_children: int = Field(default=8, ge=1)
    """B: a node keeps so many children, the commonest."""


class MiningConfig(BaseModel):
    """What a team may want to set; a run stores it with its figures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["taskflow", "paper"] = "taskflow"
    """Ours, or the baseline that [mining.paper] sets."""

    paper: PaperConfig = PaperConfig()

    engine: Literal["local", "ray"] = "local"
    """Where the stages run: in this process, or on the Ray cluster of RAY_ADDRESS (or one made for the run)."""

    sample_size: int = Field(default=4_000, ge=100)
    """How many distinct texts of a speaker are linked; of more, so many small clusters of them are."""

    exemplars: int = Field(default=128, ge=1)
    """How many wordings of an action are kept to recognise it by."""

    needs: Literal["found", "logged"] = "found"
    """Where a dialogue's need comes from: its course, or the log's own field."""

    most_evidence: int = Field(default=50, ge=1)
    """How many turns of logged dialogues a node names as its evidence."""
