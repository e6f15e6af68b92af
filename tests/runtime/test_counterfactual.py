"""Going through live conversations again with what is not published yet."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from runtime.calls import CallResult
from runtime.config import RuntimeConfig
from runtime.counterfactual import CounterfactualReplay, Place, replay_conversations
from runtime.dialogue_manager import DialogueManager
from runtime.outfit import Outfit
from taskflow.calls import Outcome
from taskflow.edits import RemoveNode, RenameAction, RenameFlow
from taskflow.model import ActionId, FlowId, NodeId
from taskflow.publishing import publish_calibrated
from taskflow.store import Database
from taskflow.store.assistants import AssistantError, add_edit
from taskflow.store.conversations import read_events


def talk(manager: DialogueManager, *texts: str) -> str:
    conversation = manager.start("shop")
    for text in texts:
        manager.reply(conversation, str(uuid4()), text)
    return conversation


def again(manager: DialogueManager, version: str = "draft", most: int = 100) -> CounterfactualReplay:
    replayed = replay_conversations(manager.outfit, "shop", version, most)
    json.dumps(replayed.as_json())
    return replayed


def drop_the_question(database: Database) -> None:
    """Take out whether the item is unused, and what hangs on it."""
    for key in ("r-refused", "r-no", "r-label", "r-yes", "r-unused"):
        add_edit(database, "shop", RemoveNode(FlowId("f-return"), NodeId(key)))


def found(name, fields):
    return CallResult(Outcome.OK, {"date": "3 May"})


def found_at_last(name, fields):
    return found(name, fields) if fields["order_number"].endswith("8") else CallResult(Outcome.NOT_FOUND, {})


@pytest.fixture
def talked(serve, published, encoder) -> DialogueManager:
    """Conversations of every kind: answers, calls that were answered in turn, people, silence, a rating."""
    publish_calibrated(published, "shop", encoder)
    manager = serve()
    talk(manager, "I want to return something", "TF-20418837", "yes, it is unused", "thanks, bye", "5")
    talk(manager, "我要退货", "TF-20418837", "不是，已经用过了")
    talk(manager, "qwertz uiop", "can I send this back", "sorry, never mind", "never mind")
    handed = talk(manager, "I want to return something", "I want to talk to a human", "hello?")
    manager.speak_for(handed, "Kim", "Let me see.")
    manager.hand_back(handed, NodeId("r-unused"), "Kim")
    manager.reply(handed, "last", "yes, it is unused")
    manager.close(talk(manager, "where is my parcel"), "abandoned")
    talk(serve(found_at_last), "where is my parcel", "TF-20418837", "TF-20418838")
    talk(serve(unbound_calls="rehearse"), "where is my parcel", "TF-20418837")
    return manager


def test_with_what_served_them_all_conversations_go_as_they_went(talked):
    replayed = again(talked)
    assert replayed.differences == ()
    assert (replayed.conversations, replayed.turns) == (7, 22)


def test_new_names_are_no_difference(talked, published):
    add_edit(published, "shop", RenameFlow(FlowId("f-return"), "Sending back"))
    add_edit(published, "shop", RenameAction(ActionId("a-unused"), "asks whether it was used"))
    assert again(talked).differences == ()


def test_what_the_draft_does_otherwise_is_found_where_it_parts(talked, published):
    drop_the_question(published)
    replayed = again(talked)
    parted = {one.place: one for one in replayed.differences}
    after_number = parted[Place("Returns", "r-ask")]
    assert (after_number.before.what, after_number.before.node) == ("says", "r-unused")
    assert after_number.after is None or after_number.after.node != "r-unused"
    assert after_number.said == "[order_number]", "raw values stay in the conversation"
    assert any("taken as answer" in line for line in after_number.why)
    assert sum(count for _, count in replayed.places) == len(replayed.differences)
    assert all(one.place.flow != "Late parcels" for one in replayed.differences)


def test_a_hand_back_to_a_node_that_is_gone_is_a_difference(talked, published):
    drop_the_question(published)
    (refused,) = (one for one in again(talked).differences if one.after and one.after.what == "refused")
    assert "r-unused" in refused.after.name


def test_a_published_version_can_be_held_against_the_draft(talked, published, encoder):
    drop_the_question(published)
    publish_calibrated(published, "shop", encoder)
    assert again(talked, "2").differences == ()
    assert again(talked, "3").differences
    with pytest.raises(AssistantError, match="has no version 4"):
        again(talked, "4")


def test_only_the_last_conversations_are_gone_through(talked):
    assert again(talked, most=2).conversations == 2


def test_nothing_is_written_where_customers_are_and_no_call_is_made(serve, published, encoder):
    made = []

    def calls(name, fields):
        made.append(name)
        return found(name, fields)

    conversation = talk(serve(calls), "where is my parcel", "TF-20418837")
    before = read_events(published, conversation)
    replayed = replay_conversations(Outfit(published, encoder, RuntimeConfig(calls="shop:calls")), "shop")
    assert (replayed.conversations, replayed.differences) == (1, ())
    assert made == ["track"]
    assert read_events(published, conversation) == before


def test_the_command_tells_both_people_and_scripts(cli, talked, published, database_url):
    drop_the_question(published)
    told = cli("replay-conversations", "shop", database=database_url)
    assert "conversations would go differently" in told.stdout
    assert "then: says" in told.stdout
    values = json.loads(cli("replay-conversations", "shop", "--json", database=database_url).stdout)
    assert values["different"] == len(values["differences"]) > 0
