"""Conversations that have ended, as records of a log: which they are, what they hold, what is kept of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from taskflow.model import ActionId, Dialogue, Speaker, Utterance
from taskflow.store.assistants import AssistantError, publish, published_id, save_mined
from taskflow.store.conversations import NewEvent, commit_turn, read, start
from taskflow.store.corpora import Placed, put_dialogues, read_corpus, read_digests
from taskflow.store.finished import SILENCE, finished_ids, keep, read_finished, read_records
from taskflow.store.runs import read_assignments, save_run
from taskflow.store.schema import ConversationRow


@pytest.fixture
def version(database, assistant):
    with database.write() as session:
        save_mined(session, assistant, "any")
    publish(database, "support")
    return published_id(database, "support")


def said(text, speaker="user", **more):
    return NewEvent("message", {"speaker": speaker, "text": text, **more})


def converse(database, version, *events, **changes):
    conversation = start(database, version, "ann")
    assert commit_turn(database, read(database, conversation), {}, events, changes=changes) is not None
    return conversation


def turned_back(database, conversation, **by):
    """The last turn of a conversation was so long ago."""
    with database.write() as session:
        moment = datetime.now(UTC) - timedelta(**by)
        session.execute(update(ConversationRow).filter_by(id=conversation).values(updated_at=moment))


def test_closed_ones_have_ended_and_those_that_a_person_left_silent_for_a_day(database, version):
    open_ = converse(database, version, said("hello"))
    closed = converse(database, version, said("hello"), status="closed")
    fresh = converse(database, version, said("hello"), status="handed_off")
    silent = converse(database, version, said("hello"), status="handed_off")
    turned_back(database, silent, days=SILENCE.days, minutes=1)
    turned_back(database, open_, days=30)
    assert finished_ids(database) == [closed, silent]
    assert [one.outcome for one in read_finished(database, [silent, open_, closed, fresh, "nobody"])] == [
        "handed_off",
        None,
    ]


def test_they_are_chosen_by_assistant_and_by_their_last_turn(database, version):
    old = converse(database, version, said("hello"), status="closed")
    turned_back(database, old, days=10)
    new = converse(database, version, said("hello"), status="closed")
    assert finished_ids(database, "support") == [old, new]
    assert finished_ids(database, since=datetime.now(UTC) - timedelta(days=2)) == [new]
    with pytest.raises(AssistantError, match="no assistant is called 'sales'"):
        finished_ids(database, "sales")


def test_a_record_holds_messages_calls_and_how_it_ended(database, version):
    conversation = converse(
        database,
        version,
        said("my cup broke"),
        NewEvent("understood", {"action_id": "broken"}),
        NewEvent("call", {"name": "find order", "outcome": "not_found"}),
        NewEvent("call", {"name": "refund", "outcome": "rehearsed"}),
        said("One moment.", "agent", node="d2"),
        NewEvent("handoff", {"reason": "asked"}),
        said("Ben here, a new one is on its way.", "agent", by="Ben Ode", attachments=["cup.jpg"]),
        NewEvent("closed", {"outcome": "resolved"}),
        NewEvent("satisfaction", {"score": 4}),
        status="closed",
        outcome="resolved",
        satisfaction=4,
    )
    (record,) = read_records(database, read_finished(database, [conversation]))
    assert record.pop("started_at").endswith("+00:00")
    assert record == {
        "dialogue_id": conversation,
        "outcome": "resolved",
        "satisfaction": 4.0,
        "turns": [
            {"speaker": "user", "text": "my cup broke"},
            {"speaker": "system", "action": "find order", "result": {"outcome": "not_found"}},
            {"speaker": "system", "action": "refund", "result": None},
            {"speaker": "agent", "text": "One moment."},
            {"speaker": "agent", "text": "Ben here, a new one is on its way."},
        ],
    }


def test_the_digest_is_another_after_every_turn(database, version):
    conversation = converse(database, version, said("hello"), status="closed")
    seen = read_finished(database, [conversation])
    assert read_finished(database, [conversation]) == seen
    commit_turn(database, read(database, conversation), {}, [], changes={"satisfaction": 5})
    assert read_finished(database, [conversation])[0].digest != seen[0].digest


def dialogue(id_, *texts):
    return Dialogue(id_, tuple(Utterance(Speaker.USER, text) for text in texts))


def test_what_went_on_or_was_forgotten_since_it_was_read_stays_out(database, version):
    stays, went_on, gone = (converse(database, version, said("hello"), status="closed") for _ in range(3))
    finished = read_finished(database, [stays, went_on, gone])
    commit_turn(database, read(database, went_on), {}, [said("one more thing")], changes={"status": "open"})
    with database.write() as session:
        session.delete(session.get_one(ConversationRow, gone))
    offered = [(one, dialogue(one.id, "hello")) for one in finished]
    assert keep(database, "live", offered) == [Placed.ADDED, None, None]
    assert keep(database, "live", offered[:1]) == [Placed.THERE]
    assert [one.id for _, one in read_corpus(database, "live")] == [stays]


def test_a_changed_dialogue_takes_the_place_of_the_old_one_and_keeps_the_actions_of_its_turns(database, assistant):
    def put(*offered):
        with database.write() as session:
            return put_dialogues(session, "live", offered)

    assert put((dialogue("a", "hello", "bye"), "1"), (dialogue("b", "hello"), "1")) == [Placed.ADDED] * 2
    keys = [key for key, _ in read_corpus(database, "live")]
    actions = [(ActionId("weather"),), (ActionId("late"),)]
    details = {"config": {}, "figures": {}}
    save_run(database, "live", assistant, "any", [(keys[0], actions), (keys[1], actions[:1])], details)
    assert put((dialogue("a", "hello", "well", "bye"), "2"), (dialogue("b", "hello"), "1")) == [
        Placed.CHANGED,
        Placed.THERE,
    ]
    assert [one for _, one in read_corpus(database, "live")] == [
        dialogue("a", "hello", "well", "bye"),
        dialogue("b", "hello"),
    ]
    assert [row.action_id for row in read_assignments(database, "live")] == ["weather", None, None, "weather"]
    assert read_digests(database, "live", ["a", "b", "c"]) == {"a": "2", "b": "1"}
    assert read_digests(database, "nothing", ["a"]) == {}
    put((dialogue("a", "hello"), "3"))
    assert [one for _, one in read_corpus(database, "live")] == [dialogue("a", "hello"), dialogue("b", "hello")]


def test_the_columns_of_a_changed_dialogue_change(database):
    for outcome in ("abandoned", "resolved"):
        with database.write() as session:
            one = Dialogue("a", (Utterance(Speaker.USER, "hello"),), outcome=outcome, satisfaction=3, started_at="now")
            put_dialogues(session, "live", [(one, outcome)])
    assert [found for _, found in read_corpus(database, "live")] == [one]
