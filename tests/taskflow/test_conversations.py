"""A turn of a live conversation is one commit: kept whole, once, in order, whoever else writes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from taskflow.store.assistants import publish, published_id, save_mined
from taskflow.store.conversations import NewEvent, commit_turn, read, read_events, start, turn_of_message


@pytest.fixture
def conversation(database, assistant):
    with database.write() as session:
        save_mined(session, assistant, "any")
    publish(database, "support")
    return start(database, published_id(database, "support"))


def said(text, message=None):
    return NewEvent("message", {"text": text}, message)


def texts(events):
    return [event.payload["text"] for event in events]


def test_a_new_conversation_is_empty_and_on_its_version(database, conversation):
    snapshot = read(database, conversation)
    assert (snapshot.id, snapshot.revision, snapshot.state) == (conversation, 0, {})
    assert snapshot.version_id == published_id(database, "support")
    assert read_events(database, conversation) == []


def test_an_unknown_conversation_is_none(database, conversation):
    assert read(database, "nobody") is None
    assert read_events(database, "nobody") == []
    assert turn_of_message(database, "nobody", "m1") == []


def test_turns_are_kept_in_order_with_their_state(database, conversation):
    first = commit_turn(database, read(database, conversation), {"node": "d1"}, [said("坏了", "m1"), said("Which?")])
    second = commit_turn(database, read(database, conversation), {"node": "d3"}, [said("TF-1", "m2"), said("Thanks")])
    assert [(event.offset, event.turn) for event in first + second] == [(0, 0), (1, 0), (2, 1), (3, 1)]
    assert read_events(database, conversation) == first + second
    assert read_events(database, conversation, after=1) == second
    assert read_events(database, conversation, after=3) == []
    assert (read(database, conversation).revision, read(database, conversation).state) == (2, {"node": "d3"})


def test_the_turn_of_a_message_is_found_again(database, conversation):
    turn = commit_turn(database, read(database, conversation), {}, [said("hello", "m1"), said("good day")])
    commit_turn(database, read(database, conversation), {}, [said("bye", "m2")])
    assert turn_of_message(database, conversation, "m1") == turn
    assert turn_of_message(database, conversation, "m3") == []


def test_who_comes_second_writes_nothing(database, conversation):
    before = read(database, conversation)
    assert commit_turn(database, before, {"by": "first"}, [said("first", "m1")]) is not None
    assert commit_turn(database, before, {"by": "second"}, [said("second", "m2")]) is None
    assert texts(read_events(database, conversation)) == ["first"]
    assert read(database, conversation).state == {"by": "first"}


def test_a_message_is_never_kept_twice(database, conversation):
    commit_turn(database, read(database, conversation), {"turn": 1}, [said("hello", "m1")])
    assert commit_turn(database, read(database, conversation), {"turn": 2}, [said("hello", "m1")]) is None
    assert (read(database, conversation).revision, read(database, conversation).state) == (1, {"turn": 1})
    other = start(database, published_id(database, "support"))
    assert commit_turn(database, read(database, other), {}, [said("hello", "m1")]) is not None


def test_of_writers_at_once_each_turn_has_one(database, conversation):
    def talk(name):
        kept = 0
        for number in range(5):
            before = read(database, conversation)
            kept += commit_turn(database, before, {}, [said(name, f"{name}{number}"), said("reply")]) is not None
        return kept

    with ThreadPoolExecutor(4) as threads:
        kept = sum(threads.map(talk, "abcd"))
    events = read_events(database, conversation)
    assert read(database, conversation).revision == kept
    assert [event.offset for event in events] == list(range(2 * kept))
    assert [event.turn for event in events] == [turn for turn in range(kept) for _ in range(2)]
