"""A TaskFlow as a graph of networkx, and its exports. The tree is the truth; a jump is an edge besides."""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import BytesIO
from typing import Any, Literal

import networkx as nx

from taskflow.model import Assistant, AssistantVersion, FlowNode, Status, TaskFlow

Format = Literal["json", "mermaid", "graphml", "dot"]
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
FORMATS: tuple[Format, ...] = ("json", "mermaid", "graphml", "dot")


def to_graph(assistant: Assistant, flows: Sequence[TaskFlow]) -> nx.DiGraph:
    """Nodes by id with their action, speaker, counts and status; edges with their probability, jumps marked."""
    graph = nx.DiGraph()
    for flow in flows:
        for node in flow.nodes:
            graph.add_node(
                node.id,
                flow=flow.name,
                action=label(assistant, flow, node),
                speaker=str(assistant.speaker(node) or ""),
                support=node.support,
                status=node.status.value,
                outcomes=_outcomes(node),
            )
            if node.parent_id is not None:
                graph.add_edge(node.parent_id, node.id, probability=node.probability, jump=False)
        for node in flow.nodes:
            if node.jump_to is not None:
                graph.add_edge(node.id, node.jump_to, probability=1.0, jump=True)
    return graph


def to_json(version: AssistantVersion, flows: Sequence[TaskFlow]) -> dict[str, Any]:
    return {
        "assistant": version.assistant.name,
        "version": version.number,
        "flows": [
            {"name": flow.name, "nodes": [node_json(version.assistant, node) for node in flow.nodes]} for flow in flows
        ],
    }


def node_json(assistant: Assistant, node: FlowNode) -> dict[str, Any]:
    action = None if node.action_id is None else assistant.action_by_id[node.action_id]
    return {
        "id": node.id,
        "parent": node.parent_id,
        "speaker": None if action is None else action.speaker.value,
        "action_id": node.action_id,
        "action": None if action is None else action.name,
        "support": node.support,
        "probability": node.probability,
        "jump_to": node.jump_to,
        "responses": list(node.responses),
        "evidence": [{"dialogue_id": seen.dialogue_id, "turn": seen.turn} for seen in node.evidence],
        "status": node.status.value,
        "outcomes": dict(node.outcomes),
    }


def to_mermaid(assistant: Assistant, flows: Sequence[TaskFlow]) -> str:
    lines = ["flowchart TD"]
    # Mermaid has no way to quote an id, so nodes are numbered.
    keys = {node.id: f"n{place}" for place, node in enumerate(node for flow in flows for node in flow.nodes)}
    for number, flow in enumerate(flows):
        lines.append(f'  subgraph flow{number}["{_quoted(flow.name)}"]')
        for node in flow.nodes:
            text = _text(assistant, flow, node)
            lines.append(f'    {keys[node.id]}["{_quoted(text)}"]')
            if node.parent_id is not None:
                lines.append(f"    {keys[node.parent_id]} -->|{node.probability:.0%}| {keys[node.id]}")
            if node.jump_to is not None:
                lines.append(f"    {keys[node.id]} -.-> {keys[node.jump_to]}")
        lines.append("  end")
    return "\n".join(lines) + "\n"


def to_dot(assistant: Assistant, flows: Sequence[TaskFlow]) -> str:
    lines = ["digraph taskflow {", "  node [shape=box];"]
    for flow in flows:
        for node in flow.nodes:
            text = _text(assistant, flow, node)
            lines.append(f"  {_dot(node.id)} [label={_dot(text)}];")
            if node.parent_id is not None:
                edge = f"{_dot(node.parent_id)} -> {_dot(node.id)}"
                lines.append(f'  {edge} [label="{node.probability:.0%}"];')
            if node.jump_to is not None:
                lines.append(f"  {_dot(node.id)} -> {_dot(node.jump_to)} [style=dashed];")
    return "\n".join([*lines, "}"]) + "\n"


def to_graphml(assistant: Assistant, flows: Sequence[TaskFlow]) -> str:
    written = BytesIO()
    nx.write_graphml_xml(to_graph(assistant, flows), written)
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", written.getvalue().decode())


def label(assistant: Assistant, flow: TaskFlow, node: FlowNode) -> str:
    """What a node is called: its action, or its flow where it stands for the need alone."""
    return flow.name if node.action_id is None else assistant.action_by_id[node.action_id].name


def _text(assistant: Assistant, flow: TaskFlow, node: FlowNode) -> str:
    """A node in one line, with what a reviewer said of it, if anything."""
    said = "" if node.status is Status.PROPOSED else f", {node.status}"
    return f"{assistant.speaker(node) or 'need'}: {label(assistant, flow, node)} ({node.support}{said})"


def _outcomes(node: FlowNode) -> str:
    return ", ".join(f"{outcome} {count}" for outcome, count in node.outcomes)


def _quoted(text: str) -> str:
    escapes = {"&": "&amp;", '"': "&quot;", "<": "&lt;", ">": "&gt;", "#": "&num;", "`": "&grave;"}
    return "".join(escapes.get(letter, letter) for letter in " ".join(text.split()))


def _dot(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + " ".join(escaped.split()) + '"'
