"""A mining run is kept whole or not at all: its figures, its draft, the actions of every turn."""

from __future__ import annotations

import pytest

from taskflow.model import Assistant, Dialogue, Speaker, Utterance
from taskflow.store.assistants import load_draft, summarise
from taskflow.store.corpora import CorpusError, add_dialogues, read_corpus
from taskflow.store.runs import corpus_of, list_runs, read_assignments, save_run

DETAILS = {"config": {"least_share": 0.01}, "figures": {"actions": 13, "note": "ok", "cut": 0.25}}


@pytest.fixture
def corpus(database):
    said = [("user", "my cup is broken"), ("agent", "which order?"), ("user", ""), ("system", "find order")]
    turns = tuple(Utterance(Speaker(speaker), text) for speaker, text in said)
    add_dialogues(database, "logs", [(Dialogue("b", turns), "1"), (Dialogue("a", turns[:1]), "2")])
    return [key for key, _ in read_corpus(database, "logs")]


def save(database, keys, assistant, actions=((("broken",), ("ask",), (), ("found", "missing")), (("late",),))):
    return save_run(database, "logs", assistant, "any", list(zip(keys, actions, strict=True)), DETAILS)


def told(database, corpus="logs"):
    return [
        (row.dialogue_id, row.turn, row.speaker, row.action_id, row.also) for row in read_assignments(database, corpus)
    ]


def test_every_turn_is_told_once_in_order_with_its_actions(database, corpus, assistant):
    save(database, corpus, assistant)
    assert told(database) == [
        ("b", 0, "user", "broken", ()),
        ("b", 1, "agent", "ask", ()),
        ("b", 2, "user", None, ()),
        ("b", 3, "system", "found", ("missing",)),
        ("a", 0, "user", "late", ()),
    ]
    names = [row.action for row in read_assignments(database, "logs")]
    assert names == ["item broken", "ask for the order number", None, "find order: ok", "parcel late"]


def test_a_run_tells_what_it_was_given_and_what_it_found(database, corpus, assistant):
    saved = save(database, corpus, assistant)
    (run,) = list_runs(database)
    assert (run.id, run.corpus, run.assistant, run.encoder) == (saved.run, "logs", "support", "any")
    assert run.figures == DETAILS["figures"]
    assert load_draft(database, "support").assistant == assistant
    assert list_runs(database, "other") == []


def test_the_newest_run_is_the_one_that_counts(database, corpus, assistant):
    save(database, corpus, assistant)
    second = save(database, corpus, assistant, (((), ("ask",), (), ()), (("refund",),)))
    assert list_runs(database)[0].id == second.run
    assert [action for _, _, _, action, _ in told(database)] == [None, "ask", None, None, "refund"]


def test_turns_that_came_after_the_run_have_no_action(database, corpus, assistant):
    save(database, corpus, assistant)
    add_dialogues(database, "logs", [(Dialogue("new", (Utterance(Speaker.USER, "hello"),)), "3")])
    assert told(database)[-1] == ("new", 0, "user", None, ())


def test_the_evidence_of_an_assistant_lies_in_its_corpus(database, corpus, assistant):
    assert corpus_of(database, "support") is None
    save(database, corpus, assistant)
    assert corpus_of(database, "support") == "logs"


def test_a_corpus_that_was_never_mined_has_no_assignments(database, corpus):
    assert read_assignments(database, "logs") is None
    with pytest.raises(CorpusError, match="no corpus is called 'other'"):
        read_assignments(database, "other")


def test_a_run_that_cannot_be_kept_leaves_nothing(database, corpus, assistant):
    with pytest.raises(CorpusError):
        save_run(database, "other", Assistant("support", (), ()), "any", [], DETAILS)
    assert ([found.name for found in summarise(database)], list_runs(database)) == ([], [])
