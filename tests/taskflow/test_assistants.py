"""Assistants in the database: mined, edited, published, mined again, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskflow.edits import (
    AddNode,
    EditError,
    RemoveNode,
    RenameAction,
    RenameFlow,
    SetActionStatus,
    SetNodeStatus,
    SetResponses,
)
from taskflow.model import Assistant, AssistantVersion, FlowNode, Status
from taskflow.review import without_rejected
from taskflow.store.assistants import (
    AssistantError,
    add_edit,
    load_draft,
    load_log,
    load_version,
    publish,
    published_id,
    redo,
    save_mined,
    summarise,
    undo,
)
from taskflow.store.edit_log import Origin
from taskflow.store.names import NameFormError

RENAMED = RenameFlow("late", "parcel is late")
ANSWERED = SetResponses("late", "l4", ("It comes on [date].",))


def mined(database, assistant, encoder="any"):
    with database.write() as session:
        return save_mined(session, assistant, encoder)


def published(database, number=None):
    return load_version(database, published_id(database, "support", number))


def flow_name(version):
    return version.assistant.flow_by_id["late"].name


def test_what_was_mined_is_the_draft(database, assistant):
    mined(database, assistant)
    assert load_draft(database, "support") == AssistantVersion(assistant, None, "any")
    assert [found.name for found in summarise(database)] == ["support"]
    (told,) = summarise(database)
    assert (told.actions, told.flows, told.published, told.encoder) == (13, 2, None, "any")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(st.from_type(Assistant))
def test_any_assistant_comes_out_as_it_went_in(database, assistant):
    mined(database, assistant)
    assert load_draft(database, "support").assistant == assistant
    version = load_version(database, published_id(database, "support", publish(database, "support")))
    assert version.assistant == without_rejected(assistant)


def test_an_edit_changes_the_draft_alone(database, assistant):
    mined(database, assistant)
    assert publish(database, "support") == 1
    edited = add_edit(database, "support", RENAMED)
    assert load_draft(database, "support") == AssistantVersion(edited, None, "any")
    assert flow_name(published(database)) == "late parcel"


def test_versions_are_numbered_and_never_change(database, assistant):
    mined(database, assistant)
    for number, name in enumerate(["first", "second", "third"], start=1):
        add_edit(database, "support", RenameFlow("late", name))
        assert publish(database, "support") == number
    assert [flow_name(published(database, number)) for number in (1, 2, 3, None)] == [
        "first",
        "second",
        "third",
        "third",
    ]
    assert published(database).number == 3
    mined(database, assistant)
    assert publish(database, "support") == 4
    assert flow_name(published(database, 2)) == "second"


def test_an_edit_that_does_not_fit_leaves_the_draft(database, assistant):
    mined(database, assistant)
    before = add_edit(database, "support", RENAMED)
    for unfit in (RenameFlow("nothing", "x"), RenameFlow("late", "damaged item"), RemoveNode("late", "l")):
        with pytest.raises(EditError):
            add_edit(database, "support", unfit)
    assert load_draft(database, "support").assistant == before
    assert add_edit(database, "support", ANSWERED).flow_by_id["late"].by_id["l4"].responses == ANSWERED.responses


def test_what_was_rejected_stays_in_the_draft_and_is_not_published(database, assistant):
    mined(database, assistant)
    add_edit(database, "support", SetActionStatus("weather", Status.REJECTED))
    add_edit(database, "support", SetNodeStatus("damaged", "d3", Status.REJECTED))
    add_edit(database, "support", SetNodeStatus("late", "l", Status.REJECTED))
    publish(database, "support")
    served = published(database).assistant
    assert "weather" not in served.action_by_id
    assert [[node.id for node in flow.nodes] for flow in served.flows] == [["d", "d1", "d2"]]
    draft = load_draft(database, "support").assistant
    assert (len(draft.actions), len(draft.flows), len(draft.flow_by_id["damaged"].nodes)) == (13, 2, 12)
    add_edit(database, "support", SetNodeStatus("damaged", "d3", Status.APPROVED))
    publish(database, "support")
    assert len(published(database).assistant.flow_by_id["damaged"].nodes) == 12


def test_edits_are_undone_and_made_again_one_by_one(database, assistant):
    mined(database, assistant)
    once = add_edit(database, "support", RENAMED, "ada")
    twice = add_edit(database, "support", ANSWERED, "ben")
    publish(database, "support")
    assert undo(database, "support") == [ANSWERED]
    assert load_draft(database, "support").assistant == once
    assert undo(database, "support") == [RENAMED]
    assert load_draft(database, "support").assistant == assistant
    with pytest.raises(EditError, match="the draft of 'support' has no edit to undo since it was mined last"):
        undo(database, "support")
    assert redo(database, "support") == [RENAMED]
    assert redo(database, "support") == [ANSWERED]
    assert load_draft(database, "support").assistant == twice
    with pytest.raises(EditError, match="nothing to redo"):
        redo(database, "support")


def test_an_edit_after_an_undo_ends_what_could_be_redone(database, assistant):
    mined(database, assistant)
    for edit in (RENAMED, ANSWERED):
        add_edit(database, "support", edit)
    undo(database, "support")
    add_edit(database, "support", RenameAction("ask", "which order?"), "ada")
    with pytest.raises(EditError, match="nothing to redo"):
        redo(database, "support")
    log = load_log(database, "support")
    assert [(stored.edit, stored.undone_at is not None) for stored in log] == [
        (RENAMED, False),
        (ANSWERED, True),
        (RenameAction("ask", "which order?"), False),
    ]
    assert undo(database, "support") == [RenameAction("ask", "which order?")]
    assert undo(database, "support") == [RENAMED]
    assert load_draft(database, "support").assistant == assistant


def test_the_log_keeps_who_and_when_over_every_mining(database, assistant):
    mined(database, assistant)
    add_edit(database, "support", RENAMED, "ada")
    add_edit(database, "support", RENAMED)
    mined(database, assistant)
    add_edit(database, "support", ANSWERED, "ben")
    log = load_log(database, "support")
    assert [(stored.author, stored.origin, stored.carried) for stored in log] == [
        ("ada", Origin.HAND, True),
        ("unknown", Origin.HAND, True),
        ("ben", Origin.HAND, False),
    ]
    assert sorted(stored.at for stored in log) == [stored.at for stored in log]


def test_what_is_not_there_is_told_with_the_remedy(database, assistant):
    for ask in (load_draft, publish, published_id):
        with pytest.raises(AssistantError, match=r"no assistant is called 'support' \(there are: none yet\): mine one"):
            ask(database, "support")
    with pytest.raises(AssistantError, match="no assistant is called 'support'"):
        add_edit(database, "support", RENAMED)
    mined(database, assistant)
    with pytest.raises(
        AssistantError, match="assistant 'support' is not published yet: run 'taskflow publish support'"
    ):
        published(database)
    publish(database, "support")
    with pytest.raises(AssistantError, match=r"assistant 'support' has no version 7 \(there are: 1\)"):
        published(database, 7)


def test_an_assistant_needs_a_name_that_can_stand_in_an_address(database):
    with pytest.raises(NameFormError):
        mined(database, Assistant("a/b", (), ()))
    assert [found.name for found in summarise(database)] == []


def test_editors_and_publishers_at_once_lose_nothing(database, assistant):
    mined(database, assistant)
    names = [f"name {number}" for number in range(12)]

    def work(name):
        add_edit(database, "support", AddNode("late", FlowNode(name, "l1", "weather"), 0))
        return publish(database, "support")

    with ThreadPoolExecutor(4) as threads:
        numbers = list(threads.map(work, names))
    assert sorted(numbers) == list(range(1, 13))
    draft = load_draft(database, "support").assistant
    assert set(names) <= set(draft.flow_by_id["late"].by_id)
