"""The graph of an assistant's TaskFlows, and its exports, whatever people call things."""

from __future__ import annotations

import json
import re
from io import BytesIO

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow.edits import AddNode, RenameAction, RenameFlow, SetNodeStatus, apply
from taskflow.graph import to_dot, to_graph, to_graphml, to_json, to_mermaid
from taskflow.model import Assistant, AssistantVersion, FlowNode, Status

HOSTILE = 'a "quoted" name\n] --> x["<script>alert(1)</script>"]; `end` }\\" #1 & \x0b\x01 -- | 包裹'
MERMAID_LINE = re.compile(
    r"flowchart TD|  end"
    r'|  subgraph flow\d+\["[^"<>`]*"\]'
    r'|    n\d+\["[^"<>`]*"\]'
    r"|    n\d+ (-->\|\d+%\||-\.->) n\d+"
)
DOT_ID = r'"(?:[^"\\\n]|\\["\\])*"'
DOT_LINE = re.compile(
    r"digraph taskflow \{|\}|  node \[shape=box\];"
    rf"|  {DOT_ID} \[label={DOT_ID}\];"
    rf"|  {DOT_ID} -> {DOT_ID} \[(label={DOT_ID}|style=dashed)\];"
)


@pytest.fixture(scope="module")
def hostile(assistant):
    """The assistant with hostile names of a flow, an action and a node."""
    edits = [
        RenameFlow("late", HOSTILE),
        RenameAction("late", HOSTILE),
        AddNode("late", FlowNode(HOSTILE, "l1", "weather"), 0),
    ]
    for edit in edits:
        assistant = apply(edit, assistant)
    return assistant


def assert_every_line(pattern, text):
    # Not splitlines(): only a newline ends a line of Mermaid or DOT.
    assert [line for line in text.removesuffix("\n").split("\n") if not pattern.fullmatch(line)] == []


def nodes_of(assistant):
    return [node for flow in assistant.flows for node in flow.nodes]


def test_the_graph_has_every_node_and_edge_once(assistant):
    graph = to_graph(assistant, assistant.flows)
    assert set(graph) == {node.id for node in nodes_of(assistant)}
    assert graph.edges["d4", "d5"] == {"probability": 1.0, "jump": False}
    assert graph.edges["d11", "d2"] == {"probability": 1.0, "jump": True}
    told = {"flow": "damaged item", "action": "damaged item", "speaker": "", "support": 20}
    assert graph.nodes["d"] == told | {"status": "proposed", "outcomes": ""}
    trees = graph.edge_subgraph(edge for edge in graph.edges if not graph.edges[edge]["jump"])
    assert nx.is_branching(trees)
    assert nx.number_weakly_connected_components(graph) == len(assistant.flows)


def test_json_names_every_key_of_every_node(assistant):
    told = to_json(AssistantVersion(assistant, 3, "use-multilingual-v3"), assistant.flows)
    assert json.loads(json.dumps(told)) == told
    assert (told["assistant"], told["version"]) == ("support", 3)
    damaged, late = told["flows"]
    assert [flow["name"] for flow in (damaged, late)] == ["damaged item", "late parcel"]
    keys = "id parent speaker action_id action support probability jump_to responses evidence status outcomes"
    assert all(list(node) == keys.split() for flow in told["flows"] for node in flow["nodes"])
    root, broken = damaged["nodes"][:2]
    assert (root["parent"], root["speaker"], root["action_id"], root["action"]) == (None, None, None, None)
    assert (broken["parent"], broken["speaker"], broken["action"]) == ("d", "user", "item broken")
    assert broken["evidence"] == [{"dialogue_id": "one", "turn": 0}, {"dialogue_id": "two", "turn": 2}]
    assert [node["id"] for node in damaged["nodes"] if node["jump_to"] == "d2"] == ["d11"]


def test_graphml_is_read_back_as_it_was(hostile):
    graph = to_graph(hostile, hostile.flows)
    read = nx.read_graphml(BytesIO(to_graphml(hostile, hostile.flows).encode()))
    cleaned = HOSTILE.translate({0x01: "\N{REPLACEMENT CHARACTER}", 0x0B: "\N{REPLACEMENT CHARACTER}"})
    assert set(read) == {cleaned if id_ == HOSTILE else id_ for id_ in graph}
    assert read.number_of_edges() == graph.number_of_edges()
    told = {"flow": cleaned, "action": cleaned, "speaker": "user", "support": 10}
    assert read.nodes["l1"] == told | {"status": "proposed", "outcomes": ""}
    assert read.edges["d11", "d2"] == {"probability": 1.0, "jump": True}


def test_mermaid_keeps_to_its_grammar_under_hostile_names(hostile):
    text = to_mermaid(hostile, hostile.flows)
    assert_every_line(MERMAID_LINE, text)
    assert "&lt;script&gt;" in text
    assert len(re.findall(r"^    n\d+\[", text, re.M)) == len(nodes_of(hostile))
    assert text.count("-.->") == 1


def test_dot_keeps_to_its_grammar_under_hostile_names(hostile):
    text = to_dot(hostile, hostile.flows)
    assert_every_line(DOT_LINE, text)
    assert len(re.findall(r"\[label=\"(need|user|agent|system): ", text)) == len(nodes_of(hostile))
    assert text.count("style=dashed") == 1


def test_what_a_reviewer_said_and_how_dialogues_ended_is_shown(assistant):
    judged = apply(SetNodeStatus("late", "l4", Status.REJECTED), assistant)
    counted = FlowNode("end", "l1", "weather", 3, outcomes=(("resolved", 2), ("unresolved", 1)))
    judged = apply(AddNode("late", counted, 1), judged)
    assert "agent: when it arrives (6, rejected)" in to_mermaid(judged, judged.flows)
    assert "agent: when it arrives (6, rejected)" in to_dot(judged, judged.flows)
    assert to_graph(judged, judged.flows).nodes["end"]["outcomes"] == "resolved 2, unresolved 1"
    told = {
        node["id"]: node for node in to_json(AssistantVersion(judged, None, "any"), judged.flows)["flows"][1]["nodes"]
    }
    assert (told["l4"]["status"], told["end"]["outcomes"]) == ("rejected", {"resolved": 2, "unresolved": 1})


def test_only_the_flows_asked_for_are_written(assistant):
    late = [assistant.flow_by_id["late"]]
    assert "damaged item" not in to_mermaid(assistant, late) + to_dot(assistant, late) + to_graphml(assistant, late)


@given(st.from_type(Assistant))
def test_any_assistant_is_exported_whole(assistant):
    nodes, jumps = nodes_of(assistant), [node for node in nodes_of(assistant) if node.jump_to is not None]
    edges = len(nodes) - len(assistant.flows) + len(jumps)
    assert_every_line(MERMAID_LINE, to_mermaid(assistant, assistant.flows))
    assert_every_line(DOT_LINE, to_dot(assistant, assistant.flows))
    read = nx.read_graphml(BytesIO(to_graphml(assistant, assistant.flows).encode()))
    assert (read.number_of_nodes(), read.number_of_edges()) == (len(nodes), edges)
    told = to_json(AssistantVersion(assistant, None, "any"), assistant.flows)
    assert [node["id"] for flow in told["flows"] for node in flow["nodes"]] == [node.id for node in nodes]
