"""What developers' scripts and pages read of assistants, as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

from apiflask import APIBlueprint
from flask import abort
from pydantic import BaseModel, ConfigDict, Field

from taskflow.graph import node_json
from taskflow.model import Assistant, Dialogue, Evidence, FlowNode, NodeId
from taskflow.store.assistants import AssistantError, published_versions, summarise
from taskflow.store.corpora import read_dialogue
from taskflow.store.runs import corpus_of
from webui.assistants import LARGEST_VERSION, flow_of, version_of
from webui.openapi import API, DEVELOPER, faults
from webui.parts import parts

data = APIBlueprint("data", __name__, url_prefix=f"{API}/assistants", tag="TaskFlows")

_MOST_EXCERPTS = 20
_TURNS_AROUND = 3
_MOST_EXEMPLARS = 8
_LONGEST_TURN = 2_000  # characters of an excerpt's turn
_FAULTS = faults(401, 403, 404, 422, 429, 503)


class Which(BaseModel):
    version: int | None = Field(default=None, ge=1, le=LARGEST_VERSION)
    """A published version; the draft, when none is named."""


class AssistantBody(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    name: str
    actions: int
    flows: int
    published: int | None
    """The number of the newest published version."""

    encoder: str


class AssistantList(BaseModel):
    assistants: list[AssistantBody]


class VersionBody(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    number: int
    at: datetime


class VersionList(BaseModel):
    assistant: str
    versions: list[VersionBody]


class FlowSummary(BaseModel):
    id: str
    name: str
    support: int
    nodes: int


class FlowList(BaseModel):
    assistant: str
    version: int | None
    flows: list[FlowSummary]


class ExemplarBody(BaseModel):
    text: str
    count: int


class EvidenceBody(BaseModel):
    dialogue_id: str
    turn: int


class NodeBody(BaseModel):
    id: str
    parent: str | None
    speaker: Literal["user", "agent", "system"] | None
    action_id: str | None
    action: str | None
    support: int
    probability: float
    jump_to: str | None
    responses: list[str]
    exemplars: list[ExemplarBody]
    evidence: list[EvidenceBody]


class FlowBody(BaseModel):
    id: str
    name: str
    support: int
    nodes: list[NodeBody]


class FlowDocument(BaseModel):
    assistant: str
    version: int | None
    flow: FlowBody


class TurnBody(BaseModel):
    turn: int
    speaker: Literal["user", "agent", "system"]
    text: str


class Excerpt(EvidenceBody):
    turns: list[TurnBody]


class Excerpts(BaseModel):
    excerpts: list[Excerpt]


@data.get("")
@data.output(AssistantList)
@data.doc(responses=faults(401, 403, 429, 503), security=DEVELOPER)
def assistant_list() -> dict[str, Any]:
    """Every assistant, with the size of its draft."""
    return {"assistants": summarise(parts().database)}


@data.get("/<name>/versions")
@data.output(VersionList)
@data.doc(responses=faults(401, 403, 404, 429, 503), security=DEVELOPER)
def version_list(name: str) -> dict[str, Any]:
    """The published versions of an assistant, the newest first; none for one that is not published yet."""
    database = parts().database
    if name not in {known.name for known in summarise(database)}:
        raise AssistantError(f"no assistant is called {name!r}")
    return {"assistant": name, "versions": published_versions(database, name)}


@data.get("/<name>/flows")
@data.input(Which, location="query", arg_name="which")
@data.output(FlowList)
@data.doc(responses=_FAULTS, security=DEVELOPER)
def flow_list(name: str, which: Which) -> dict[str, Any]:
    """The TaskFlows of a version, without their nodes."""
    version = version_of(name, which.version)
    flows = [
        {"id": flow.id, "name": flow.name, "support": flow.support, "nodes": len(flow.nodes)}
        for flow in version.assistant.flows
    ]
    return {"assistant": name, "version": version.number, "flows": flows}


@data.get("/<name>/flows/<flow_id>")
@data.input(Which, location="query", arg_name="which")
@data.output(FlowDocument)
@data.doc(responses=_FAULTS, security=DEVELOPER)
def flow_document(name: str, flow_id: str, which: Which) -> dict[str, Any]:
    """A TaskFlow with its nodes, parents first."""
    version = version_of(name, which.version)
    found = flow_of(version, flow_id)
    nodes = [_node_body(version.assistant, node) for node in found.nodes]
    body = {"id": found.id, "name": found.name, "support": found.support, "nodes": nodes}
    return {"assistant": name, "version": version.number, "flow": body}


@data.get("/<name>/flows/<flow_id>/nodes/<node_id>/evidence")
@data.input(Which, location="query", arg_name="which")
@data.output(Excerpts)
@data.doc(responses=_FAULTS, security=DEVELOPER)
def evidence(name: str, flow_id: str, node_id: str, which: Which) -> dict[str, Any]:
    """The turns around the places where logged dialogues passed a node."""
    node = flow_of(version_of(name, which.version), flow_id).by_id.get(NodeId(node_id))
    if node is None:
        abort(404, f"The TaskFlow has no node {node_id!r}.")
    corpus = corpus_of(parts().database, name)
    if corpus is None:
        return {"excerpts": []}
    return {"excerpts": list(_excerpts(corpus, node))}


def _node_body(assistant: Assistant, node: FlowNode) -> dict[str, Any]:
    exemplars = () if node.action_id is None else assistant.action_by_id[node.action_id].exemplars
    body = node_json(assistant, node)
    # No more places than the evidence's own address gives excerpts of.
    body["evidence"] = body["evidence"][:_MOST_EXCERPTS]
    body["exemplars"] = [{"text": said.text, "count": said.count} for said in exemplars[:_MOST_EXEMPLARS]]
    return body


def _excerpts(corpus: str, node: FlowNode) -> Iterator[dict[str, Any]]:
    for seen in node.evidence[:_MOST_EXCERPTS]:
        dialogue = read_dialogue(parts().database, corpus, seen.dialogue_id)
        if dialogue is not None:
            yield _excerpt(dialogue, seen)


def _excerpt(dialogue: Dialogue, seen: Evidence) -> dict[str, Any]:
    first = max(0, seen.turn - _TURNS_AROUND)
    around = dialogue.utterances[first : seen.turn + _TURNS_AROUND + 1]
    turns = [
        {"turn": turn, "speaker": said.speaker.value, "text": _shortened(said.text)}
        for turn, said in enumerate(around, start=first)
    ]
    return {"dialogue_id": seen.dialogue_id, "turn": seen.turn, "turns": turns}


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_TURN else text[:_LONGEST_TURN] + " …"
