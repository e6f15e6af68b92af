"""Which action an utterance is, by the nearest of the actions' exemplars."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow.model import ActionId, Assistant, DialogueAction, Exemplar, Speaker
from taskflow.retrieval import ExemplarIndex, exemplar_texts, normalise


@pytest.fixture(scope="module")
def index(assistant, encoder):
    return ExemplarIndex(assistant, Speaker.USER, encoder.encode(exemplar_texts(assistant, Speaker.USER)))


def told(index, encoder, text, **candidates):
    return index.rank(text, encoder.encode([text])[0], **candidates)


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("the mug I ordered is broken", "broken"),
        ("I'd like my money back", "refund"),
        ("where's my package?", "late"),
        ("我的快递怎么还没到？", "late"),
    ],
)
def test_an_utterance_in_other_words_is_its_action(index, encoder, text, action):
    assert told(index, encoder, text)[0].action_id == action


def test_the_very_words_score_one_whatever_the_case_and_spaces(index, encoder):
    best = told(index, encoder, "  My Cup  came BROKEN\n")[0]
    assert (best.action_id, best.score, best.exemplar) == ("broken", 1.0, "my cup came broken")


def test_every_action_of_the_speaker_is_ranked_once_best_first(assistant, index, encoder):
    matches = told(index, encoder, "send me another cup")
    users = {action.id for action in assistant.actions if action.speaker is Speaker.USER}
    assert {match.action_id for match in matches} == users
    assert len(matches) == len(users)
    scores = [match.likeness for match in matches]
    assert scores == sorted(scores, reverse=True)


def test_one_stray_wording_does_not_outweigh_many(encoder):
    stray = ("I want to cancel my order", "no thanks", "that is all", "nothing else, bye", "we are done here")
    many = ("cancel the order please", "I'd like to cancel", "stop my order", "please cancel my purchase")
    actions = tuple(
        DialogueAction(ActionId(name), Speaker.USER, name, tuple(Exemplar(text, 1) for text in texts), 1)
        for name, texts in (("stray", stray), ("many", many))
    )
    texts = exemplar_texts(Assistant("a", actions, ()), Speaker.USER)
    index = ExemplarIndex(Assistant("a", actions, ()), Speaker.USER, encoder.encode(texts))
    assert told(index, encoder, "I want to cancel this order")[0].action_id == "many"


def test_several_texts_at_once_find_the_same(index, encoder):
    texts = ["the mug is broken", "A REFUND please", "", "包裹"] * 300
    vectors = encoder.encode(texts)
    for text, vector, (found,) in zip(texts[:4], vectors, index.nearest(texts, vectors), strict=False):
        best = index.rank(text, vector)[0]
        assert (found.action_id, found.score) == (best.action_id, pytest.approx(best.score, abs=1e-5))


def test_an_assistant_without_actions_of_the_speaker_finds_nothing(encoder):
    empty = ExemplarIndex(Assistant("empty", (), ()), Speaker.USER, encoder.encode([]))
    assert told(empty, encoder, "hello") == []
    assert empty.nearest(["hello"], encoder.encode(["hello"])) == [[]]


def test_vectors_of_other_exemplars_are_refused(assistant, encoder):
    with pytest.raises(ValueError, match="exemplars but 1 vectors"):
        ExemplarIndex(assistant, Speaker.USER, encoder.encode(["hello"]))


@given(st.lists(st.lists(st.sampled_from("abcdef"), unique=True, max_size=3), max_size=5), st.sampled_from("abcdef"))
def test_the_score_is_that_of_the_actions_own_best_exemplar(said, asked):
    axes = np.eye(6, dtype=np.float32)[:, ::-1] * 0.9
    vectors = {letter: axes[place] for place, letter in enumerate("abcdef")}
    actions = tuple(
        DialogueAction(ActionId(str(place)), Speaker.USER, "some", tuple(Exemplar(text, 1) for text in texts), 1)
        for place, texts in enumerate(said)
    )
    assistant = Assistant("letters", actions, ())
    texts = exemplar_texts(assistant, Speaker.USER)
    index = ExemplarIndex(assistant, Speaker.USER, np.array([vectors[text] for text in texts]).reshape(-1, 6))
    found = {match.action_id: match.score for match in index.rank(asked, vectors[asked])}
    assert found == {str(place): float(asked in texts) for place, texts in enumerate(said) if texts}


@given(st.text())
def test_normalising_twice_is_normalising_once(text):
    assert normalise(normalise(text)) == normalise(text)
