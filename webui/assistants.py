"""Pages of assistants and their TaskFlows, and the JSON that draws a TaskFlow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from apiflask import APIBlueprint
from flask import Blueprint, abort, render_template, request
from pydantic import BaseModel, Field

from taskflow.graph import label, node_json
from taskflow.model import Assistant, AssistantVersion, Dialogue, Evidence, FlowId, FlowNode, NodeId, TaskFlow
from taskflow.store.assistants import load_draft, load_version, published_id, published_versions
from taskflow.store.corpora import read_dialogue
from taskflow.store.runs import corpus_of
from webui.parts import parts

assistants = Blueprint("assistants", __name__, url_prefix="/assistants")
data = APIBlueprint("data", __name__, url_prefix="/api/assistants", tag="TaskFlows")

_MOST_EXCERPTS = 20
_TURNS_AROUND = 3
_MOST_EXEMPLARS = 8
_LONGEST_TURN = 2_000  # characters of an excerpt's turn
_LARGEST_VERSION = 2**31 - 1


class Which(BaseModel):
    version: int | None = Field(default=None, ge=1, le=_LARGEST_VERSION)
    """A published version; the draft, when none is named."""


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


@dataclass(frozen=True, slots=True)
class OutlineRow:
    """A node in the order of reading, with what the page's list needs to open and close its levels."""

    node: FlowNode
    name: str
    depth: int
    goes_on_at: str | None


@assistants.get("/<name>")
def show(name: str) -> str:
    version = _version(name, _asked_version())
    return render_template(
        "assistant.html",
        version=version,
        assistant=version.assistant,
        published=published_versions(parts().database, name),
    )


@assistants.get("/<name>/flows/<flow_id>")
def flow(name: str, flow_id: str) -> str:
    version = _version(name, _asked_version())
    found = _flow(version, flow_id)
    return render_template(
        "flow.html", version=version, assistant=version.assistant, flow=found, rows=outline(version.assistant, found)
    )


@assistants.get("/<name>/try")
def try_it(name: str) -> str:
    """A page with the chat alone."""
    published_id(parts().database, name)
    return render_template("try.html", name=name)


@data.get("/<name>/flows/<flow_id>")
@data.input(Which, location="query", arg_name="which")
@data.output(FlowDocument)
def flow_document(name: str, flow_id: str, which: Which) -> dict[str, Any]:
    """A TaskFlow with its nodes, parents first."""
    version = _version(name, which.version)
    found = _flow(version, flow_id)
    nodes = [_node_body(version.assistant, node) for node in found.nodes]
    body = {"id": found.id, "name": found.name, "support": found.support, "nodes": nodes}
    return {"assistant": name, "version": version.number, "flow": body}


@data.get("/<name>/flows/<flow_id>/nodes/<node_id>/evidence")
@data.input(Which, location="query", arg_name="which")
@data.output(Excerpts)
def evidence(name: str, flow_id: str, node_id: str, which: Which) -> dict[str, Any]:
    """The turns around the places where logged dialogues passed a node."""
    node = _flow(_version(name, which.version), flow_id).by_id.get(NodeId(node_id))
    if node is None:
        abort(404, f"The TaskFlow has no node {node_id!r}.")
    corpus = corpus_of(parts().database, name)
    if corpus is None:
        return {"excerpts": []}
    return {"excerpts": list(_excerpts(corpus, node))}


def outline(assistant: Assistant, flow: TaskFlow) -> Iterator[OutlineRow]:
    """The nodes as a person reads the tree: each one's children right after it, whatever its depth."""
    waiting = [(flow.root, 0)]
    while waiting:
        node, depth = waiting.pop()
        target = None if node.jump_to is None else label(assistant, flow, flow.by_id[node.jump_to])
        yield OutlineRow(node, label(assistant, flow, node), depth, target)
        if node.jump_to is None:
            waiting += [(child, depth + 1) for child in reversed(flow.children(node.id))]


def _version(name: str, number: int | None) -> AssistantVersion:
    database = parts().database
    if number is None:
        return load_draft(database, name)
    return load_version(database, published_id(database, name, number))


def _asked_version() -> int | None:
    asked = request.args.get("version")
    if asked is None:
        return None
    if not asked.isdecimal() or len(asked) > len(str(_LARGEST_VERSION)):
        abort(400, "The address names no version: write ?version=1, or leave it out for the draft.")
    return int(asked)


def _flow(version: AssistantVersion, flow_id: str) -> TaskFlow:
    found = version.assistant.flow_by_id.get(FlowId(flow_id))
    if found is None:
        abort(404, f"Assistant {version.assistant.name!r} has no TaskFlow {flow_id!r} in this version.")
    return found


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
