"""Edits are data: pure, invertible, the same after JSON, and refused whole where they do not fit."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow.edit_forms import edit_from_json, edit_to_json
from taskflow.edits import (
    AddNode,
    EditError,
    MoveNode,
    RemoveNode,
    RenameAction,
    RenameFlow,
    SetResponses,
    apply,
    inverse,
)
from taskflow.model import Assistant, Evidence, FlowNode, NodeId

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
RENAMED = {"edit": "rename_flow", "flow_id": "late", "name": "parcel is late"}


@st.composite
def edits_of(draw, assistant):
    """An edit of any kind about the things of the assistant; it fits often, and often does not."""
    flow_ids = st.sampled_from([flow.id for flow in assistant.flows] or ["none"])
    nodes = st.sampled_from([node.id for flow in assistant.flows for node in flow.nodes] or ["none"])
    actions = st.sampled_from([action.id for action in assistant.actions])
    added = st.builds(
        FlowNode,
        nodes.map(lambda near: NodeId(f"{near}+")),
        nodes,
        actions,
        st.integers(0, 9),
        st.floats(0, 1),
        st.none() | nodes,
        st.lists(texts, max_size=2).map(tuple),
        st.lists(st.builds(Evidence, texts, st.integers(0, 9)), max_size=2).map(tuple),
    )
    places = st.integers(0, 3)
    return draw(
        st.builds(RenameAction, actions, texts)
        | st.builds(RenameFlow, flow_ids, texts)
        | st.builds(SetResponses, flow_ids, nodes, st.lists(texts, max_size=3).map(tuple))
        | st.builds(AddNode, flow_ids, added, places)
        | st.builds(RemoveNode, flow_ids, nodes)
        | st.builds(MoveNode, flow_ids, nodes, nodes, places)
    )


# The laws


@given(st.data(), st.from_type(Assistant))
def test_an_edit_and_its_inverse_lead_back(data, assistant):
    edit = data.draw(edits_of(assistant))
    try:
        edited = apply(edit, assistant)
    except EditError:
        return
    assert apply(inverse(edit, assistant), edited) == assistant


@given(st.data(), st.from_type(Assistant))
def test_undoing_several_edits_in_turn_leads_back(data, assistant):
    now, undos = assistant, []
    for _ in range(4):
        edit = data.draw(edits_of(now))
        try:
            edited = apply(edit, now)
        except EditError:
            continue
        undos.append(inverse(edit, now))
        now = edited
    for undo in reversed(undos):
        now = apply(undo, now)
    assert now == assistant


@given(st.data(), st.from_type(Assistant))
def test_an_edit_is_the_same_after_json(data, assistant):
    edit = data.draw(edits_of(assistant))
    assert edit_from_json(json.loads(json.dumps(edit_to_json(edit)))) == edit


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.data(), st.from_type(Assistant), json_values)
def test_any_json_is_an_edit_or_refused_with_a_sentence(data, assistant, value):
    form = edit_to_json(data.draw(edits_of(assistant)))
    spoiled = dict(form.get("node", form))
    spoiled[data.draw(st.sampled_from(sorted(spoiled)))] = value
    for given_form in (value, spoiled, form | {"node": spoiled} if "node" in form else spoiled):
        try:
            edit = edit_from_json(given_form)
            edited = apply(edit, assistant)
        except EditError as error:
            assert str(error)
        else:
            assert apply(inverse(edit, assistant), edited) == assistant


# What each edit does


def flow_of(assistant, flow_id):
    return [(node.id, node.parent_id) for node in assistant.flow_by_id[flow_id].nodes]


def test_renaming(assistant):
    renamed = apply(RenameAction("ask", "ask which order"), assistant)
    assert renamed.action_by_id["ask"].name == "ask which order"
    assert apply(RenameFlow("late", "parcel is late"), assistant).flow_by_id["late"].name == "parcel is late"


def test_setting_responses(assistant):
    edited = apply(SetResponses("late", "l4", ("It comes on [date].",)), assistant)
    assert edited.flow_by_id["late"].by_id["l4"].responses == ("It comes on [date].",)


def test_adding_removing_and_moving_nodes(assistant):
    added = apply(AddNode("late", FlowNode("new", "l1", "weather"), 1), assistant)
    assert flow_of(added, "late") == [
        ("l", None), ("l1", "l"), ("l2", "l1"), ("l3", "l2"), ("l4", "l3"), ("new", "l1")
    ]  # fmt: skip
    moved = apply(MoveNode("late", "l2", "new", 0), added)
    assert flow_of(moved, "late") == [
        ("l", None), ("l1", "l"), ("new", "l1"), ("l2", "new"), ("l3", "l2"), ("l4", "l3")
    ]  # fmt: skip
    removed = apply(RemoveNode("late", "l4"), moved)
    assert flow_of(removed, "late")[-1] == ("l3", "l2")


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (RenameAction("nothing", "x"), "assistant 'support' has no action 'nothing'"),
        (RenameAction("ask", " \n"), "a name cannot be empty"),
        (RenameFlow("nothing", "x"), "assistant 'support' has no flow 'nothing'"),
        (RenameFlow("late", "damaged item"), "has the flow name 'damaged item' twice"),
        (SetResponses("late", "d1", ("x",)), "flow 'late parcel' has no node 'd1'"),
        (AddNode("late", FlowNode("new", None, "ask"), 0), "node 'new' has no parent: a flow has one root"),
        (AddNode("late", FlowNode("new", "d1", "ask"), 0), "flow 'late parcel' has no node 'd1'"),
        (AddNode("late", FlowNode("l2", "l1", "ask"), 0), "has the node id 'l2' twice"),
        (AddNode("late", FlowNode("d2", "l1", "ask"), 0), "has the node id 'd2' twice"),
        (AddNode("late", FlowNode("", "l1", "ask"), 0), "has an empty node id"),
        (
            AddNode("late", FlowNode("new", "l1", "nothing"), 0),
            "has the action 'nothing', which the assistant does not",
        ),
        (AddNode("late", FlowNode("new", "l1", None), 0), "node 'new' of flow 'late parcel' has no action"),
        (AddNode("late", FlowNode("new", "l1", "ask"), 2), "node 'l1' has 1 children: there is no place 2"),
        (AddNode("late", FlowNode("new", "l1", "ask"), -1), "there is no place -1"),
        (AddNode("late", FlowNode("new", "l1", "ask", jump_to="d1"), 0), "jumps to 'd1', which is no node"),
        (AddNode("damaged", FlowNode("new", "d11", "ask"), 0), "its parent jumps elsewhere"),
        (RemoveNode("late", "l"), "node 'l' is the root of its flow and cannot be removed"),
        (RemoveNode("late", "l3"), "node 'l3' cannot be removed: node 'l4' is below it; remove that first"),
        (RemoveNode("late", "nothing"), "flow 'late parcel' has no node 'nothing'"),
        (MoveNode("late", "l", "l4", 0), "node 'l' is the root of its flow and cannot be moved"),
        (MoveNode("late", "l2", "l4", 0), "node 'l2' cannot be moved below itself"),
        (MoveNode("late", "l2", "l2", 0), "node 'l2' cannot be moved below itself"),
        (MoveNode("late", "l2", "l", 5), "node 'l' has 1 children: there is no place 5"),
        (MoveNode("damaged", "d9", "d11", 0), "its parent jumps elsewhere"),
    ],
)
def test_an_edit_that_does_not_fit_says_why(assistant, edit, told):
    with pytest.raises(EditError, match=told):
        apply(edit, assistant)


def test_a_leaf_that_others_jump_to_stays(assistant):
    jumping = FlowNode("jump", "l1", "arrives", jump_to="l4")
    with pytest.raises(EditError, match="node 'l4' cannot be removed: node 'jump' jumps to it; remove that first"):
        apply(RemoveNode("late", "l4"), apply(AddNode("late", jumping, 0), assistant))


# JSON that people write


def test_a_node_needs_its_place_and_action_only():
    form = {"edit": "add_node", "flow_id": "f", "index": 0, "node": {"id": "n", "parent_id": "r", "action_id": "a"}}
    assert edit_from_json(form) == AddNode("f", FlowNode("n", "r", "a"), 0)


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ([], "an edit is an object such as"),
        ("rename_flow", "an edit is an object such as"),
        ({}, "no edit is called None: use one of rename_action, rename_flow"),
        (RENAMED | {"edit": "delete_everything"}, "no edit is called 'delete_everything': use one of"),
        (RENAMED | {"edit": ["rename_flow"]}, "no edit is called"),
        (RENAMED | {"colour": "red"}, "rename_flow takes flow_id, name, not colour, flow_id, name"),
        ({"edit": "rename_flow", "name": "x"}, "rename_flow takes flow_id, name, not name"),
        (RENAMED | {"name": 7}, "name is 7: it has to be a text"),
        (RENAMED | {"name": None}, "name is None: it has to be a text"),
        (RENAMED | {"name": "a\0b"}, "it has to be a text, without NUL"),
        (RENAMED | {"name": "\ud800"}, "it has to be a text, without NUL or half characters"),
    ],
)
def test_what_is_no_edit_says_what_would_be(form, told):
    with pytest.raises(EditError, match=told):
        edit_from_json(form)


@pytest.mark.parametrize(
    ("node", "told"),
    [
        (None, "node is None: it has to be an object with id, parent_id, action_id"),
        ({"id": "n"}, "it has to be an object with id, parent_id, action_id"),
        ({"colour": "red"}, "it has to be an object with id, parent_id, action_id"),
        ({"id": 7}, "id is 7: it has to be a text"),
        ({"support": "many"}, "support is 'many': it has to be a whole number"),
        ({"support": -1}, "support is -1: it has to be a whole number, not below 0"),
        ({"support": True}, "support is True: it has to be a whole number"),
        ({"probability": 1.5}, "probability is 1.5: it has to be a number from 0 to 1"),
        ({"probability": float("nan")}, "probability is nan: it has to be a number from 0 to 1"),
        ({"responses": "hello"}, "responses is 'hello': it has to be a list"),
        ({"responses": [1]}, "responses is 1: it has to be a text"),
        ({"evidence": [{"dialogue_id": "d"}]}, "it has to be an object with dialogue_id and turn"),
        ({"evidence": [{"dialogue_id": "d", "turn": -1}]}, "turn is -1: it has to be a whole number"),
        ({"evidence": 3}, "evidence is 3: it has to be a list"),
    ],
)
def test_a_node_of_wrong_values_is_refused(node, told):
    whole = node if node is None or (set(node) == {"id"} and node["id"] == "n") else NODE | node
    with pytest.raises(EditError, match=told):
        edit_from_json({"edit": "add_node", "flow_id": "f", "index": 0, "node": whole})


NODE = {"id": "n", "parent_id": "r", "action_id": "a"}
