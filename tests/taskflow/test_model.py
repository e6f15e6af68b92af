"""A value of the model that exists is right; one that cannot be says where and why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow.model import (
    ActionId,
    Assistant,
    Dialogue,
    DialogueAction,
    FlowId,
    FlowNode,
    ModelError,
    NodeId,
    Speaker,
    TaskFlow,
    Utterance,
)


def node(id_, parent=None, action="a", jump_to=None):
    return FlowNode(NodeId(id_), parent, action, jump_to=jump_to)


def flow(*nodes, name="returns", id_="f"):
    return TaskFlow(FlowId(id_), name, nodes)


def action(id_="a"):
    return DialogueAction(ActionId(id_), Speaker.AGENT, "greet", (), 1)


MALFORMED = {
    "no nodes": ((), "flow 'returns' has no nodes"),
    "two roots": ((node("r"), node("s")), "node 's' of flow 'returns': the first node, and no other, is the root"),
    "no root": ((node("r", "s"), node("s", "r")), "node 'r' of flow 'returns': the first node"),
    "its own parent": ((node("r"), node("s", "s")), "node 's' of flow 'returns': its parent 's' is not above it"),
    "an unknown parent": ((node("r"), node("s", "x")), "node 's' of flow 'returns': its parent 'x' is not above it"),
    "a child before its parent": ((node("r"), node("s", "t"), node("t", "r")), "node 's' of flow 'returns'"),
    "a child away from its siblings": (
        (node("r"), node("s", "r"), node("t", "r"), node("u", "s")),
        "node 'u' of flow 'returns': its parent 's' is not above it: list the nodes depth first",
    ),
    "an id twice": ((node("r"), node("s", "r"), node("s", "r")), "flow 'returns' has the node id 's' twice"),
    "an empty id": ((node("r"), node("", "r")), "flow 'returns' has an empty node id: give it one"),
    "a child of a jump": (
        (node("r"), node("s", "r", jump_to="r"), node("t", "s")),
        "node 't' of flow 'returns': its parent jumps elsewhere",
    ),
    "a jump to itself": ((node("r"), node("s", "r", jump_to="s")), "node 's' of flow 'returns' jumps to 's'"),
    "a jump to nowhere": ((node("r"), node("s", "r", jump_to="x")), "node 's' of flow 'returns' jumps to 'x'"),
    "a jump to a jump": (
        (node("r"), node("s", "r", jump_to="r"), node("t", "r", jump_to="s")),
        "node 't' of flow 'returns' jumps to 's'",
    ),
    "a root that jumps": ((node("r", jump_to="r"),), "node 'r' of flow 'returns' jumps to 'r'"),
    "a node without an action": ((node("r"), node("s", "r", None)), "node 's' of flow 'returns' has no action"),
}


@pytest.mark.parametrize(("nodes", "told"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_tree_is_refused_at_its_place(nodes, told):
    with pytest.raises(ModelError) as error:
        flow(*nodes)
    assert str(error.value).startswith(told)


def test_what_a_well_formed_tree_answers():
    tree = flow(
        node("r", None, None),
        node("s", "r"),
        node("t", "s"),
        node("j", "t", jump_to="s"),
        node("u", "r"),
    )
    assert tree.root.id == "r"
    assert [child.id for child in tree.children("r")] == ["s", "u"]
    assert [child.id for child in tree.children("j")] == ["t"], "a node that jumps stands for its target"
    assert [above.id for above in tree.ancestors("j")] == ["t", "s", "r"]
    assert tree.ancestors("r") == ()


@pytest.mark.parametrize(
    ("actions", "flows", "told"),
    [
        ((action(), action()), (), "assistant 'support' has the action id 'a' twice"),
        ((action(""),), (), "assistant 'support' has an empty action id"),
        (
            (action(),),
            (flow(node("r")), flow(node("s"), name="other")),
            "assistant 'support' has the flow id 'f' twice",
        ),
        ((action(),), (flow(node("r")), flow(node("s"), id_="g")), "has the flow name 'returns' twice"),
        ((action(),), (flow(node("r")), flow(node("r"), id_="g", name="o")), "has the node id 'r' twice"),
        ((action(),), (flow(node("r"), name=""),), "assistant 'support' has an empty flow name"),
        ((action("b"),), (flow(node("r")),), "node 'r' of flow 'returns' has the action 'a', which the assistant does"),
    ],
)
def test_a_malformed_assistant_is_refused(actions, flows, told):
    with pytest.raises(ModelError, match=told):
        Assistant("support", actions, flows)


def test_a_dialogue_has_an_id_and_turns():
    with pytest.raises(ModelError, match="a dialogue has an empty id"):
        Dialogue("", (Utterance(Speaker.USER, "hello"),))
    with pytest.raises(ModelError, match="dialogue 'one' has no turns"):
        Dialogue("one", ())
    assert Dialogue("one", (Utterance(Speaker.USER, ""),)).utterances[0].text == ""


@given(st.from_type(Assistant))
def test_every_node_is_found_from_its_root(assistant):
    for tree in assistant.flows:
        for place in tree.nodes:
            above = tree.ancestors(place.id)
            assert place is tree.root or above[-1] is tree.root
            for parent in above[:1]:
                assert place in tree.children(parent.id)
