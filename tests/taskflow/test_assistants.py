"""Assistants in the database: mined, edited, published, mined again, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskflow.edits import AddNode, EditError, RemoveNode, RenameAction, RenameFlow, SetResponses
from taskflow.model import Assistant, AssistantVersion, FlowNode
from taskflow.store.assistants import (
    AssistantError,
    SavedVersion,
    add_edit,
    load_draft,
    load_version,
    publish,
    published_id,
    save_mined,
    summarise,
)
from taskflow.store.names import NameFormError

RENAMED = RenameFlow("late", "parcel is late")
ANSWERED = SetResponses("late", "l4", ("It comes on [date].",))


def carried(saved: SavedVersion) -> tuple[int, int]:
    return saved.edits_kept, saved.edits_dropped


def mined(database, assistant, encoder="any"):
    with database.write() as session:
        return save_mined(session, assistant, encoder)


def published(database, number=None):
    return load_version(database, published_id(database, "support", number))


def flow_name(version):
    return version.assistant.flow_by_id["late"].name


def test_what_was_mined_is_the_draft(database, assistant):
    assert carried(mined(database, assistant)) == (0, 0)
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
    assert version.assistant == assistant


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


def test_edits_are_carried_over_to_the_next_mining(database, assistant):
    mined(database, assistant)
    add_edit(database, "support", RENAMED)
    publish(database, "support")
    add_edit(database, "support", RenameAction("arrives", "tell the day"))
    assert carried(mined(database, assistant, "another")) == (2, 0)
    draft = load_draft(database, "support")
    assert (flow_name(draft), draft.encoder) == ("parcel is late", "another")
    assert draft.assistant.action_by_id["arrives"].name == "tell the day"
    assert carried(mined(database, assistant)) == (2, 0), "and to the one after it, each once"


def test_edits_that_no_longer_fit_are_counted_and_left_out(database, assistant):
    mined(database, assistant)
    add_edit(database, "support", RENAMED)
    add_edit(database, "support", RenameFlow("damaged", "broken item"))
    add_edit(database, "support", AddNode("late", FlowNode("new", "l4", "weather"), 0))
    smaller = replace(assistant, flows=assistant.flows[:1])
    assert carried(mined(database, smaller)) == (1, 2)
    assert [flow.name for flow in load_draft(database, "support").assistant.flows] == ["broken item"]


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
