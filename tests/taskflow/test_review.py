"""What reviewers decided: the rejected is left out, places that were emptied are known, the work is counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow.burden import Judged, measure
from taskflow.edits import (
    AddAction,
    AddNode,
    MergeActions,
    MoveNode,
    RemoveNode,
    RenameAction,
    RenameFlow,
    SetActionStatus,
    SetNodeStatus,
    apply,
)
from taskflow.model import ActionId, Assistant, DialogueAction, Exemplar, FlowNode, Speaker, Status
from taskflow.proposals import Decision, Kind, Proposal, fitted
from taskflow.review import named_in, places_left, without_rejected
from taskflow.store.edit_log import StoredEdit
from taskflow.store.proposals import StoredProposal

MORNING = datetime(2026, 3, 2, 9, tzinfo=UTC)


# What is left out


@given(st.from_type(Assistant))
def test_nothing_rejected_is_left_and_nothing_else_is_gone(assistant):
    left = without_rejected(assistant)
    assert all(action.status is not Status.REJECTED for action in left.actions)
    assert all(node.status is not Status.REJECTED for flow in left.flows for node in flow.nodes)
    assert without_rejected(left) == left
    for flow in assistant.flows:
        kept = set(left.flow_by_id[flow.id].by_id) if flow.id in left.flow_by_id else set()
        stands = {node.id: _stands(assistant, flow, node) for node in flow.nodes}
        assert kept == {
            node.id for node in flow.nodes if stands[node.id] and (node.jump_to is None or stands[node.jump_to])
        }


def _stands(assistant, flow, node):
    """Whether neither the node nor one above it is rejected or of a rejected action."""
    return all(
        one.status is not Status.REJECTED
        and (one.action_id is None or assistant.action_by_id[one.action_id].status is not Status.REJECTED)
        for one in (node, *flow.ancestors(node.id))
    )


def test_what_jumps_to_a_rejected_node_goes_with_it(assistant):
    left = without_rejected(apply(SetNodeStatus("damaged", "d2", Status.REJECTED), assistant))
    assert [node.id for node in left.flow_by_id["damaged"].nodes] == ["d", "d1"]
    assert len(left.flow_by_id["late"].nodes) == 5
    left = without_rejected(apply(SetActionStatus("ask", Status.REJECTED), assistant))
    assert [len(flow.nodes) for flow in left.flows] == [2, 2]


# Places


def test_a_place_is_left_when_its_node_is_removed_or_moved_away(assistant):
    edits = [
        RemoveNode("late", "l4"),
        MoveNode("damaged", "d9", "d6", 0),
        AddNode("late", FlowNode("new", "l1", "weather"), 0),
        RenameFlow("late", "parcel is late"),
    ]
    assert places_left(assistant, edits) == {("late", "l3", "arrives"), ("damaged", "d8", "sent")}
    back = MoveNode("damaged", "d9", "d8", 0)
    assert places_left(assistant, [*edits, back]) == {("late", "l3", "arrives"), ("damaged", "d6", "sent")}


def test_an_edit_names_what_it_is_about(assistant):
    assert named_in(MergeActions("refund", ("again",))) == {"refund", "again"}
    assert named_in(MoveNode("late", "l4", "l1", 0)) == {"l4"}
    assert named_in(AddNode("late", FlowNode("new", "l1", "weather"), 0)) == {"new", "weather"}


# Proposals and a draft that went on


def test_a_proposal_fits_a_draft_that_went_on(assistant):
    action = DialogueAction(ActionId("sorry"), Speaker.AGENT, "is sorry", (Exemplar("so sorry", 2),), 2)
    adding = AddNode("late", FlowNode("new", "l4", "weather"), 3)
    assert fitted(AddAction(action), assistant) == AddAction(action)
    assert fitted(AddAction(action), apply(AddAction(action), assistant)) is None
    assert fitted(adding, assistant) == AddNode("late", adding.node, 0)


# The work


def logged(edit, minute, author="ada", undone=None, proposal=None):
    undone_at = None if undone is None else MORNING + timedelta(minutes=undone)
    return StoredEdit(0, 1, edit, author, MORNING + timedelta(minutes=minute), undone_at, proposal, False)


def decided(status, minute, author="ada"):
    proposal = Proposal(Kind.BRANCH, "x", (), "why", 1, ())
    return StoredProposal(1, 1, proposal, status, author, MORNING + timedelta(minutes=minute))


def test_operations_sessions_and_minutes(assistant):
    approve = SetActionStatus("ask", Status.APPROVED)
    log = [
        logged(RenameAction("ask", "x"), 0),
        logged(RenameAction("offer", "y"), 4, undone=8),
        logged(approve, 14),  # more than five minutes later: another session
        logged(RenameFlow("late", "z"), 2, "ben"),
    ]
    draft = apply(approve, assistant)
    found = measure(log, [], assistant, draft)
    assert found.operations == {
        "ada": {"rename_action": 2, "set_action_status": 1},
        "ben": {"rename_flow": 1},
    }
    assert (found.total, found.undone, found.sessions) == (4, 1, 3)
    assert found.minutes == 8 + 1 + 1
    assert (found.per_approved_action, found.per_flow) == (4.0, 2.0)


def test_a_proposal_is_one_operation_however_it_was_decided(assistant):
    log = [logged(RenameAction("ask", str(minute)), minute, proposal="p") for minute in range(3)]
    found = measure(log, [decided(Decision.REJECTED, 3), decided(Decision.PENDING, 90)], assistant, assistant)
    assert found.operations == {"ada": {"accept_proposal": 1, "reject_proposal": 1}}
    assert (found.per_approved_action, found.minutes) == (None, 3.0)


def test_no_work_is_no_session(assistant):
    found = measure([], [], assistant, assistant)
    assert (found.total, found.sessions, found.minutes) == (0, 0, 0)
    assert found.actions == Judged(0, 0, 0, 13)


def test_what_became_of_what_was_mined(assistant):
    edits = [
        SetActionStatus("ask", Status.APPROVED),
        SetActionStatus("weather", Status.REJECTED),
        RenameAction("late", "x"),
        MergeActions("refund", ("again",)),
        SetNodeStatus("late", "l4", Status.APPROVED),
        RemoveNode("damaged", "d7"),
    ]
    draft = assistant
    for edit in edits:
        draft = apply(edit, draft)
    taken_back = logged(RenameAction("number", "x"), 1, undone=2)
    found = measure([*(logged(edit, 0) for edit in edits), taken_back], [], assistant, draft)
    assert found.actions == Judged(approved=1, rejected=1, changed=3, untouched=8)
    assert found.nodes == Judged(approved=1, rejected=0, changed=2, untouched=14)


@pytest.mark.parametrize("minutes", [[0, 5, 10], [0, 5.1, 10.2]])
def test_a_gap_of_more_than_five_minutes_ends_a_session(assistant, minutes):
    log = [logged(RenameAction("ask", "x"), minute) for minute in minutes]
    found = measure(log, [], assistant, assistant)
    assert (found.sessions, found.minutes) == ((1, 10.0) if minutes[1] == 5 else (3, 3.0))
