"""Edits are data: pure, invertible, the same after JSON, and refused whole where they do not fit."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow.bindings import CallBinding, Effect
from taskflow.edit_forms import edit_from_json, edit_to_json
from taskflow.edits import (
    AddAction,
    AddExemplars,
    AddFlow,
    AddNode,
    AddResponses,
    AttachCall,
    DescribeAction,
    EditError,
    MergeActions,
    MoveNode,
    RemoveNode,
    RenameAction,
    RenameFlow,
    Restore,
    SetActionStatus,
    SetNodeStatus,
    SetResponses,
    SplitAction,
    apply,
    difference,
    inverse,
)
from taskflow.model import (
    ActionId,
    Assistant,
    DialogueAction,
    Evidence,
    Exemplar,
    FlowNode,
    NodeId,
    Speaker,
    Status,
    TaskFlow,
)

from .conftest import bindings

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
    status = st.sampled_from(Status)
    wordings = st.lists(st.builds(Exemplar, texts, st.integers(1, 9)), max_size=2).map(tuple)
    said = st.sampled_from([e.text for action in assistant.actions for e in action.exemplars] or ["none"])
    new = actions.map(lambda near: ActionId(f"{near}+"))
    fresh = st.builds(DialogueAction, new, st.sampled_from(Speaker), texts, wordings, st.integers(0, 9), texts, status)
    root = st.builds(FlowNode, new.map(NodeId), st.none(), st.none() | actions, st.integers(0, 9))
    return draw(
        st.builds(RenameAction, actions, texts)
        | st.builds(DescribeAction, actions, texts)
        | st.builds(SetActionStatus, actions, status)
        | st.builds(AttachCall, actions, st.none() | bindings)
        | st.builds(MergeActions, actions, st.lists(actions, max_size=2).map(tuple))
        | st.builds(SplitAction, actions, new, texts, st.lists(said, max_size=2).map(tuple))
        | st.builds(AddAction, fresh)
        | st.builds(AddExemplars, actions, wordings)
        | st.builds(RenameFlow, flow_ids, texts)
        | st.builds(AddFlow, st.builds(TaskFlow, new, texts, root.map(lambda node: (node,))))
        | st.builds(SetResponses, flow_ids, nodes, st.lists(texts, max_size=3).map(tuple))
        | st.builds(AddResponses, flow_ids, nodes, st.lists(texts, max_size=3).map(tuple))
        | st.builds(SetNodeStatus, flow_ids, nodes, status)
        | st.builds(AddNode, flow_ids, added, places)
        | st.builds(RemoveNode, flow_ids, nodes)
        | st.builds(MoveNode, flow_ids, nodes, nodes, places)
        | st.from_type(Assistant).map(lambda other: difference(other, assistant))
    )


def merges_of(assistant):
    """Merges that fit, where the assistant has two actions of one speaker."""
    pairs = [
        (one.id, other.id)
        for one in assistant.actions
        for other in assistant.actions
        if one is not other and one.speaker is other.speaker
    ]
    return st.sampled_from(pairs).map(lambda pair: MergeActions(pair[0], (pair[1],))) if pairs else st.nothing()


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


@given(st.data(), st.from_type(Assistant).filter(lambda found: not merges_of(found).is_empty))
def test_a_merge_loses_no_dialogue_and_can_be_taken_back(data, assistant):
    merge = data.draw(merges_of(assistant))
    merged = apply(merge, assistant)
    assert apply(inverse(merge, assistant), merged) == assistant
    assert sum(action.support for action in merged.actions) == sum(action.support for action in assistant.actions)
    for flow, before in zip(merged.flows, assistant.flows, strict=True):
        assert sum(node.support for node in flow.nodes) == sum(node.support for node in before.nodes)
        assert {seen for node in flow.nodes for seen in node.evidence} == {
            seen for node in before.nodes for seen in node.evidence
        }
        assert {node.id for node in flow.nodes} <= {node.id for node in before.nodes}
        assert all(0 <= node.probability <= 1 for node in flow.nodes)


@given(st.from_type(Assistant), st.from_type(Assistant))
def test_a_difference_leads_from_any_assistant_to_any_other(one, other):
    assert apply(difference(one, other), other) == one


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
        (DescribeAction("nothing", "x"), "has no action 'nothing'"),
        (SetActionStatus("nothing", Status.APPROVED), "has no action 'nothing'"),
        (SetNodeStatus("late", "nothing", Status.APPROVED), "has no node 'nothing'"),
        (MergeActions("ask", ()), "'ask' can be merged with other actions only, each named once"),
        (MergeActions("ask", ("offer", "ask")), "'ask' can be merged with other actions only, each named once"),
        (MergeActions("ask", ("offer", "offer")), "each named once"),
        (MergeActions("ask", ("nothing",)), "has no action 'nothing'"),
        (MergeActions("ask", ("number",)), "action 'number' is the user's, action 'ask' the agent's"),
        (SplitAction("late", "new", "x", ("nobody says this",)), "action 'late' has no wording 'nobody says this'"),
        (SplitAction("late", "new", "x", ()), "'late' cannot be split: some of its wordings have to leave, some stay"),
        (SplitAction("late", "new", "x", ("where is my parcel", "包裹还没到")), "'late' cannot be split"),
        (SplitAction("late", "ask", "x", ("包裹还没到",)), "has the action id 'ask' twice"),
        (SplitAction("late", "new", " ", ("包裹还没到",)), "a name cannot be empty"),
        (AddAction(DialogueAction("new", Speaker.USER, "x", (), 0)), "action 'new' has no wording"),
        (AddAction(DialogueAction("ask", Speaker.USER, "x", (Exemplar("x", 1),), 1)), "has the action id 'ask' twice"),
        (AddExemplars("ask", ()), "no wording is given for action 'ask'"),
        (AddFlow(TaskFlow("late", "x", (FlowNode("x", None, None),))), "has the flow id 'late' twice"),
        (AddFlow(TaskFlow("new", "x", (FlowNode("x", None, "nothing"),))), "has the action 'nothing', which"),
        (AddResponses("late", "nothing", ("x",)), "has no node 'nothing'"),
        (Restore(("nothing",), (), (), ()), "cannot be put back: 'nothing' is not there"),
    ],
)
def test_an_edit_that_does_not_fit_says_why(assistant, edit, told):
    with pytest.raises(EditError, match=told):
        apply(edit, assistant)


def test_describing_and_judging(assistant):
    assert apply(DescribeAction("ask", "before the look-up"), assistant).action_by_id["ask"].description == (
        "before the look-up"
    )
    assert apply(SetActionStatus("ask", Status.APPROVED), assistant).action_by_id["ask"].status is Status.APPROVED
    judged = apply(SetNodeStatus("late", "l4", Status.REJECTED), assistant)
    assert [node.id for node in judged.flow_by_id["late"].nodes if node.status is Status.REJECTED] == ["l4"]


def test_a_merge_joins_wordings_and_the_siblings_that_become_the_same(assistant):
    merged = apply(MergeActions("refund", ("again",)), assistant)
    action = merged.action_by_id["refund"]
    assert [(said.text, said.count) for said in action.exemplars] == [
        ("a refund please", 3),
        ("refund", 3),
        ("send a new one", 3),
    ]
    assert (action.name, action.support) == ("wants a refund", 18)
    assert "again" not in merged.action_by_id
    flow = merged.flow_by_id["damaged"]
    joined = flow.by_id["d6"]
    assert (joined.support, joined.probability) == (16, 1.0)
    assert [(child.id, child.support) for child in flow.children("d6")] == [("d7", 10), ("d9", 6)]
    assert [child.probability for child in flow.children("d6")] == [10 / 16, 6 / 16]


def test_a_jump_to_a_node_that_was_joined_goes_to_the_one_that_stays(assistant):
    jumping = apply(AddNode("damaged", FlowNode("jump", "d10", "again", 2, jump_to="d8"), 0), assistant)
    flow = apply(MergeActions("refund", ("again",)), jumping).flow_by_id["damaged"]
    assert flow.by_id["jump"].jump_to == "d6"


def test_wordings_of_a_merge_are_the_same_in_any_case(assistant):
    shouted = apply(AddExemplars("again", (Exemplar("REFUND", 4),)), assistant)
    exemplars = apply(MergeActions("refund", ("again",)), shouted).action_by_id["refund"].exemplars
    assert [(said.text, said.count) for said in exemplars][:2] == [("a refund please", 3), ("refund", 7)]


def test_a_split_takes_its_wordings_and_their_counts_along(assistant):
    split = apply(SplitAction("late", "lost", "parcel lost", ("包裹还没到",)), assistant)
    late, lost = split.action_by_id["late"], split.action_by_id["lost"]
    assert [said.text for said in late.exemplars] == ["where is my parcel"]
    assert (late.support, lost.support, lost.speaker, lost.name) == (7, 3, Speaker.USER, "parcel lost")
    assert [action.id for action in split.actions].index("lost") == [a.id for a in assistant.actions].index("late") + 1


def test_adding_actions_wordings_responses_and_flows(assistant):
    action = DialogueAction(ActionId("sorry"), Speaker.AGENT, "is sorry", (Exemplar("so sorry", 2),), 2)
    with_action = apply(AddAction(action), assistant)
    assert with_action.actions[-1] == action
    more = apply(AddExemplars("sorry", (Exemplar("So  sorry", 3), Exemplar("my apologies", 9))), with_action)
    assert [(said.text, said.count) for said in more.action_by_id["sorry"].exemplars] == [
        ("so sorry", 5),
        ("my apologies", 9),
    ]
    assert more.action_by_id["sorry"].support == 14
    flow = TaskFlow("lost", "parcel lost", (FlowNode("x", None, None), FlowNode("x1", "x", "sorry")))
    assert apply(AddFlow(flow), with_action).flows[-1] == flow
    twice = apply(AddResponses("late", "l4", ("soon", "soon")), assistant).flow_by_id["late"].by_id["l4"].responses
    assert twice == (*assistant.flow_by_id["late"].by_id["l4"].responses, "soon")


def test_the_way_back_from_a_merge_names_what_was_different_alone(assistant):
    merge = MergeActions("refunded", ("sent",))
    back = inverse(merge, assistant)
    assert {action.id for action in back.actions} == {"refunded", "sent"}
    assert [(flow.flow_id, flow.labels, flow.nodes, flow.order) for flow in back.flows] == [
        ("damaged", (("d9", "sent"),), (), ())
    ]


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
        ({}, "no edit is called None: use one of rename_action, describe_action"),
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
        ({"evidence": [{"dialogue_id": "d"}]}, "it has to be an object with dialogue_id, turn"),
        ({"evidence": [{"dialogue_id": "d", "turn": -1}]}, "turn is -1: it has to be a whole number"),
        ({"evidence": 3}, "evidence is 3: it has to be a list"),
        ({"status": "good"}, "status is 'good': it has to be one of proposed, approved, rejected"),
        ({"outcomes": ["resolved"]}, r"outcomes is \['resolved'\]: it has to be an object"),
        ({"outcomes": {"resolved": -1}}, "outcomes is -1: it has to be a whole number"),
    ],
)
def test_a_node_of_wrong_values_is_refused(node, told):
    whole = node if node is None or (set(node) == {"id"} and node["id"] == "n") else NODE | node
    with pytest.raises(EditError, match=told):
        edit_from_json({"edit": "add_node", "flow_id": "f", "index": 0, "node": whole})


NODE = {"id": "n", "parent_id": "r", "action_id": "a"}


# Calls are bound


def called(assistant):
    call = DialogueAction(ActionId("look"), Speaker.SYSTEM, "look", (Exemplar("lookup_order", 3),), 3)
    return apply(AddAction(call), assistant)


ATTACHED = {
    "edit": "attach_call",
    "action_id": "look",
    "binding": {"endpoint": "orders", "method": "GET", "effect": "read", "facts": {"amount": "order.total"}},
}


@given(st.from_type(Assistant).filter(lambda assistant: "look" not in assistant.action_by_id))
def test_a_call_is_bound_and_let_go(assistant):
    assistant = called(assistant)
    edit = edit_from_json(ATTACHED)
    bound = apply(edit, assistant)
    assert bound.action_by_id["look"].binding == CallBinding(
        "orders", method="GET", effect=Effect.READ, facts=(("amount", "order.total"),)
    )
    assert apply(inverse(edit, assistant), bound) == assistant
    assert edit_from_json(json.loads(json.dumps(edit_to_json(edit)))) == edit


@pytest.mark.parametrize(
    ("binding", "told"),
    [
        ({}, "endpoint"),
        ({"endpoint": "orders", "method": "TRACE"}, "the method is 'TRACE'"),
        ({"endpoint": "orders", "effect": "both"}, "effect is 'both'"),
        ({"endpoint": "orders", "timeout": "long"}, "a number of seconds"),
        ({"endpoint": "orders", "confirm": 1}, "true or false"),
        ({"endpoint": "orders", "facts": ["amount"]}, "has to be an object"),
        ({"endpoint": "orders", "url": "https://elsewhere.example"}, "an object with endpoint"),
    ],
)
def test_a_binding_that_cannot_be_is_refused_with_its_reason(binding, told):
    with pytest.raises(EditError, match=told):
        edit_from_json(ATTACHED | {"binding": binding})


@given(st.from_type(Assistant).filter(lambda assistant: assistant.actions))
def test_only_calls_are_bound(assistant):
    spoken = [action for action in assistant.actions if action.speaker is not Speaker.SYSTEM]
    for action in spoken:
        with pytest.raises(EditError, match="is no call"):
            apply(AttachCall(action.id, CallBinding("orders")), assistant)
