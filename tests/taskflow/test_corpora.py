"""Corpora of logged dialogues: what went in comes out, once, in order, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskflow.model import Dialogue, Speaker, Utterance
from taskflow.store.corpora import (
    Addition,
    CorpusError,
    StoredDialogues,
    add_dialogues,
    read_corpus,
    read_dialogue,
    summarise,
)
from taskflow.store.names import NameFormError, checked_name

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
results = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
utterances = st.builds(
    Utterance,
    st.sampled_from(Speaker),
    texts,
    st.none() | texts,
    results,
    st.lists(texts, max_size=2).map(tuple),
)
dialogues = st.builds(
    Dialogue,
    texts.filter(bool),
    st.lists(utterances, min_size=1, max_size=4).map(tuple),
    need=st.none() | texts,
    outcome=st.none() | texts,
    satisfaction=st.none() | st.floats(0, 5),
    started_at=st.none() | texts,
)


def dialogue(id_, *said):
    turns = [Utterance(Speaker.USER if place % 2 == 0 else Speaker.AGENT, text) for place, text in enumerate(said)]
    return Dialogue(id_, tuple(turns))


def added(database, corpus, *offered):
    return [
        addition.added for addition in add_dialogues(database, corpus, [(d, f"digest of {d}"[:64]) for d in offered])
    ]


def read(database, corpus):
    return [found for _, found in read_corpus(database, corpus)]


def test_dialogues_come_out_in_the_order_of_their_arrival(database):
    first, second, third = dialogue("z", "hello", "good day"), dialogue("a", "你好"), dialogue("m", "")
    assert added(database, "support", first, second) == [True, True]
    assert added(database, "support", third) == [True]
    assert read(database, "support") == [first, second, third]
    keys = [key for key, _ in read_corpus(database, "support")]
    assert keys == sorted(set(keys))


def test_the_same_again_adds_nothing(database):
    offered = [(dialogue("one", "hello"), "same"), (dialogue("two", "bye"), "other")]
    add_dialogues(database, "support", offered)
    assert add_dialogues(database, "support", offered) == [
        Addition("one", added=False, conflict=False),
        Addition("two", added=False, conflict=False),
    ]
    assert len(read(database, "support")) == 2


def test_other_content_under_an_id_is_a_conflict_and_changes_nothing(database):
    kept = dialogue("one", "hello")
    add_dialogues(database, "support", [(kept, "a")])
    (addition,) = add_dialogues(database, "support", [(dialogue("one", "goodbye"), "b")])
    assert addition == Addition("one", added=False, conflict=True)
    assert read(database, "support") == [kept]


def test_an_id_twice_in_one_call_is_added_once(database):
    kept = dialogue("one", "hello")
    told = add_dialogues(database, "support", [(kept, "a"), (kept, "a"), (dialogue("one", "bye"), "b")])
    assert [(addition.added, addition.conflict) for addition in told] == [(True, False), (False, False), (False, True)]
    assert read(database, "support") == [kept]


def test_an_id_may_be_used_in_each_corpus(database):
    assert added(database, "support", dialogue("one", "hello")) == [True]
    assert added(database, "sales", dialogue("one", "bye")) == [True]
    assert read(database, "sales") == [dialogue("one", "bye")]
    assert [(c.name, c.dialogues, c.utterances) for c in summarise(database)] == [("sales", 1, 1), ("support", 1, 1)]


def test_a_corpus_larger_than_a_batch_is_read_whole(database):
    many = [dialogue(str(number), f"text {number}") for number in range(1100)]
    assert all(added(database, "support", *many))
    assert read(database, "support") == many


def test_a_dialogue_of_ten_thousand_turns_is_kept_whole(database):
    long = dialogue("long", *(f"turn {number}" for number in range(10_000)))
    assert added(database, "support", long) == [True]
    assert read_dialogue(database, "support", "long") == long


def test_a_corpus_without_dialogues_counts_nothing(database):
    add_dialogues(database, "support", [])
    assert [(corpus.dialogues, corpus.utterances) for corpus in summarise(database)] == [(0, 0)]
    assert read(database, "support") == []


def test_what_is_not_there_is_told_with_what_is(database):
    with pytest.raises(CorpusError, match=r"no corpus is called 'suport' \(there are: none yet\): import one with"):
        read(database, "suport")
    added(database, "support", dialogue("one", "hello"))
    with pytest.raises(CorpusError, match=r"no corpus is called 'suport' \(there are: support\)"):
        read_dialogue(database, "suport", "one")
    assert read_dialogue(database, "support", "two") is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.lists(dialogues, unique_by=lambda one: one.id, max_size=3))
def test_any_dialogue_comes_out_as_it_went_in(database, offered):
    corpus = f"c{len(summarise(database))}"
    assert all(added(database, corpus, *offered))
    assert read(database, corpus) == offered


def test_imports_at_once_add_each_dialogue_once(database):
    many = [dialogue(str(number), "hello") for number in range(200)]
    with ThreadPoolExecutor(4) as threads:
        told = list(threads.map(lambda _: added(database, "support", *many), range(4)))
    assert sum(map(sum, told)) == len(many)
    assert sorted(one.id for one in read(database, "support")) == sorted(one.id for one in many)


def test_stored_dialogues_are_read_again_at_every_pass_and_later_ones_stay_out(database):
    many = [dialogue(str(number), f"hello {number}") for number in range(1_100)]
    added(database, "other", dialogue("x", "of another corpus"))
    added(database, "support", *many)
    stored = StoredDialogues(database, "support")
    added(database, "support", dialogue("later", "hello"))
    assert len(stored) == len(many)
    assert list(stored) == list(stored) == many
    assert (stored[3], stored[-1], stored[598:602]) == (many[3], many[-1], many[598:602])
    assert list(zip(stored.keys, stored, strict=True)) == list(read_corpus(database, "support"))[:-1]
    with pytest.raises(IndexError):
        stored[len(many)]
    with pytest.raises(CorpusError, match="no corpus is called 'sales'"):
        StoredDialogues(database, "sales")


@pytest.mark.parametrize("name", ["support", "售后", "a", "after-sale.2026_11", "9", "x" * 80])
def test_a_name_that_can_stand_in_an_address(name):
    assert checked_name(name) == name


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "a/b", "../x", ".hidden", "-x", "_x", "x" * 81, "a\n", "a\0", "<b>", "?"]
)
def test_a_name_that_cannot_is_told(database, name):
    with pytest.raises(NameFormError, match="cannot be a name: begin with a letter or digit"):
        add_dialogues(database, name, [(dialogue("one", "hello"), "a")])
    assert summarise(database) == []
