"""What another version would have done with conversations that were, for developers to know before they publish."""

from __future__ import annotations

import threading
from typing import Any

from apiflask import APIBlueprint
from flask import abort, request
from pydantic import BaseModel, ConfigDict, Field

from runtime.counterfactual import replay_conversations
from runtime.target import DRAFT
from webui.assistants import LARGEST_VERSION
from webui.openapi import API, DEVELOPER, faults
from webui.parts import parts

replays = APIBlueprint("replays", __name__, url_prefix=f"{API}/assistants", tag="TaskFlows")

_BUSY = "Another replay is under way, or the database is not ready just now: try again in a moment."
_one_at_a_time = threading.Lock()  # in a process: customers' turns need the processor too


class ReplayBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    last: int = Field(default=100, ge=1, le=1_000)
    """How many conversations, the last ones."""

    version: int | None = Field(default=None, ge=1, le=LARGEST_VERSION)
    """The published version to go through them with; the draft, when none is named."""


class ActBody(BaseModel):
    what: str
    name: str
    flow: str | None
    node: str | None


class PlaceBody(BaseModel):
    flow: str | None
    node: str | None


class PlaceCount(PlaceBody):
    conversations: int


class DifferenceBody(BaseModel):
    conversation: str
    turn: int
    place: PlaceBody
    """Where the conversation stood: the node that spoke last, or none at its beginning."""

    said: str
    """The customer's message, masked."""

    before: ActBody | None
    after: ActBody | None
    why: list[str]


class Replayed(BaseModel):
    assistant: str
    version: str
    conversations: int
    turns: int
    different: int
    places: list[PlaceCount]
    differences: list[DifferenceBody]


@replays.post("/<name>/replay")
@replays.input(ReplayBody, arg_name="asked")
@replays.output(Replayed)
@replays.doc(responses=faults(400, 401, 403, 404, 413, 415, 422, 429, e503=_BUSY), security=DEVELOPER)
def replay(name: str, asked: ReplayBody) -> dict[str, Any]:
    """Which of the last conversations would go differently with a version, and where; nobody is spoken to."""
    version = DRAFT if asked.version is None else str(asked.version)
    if not _one_at_a_time.acquire(blocking=False):
        abort(503, _BUSY)
    try:
        return replay_conversations(parts().manager.outfit, name, version, asked.last).as_json()
    finally:
        _one_at_a_time.release()


@replays.before_request
def check_request() -> None:
    """Another site's form cannot send JSON, so no token of ours has to come with it."""
    if not request.is_json:
        abort(415, "Send JSON, with the header Content-Type: application/json.")
