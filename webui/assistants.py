"""Pages of assistants and their TaskFlows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flask import Blueprint, abort, render_template, request

from taskflow.graph import label
from taskflow.model import Assistant, AssistantVersion, FlowId, FlowNode, TaskFlow
from taskflow.store.assistants import load_draft, load_version, published_id, published_versions
from webui.parts import parts

assistants = Blueprint("assistants", __name__, url_prefix="/assistants")

LARGEST_VERSION = 2**31 - 1


@dataclass(frozen=True, slots=True)
class OutlineRow:
    """A node in the order of reading, with what the page's list needs to open and close its levels."""

    node: FlowNode
    name: str
    depth: int
    goes_on_at: str | None


@assistants.get("/<name>")
def show(name: str) -> str:
    version = version_of(name, _asked_version())
    return render_template(
        "assistant.html",
        version=version,
        assistant=version.assistant,
        published=published_versions(parts().database, name),
    )


@assistants.get("/<name>/flows/<flow_id>")
def flow(name: str, flow_id: str) -> str:
    version = version_of(name, _asked_version())
    found = flow_of(version, flow_id)
    return render_template(
        "flow.html", version=version, assistant=version.assistant, flow=found, rows=outline(version.assistant, found)
    )


@assistants.get("/<name>/try")
def try_it(name: str) -> str:
    """A page with the chat alone."""
    published_id(parts().database, name)
    return render_template("try.html", name=name)


def outline(assistant: Assistant, flow: TaskFlow) -> Iterator[OutlineRow]:
    """The nodes as a person reads the tree: each one's children right after it, whatever its depth."""
    waiting = [(flow.root, 0)]
    while waiting:
        node, depth = waiting.pop()
        target = None if node.jump_to is None else label(assistant, flow, flow.by_id[node.jump_to])
        yield OutlineRow(node, label(assistant, flow, node), depth, target)
        if node.jump_to is None:
            waiting += [(child, depth + 1) for child in reversed(flow.children(node.id))]


def version_of(name: str, number: int | None) -> AssistantVersion:
    """A published version, or the draft where no number is given."""
    database = parts().database
    if number is None:
        return load_draft(database, name)
    return load_version(database, published_id(database, name, number))


def _asked_version() -> int | None:
    asked = request.args.get("version")
    if asked is None:
        return None
    if not asked.isdecimal() or len(asked) > len(str(LARGEST_VERSION)):
        abort(400, "The address names no version: write ?version=1, or leave it out for the draft.")
    return int(asked)


def flow_of(version: AssistantVersion, flow_id: str) -> TaskFlow:
    """The TaskFlow of this id; the request ends here where there is none."""
    found = version.assistant.flow_by_id.get(FlowId(flow_id))
    if found is None:
        abort(404, f"Assistant {version.assistant.name!r} has no TaskFlow {flow_id!r} in this version.")
    return found
