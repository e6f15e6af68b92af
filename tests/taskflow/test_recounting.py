"""An assistant without what some dialogues gave to it: fewer counts, no evidence, no wordings of theirs alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow.edit_forms import edit_from_json, edit_to_json
from taskflow.edits import (
    AddAction,
    AddExemplars,
    AddFlow,
    AddNode,
    RenameAction,
    SplitAction,
    apply,
)
from taskflow.model import Assistant, DialogueAction, Evidence, Exemplar, FlowNode, Speaker, TaskFlow
from taskflow.recounting import Gone, edit_recounted, keeping, kept_wordings, recounted
from taskflow.texts import normalise


def seen_by(assistant):
    return sorted({seen.dialogue_id for flow in assistant.flows for node in flow.nodes for seen in node.evidence})


@given(st.from_type(Assistant), st.data())
def test_of_any_assistant_the_shape_stays_and_nothing_names_the_gone(assistant, data):
    ids = data.draw(st.sets(st.sampled_from(seen_by(assistant) or [""])))
    said = [exemplar.text for action in assistant.actions for exemplar in action.exemplars]
    only = frozenset(map(normalise, data.draw(st.sets(st.sampled_from(said or [""])))))
    gone = Gone(dict.fromkeys(ids, ("resolved",)), only)
    after = recounted(assistant, gone)
    assert not ids & set(seen_by(after))
    assert recounted(after, gone) == after
    for old, new in zip(assistant.actions, after.actions, strict=True):
        assert bool(new.exemplars) == bool(old.exemplars)
        assert len(new.exemplars) <= 1 or not any(normalise(one.text) in only for one in new.exemplars)
    for old_flow, flow in zip(assistant.flows, after.flows, strict=True):
        assert [(n.id, n.parent_id, n.jump_to) for n in flow.nodes] == [
            (n.id, n.parent_id, n.jump_to) for n in old_flow.nodes
        ]
        for old, new in zip(old_flow.nodes, flow.nodes, strict=True):
            assert 0 <= new.support <= old.support
            assert 0 <= new.probability <= 1


@given(st.from_type(Assistant))
def test_without_anybody_gone_nothing_changes(assistant):
    assert recounted(assistant, Gone({})) == assistant


def test_counts_of_a_node_its_endings_and_the_shares_of_its_branches(assistant):
    seen = {"d5": ["a", "b", "c", "e"], "d6": ["a", "b"], "d8": ["c"]}
    flow = assistant.flow_by_id["damaged"]
    nodes = [
        replace(
            node,
            evidence=tuple(Evidence(id_, 5) for id_ in seen[node.id]),
            support=len(seen[node.id]),
            probability=len(seen[node.id]) / 4 if node.id != "d5" else 1.0,
            outcomes=(("resolved", 1), ("satisfied", 2)),
        )
        if node.id in seen
        else node
        for node in flow.nodes
    ]
    counted = replace(assistant, flows=(replace(flow, nodes=tuple(nodes)), *assistant.flows[1:]))
    after = recounted(counted, Gone({"a": ("resolved", "satisfied"), "nobody": ("resolved",)}))
    by_id = after.flow_by_id["damaged"].by_id
    assert [(by_id[id_].support, by_id[id_].outcomes) for id_ in seen] == [
        (3, (("satisfied", 1),)),
        (1, (("satisfied", 1),)),
        (1, (("resolved", 1), ("satisfied", 2))),
    ]
    assert [by_id[id_].probability for id_ in ("d6", "d8")] == [pytest.approx(1 / 3), pytest.approx(1 / 3)]
    assert after.flows[1] is assistant.flows[1]


def test_counts_and_wordings_of_an_action(assistant):
    said = {(Speaker.USER, "the cup is broken"): 2, (Speaker.USER, "refund"): 9}
    after = recounted(assistant, Gone({}, frozenset({"a refund please", "nice weather"}), said, {"broken": 5}))
    actions = after.action_by_id
    assert actions["broken"].exemplars == (Exemplar("my cup came broken", 3), Exemplar("the cup is broken", 1))
    assert actions["broken"].support == 15
    assert actions["refund"].exemplars == (Exemplar("refund", 1),)
    assert actions["weather"].exemplars == (Exemplar("nice weather", 3),)
    assert kept_wordings(after, [], Gone({}, frozenset({"a refund please", "nice weather"}))) == {"nice weather"}


NEW = DialogueAction("new", Speaker.USER, "n", (Exemplar("Yours, Ivan", 1), Exemplar("bye", 2)), 3)
NODE = FlowNode("x", "l4", "new", 2, evidence=(Evidence("a", 1), Evidence("b", 2)), outcomes=(("resolved", 2),))
GONE = Gone({"a": ("resolved",)}, frozenset({"yours, ivan"}))
LESS = replace(NODE, support=1, evidence=(Evidence("b", 2),), outcomes=(("resolved", 1),))


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (RenameAction("late", "later"), RenameAction("late", "later")),
        (AddAction(NEW), AddAction(replace(NEW, exemplars=(Exemplar("bye", 2),)))),
        (AddNode("late", NODE, 0), AddNode("late", LESS, 0)),
        (
            AddFlow(TaskFlow("g", "g", (replace(NODE, parent_id=None),))),
            AddFlow(TaskFlow("g", "g", (replace(LESS, parent_id=None),))),
        ),
        (AddExemplars("late", NEW.exemplars), AddExemplars("late", NEW.exemplars[1:])),
        (AddExemplars("late", NEW.exemplars[:1]), None),
        (SplitAction("new", "m", "m", ("Yours, Ivan", "x")), SplitAction("new", "m", "m", ("x",))),
    ],
)
def test_an_edit_names_them_no_more(edit, expected):
    form = edit_recounted(edit_to_json(edit), GONE)
    assert (None if form is None else edit_from_json(form)) == expected


def test_a_split_that_would_have_nothing_left_to_part_keeps_its_wordings(assistant):
    edits = [
        AddAction(NEW),
        SplitAction("new", "ivan", "a signature", ("Yours, Ivan",)),
        SplitAction("broken", "cup", "cups", ("my cup came broken",)),
    ]
    forms = [edit_to_json(edit) for edit in edits]
    gone = replace(GONE, only=frozenset({"yours, ivan", "a refund please"}))
    going = keeping(assistant, forms, gone)
    assert going.only == {"a refund please"}
    after = recounted(assistant, going)
    left = [edit_recounted(form, going) for form in forms]
    assert kept_wordings(after, left, gone) == {"Yours, Ivan"}
    for form in left:
        after = apply(edit_from_json(form), after)
    assert [said.text for said in after.action_by_id["ivan"].exemplars] == ["Yours, Ivan"]
    assert [said.text for said in after.action_by_id["refund"].exemplars] == ["refund"]
