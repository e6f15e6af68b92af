"""Customers' answers to one question are two actions where their words tell what comes of them, and else one."""

from __future__ import annotations

import numpy as np
import pytest

from mining.clustering import Labels
from mining.context import Talker
from mining.splitting import split_by_need, split_by_next
from mining.wordings import Spoken, collect
from taskflow.model import Dialogue, Speaker, Utterance

STARTS = ("", "well, ", "ah, ", "hm, ", "sure, ", "let me see, ")
YES = [start + text for start in STARTS for text in ("yes", "yes it is", "it is available", "yes, I have it here")]
NO = [start + text for start in STARTS for text in ("no", "no it is not", "it is not available", "no, I have none")]


@pytest.fixture
def talker(encoder):
    def made(spoken: Spoken, speaker: Speaker = Speaker.USER) -> Talker:
        vectors = encoder.encode([wording.text for wording in spoken.wordings[speaker]])
        return Talker(spoken, speaker, vectors, 4_000)

    return made


def answered(answer: str, following: str | None) -> Dialogue:
    """One question, one answer to it, and what the agent does next, if anything."""
    said = [(Speaker.AGENT, "Is it available?"), (Speaker.USER, answer)]
    said += [] if following is None else [(Speaker.AGENT, following)]
    return Dialogue(f"d {answer} {following}", tuple(Utterance(speaker, text) for speaker, text in said))


def split(talker, dialogues: list[Dialogue]) -> dict[str, int]:
    """The part of each answer, where all answers are one action and each agent's wording is one."""
    spoken = collect(dialogues)
    whole = np.zeros(len(spoken.wordings[Speaker.USER]), np.int64)
    labels = split_by_next(spoken, talker(spoken), whole, _one_each(spoken, Speaker.AGENT))
    return dict(zip((wording.text for wording in spoken.wordings[Speaker.USER]), labels.tolist(), strict=True))


def _one_each(spoken: Spoken, speaker: Speaker) -> Labels:
    return np.arange(len(spoken.wordings[speaker]))


def test_yes_and_no_are_two_where_the_agent_goes_on_differently(talker):
    parts = split(talker, [answered(text, "Send it back.") for text in YES] + [answered(text, "Sorry.") for text in NO])
    assert len(set(parts.values())) == 2
    assert {parts[text] for text in YES} != {parts[text] for text in NO}
    assert len({parts[text] for text in YES}) == len({parts[text] for text in NO}) == 1


def test_yes_and_no_stay_one_where_the_agent_goes_on_alike(talker):
    assert len(set(split(talker, [answered(text, "What is its number?") for text in YES + NO]).values())) == 1


@pytest.mark.parametrize("seed", range(5))
def test_what_the_words_do_not_foretell_splits_nothing(talker, seed):
    following = np.random.default_rng(seed).choice(["Send it back.", "Sorry.", "One moment."], len(YES + NO))
    assert len(set(split(talker, [answered(*pair) for pair in zip(YES + NO, following, strict=True)]).values())) == 1


def test_answers_with_nothing_after_them_tell_nothing(talker):
    assert len(set(split(talker, [answered(text, None) for text in YES + NO]).values())) == 1


def test_a_few_answers_are_too_few_to_judge(talker):
    few = [answered(text, "Send it back.") for text in YES[:8]] + [answered(text, "Sorry.") for text in NO[:8]]
    assert len(set(split(talker, few).values())) == 1


def test_an_outcome_that_one_wording_alone_has_is_no_reason_to_fail(talker):
    dialogues = [answered(text, "Send it back.") for text in YES] + [answered("no", "Sorry.")] * 24
    assert split(talker, dialogues).keys() == {*YES, "no"}


def test_only_the_action_whose_words_tell_is_split(talker):
    dialogues = [answered(text, "Send it back.") for text in YES] + [answered(text, "Sorry.") for text in NO]
    thanks = [start + text for start in STARTS for text in ("thanks", "thank you", "many thanks", "bye then")]
    following = np.random.default_rng(0).choice(["Send it back.", "Sorry."], len(thanks))
    spoken = collect(dialogues + [answered(*pair) for pair in zip(thanks, following, strict=True)])
    said = [wording.text for wording in spoken.wordings[Speaker.USER]]
    before = np.array([int(text in thanks) for text in said])
    after = split_by_next(spoken, talker(spoken), before, _one_each(spoken, Speaker.AGENT))
    assert len(set(after[before == 1].tolist())) == 1
    assert len(set(after[before == 0].tolist())) == 2
    assert not set(after[before == 1].tolist()) & set(after[before == 0].tolist())


RETURN = [start + text for start in STARTS for text in ("I want to return it", "can I send it back", "return please")]
REFUND = [start + text for start in STARTS for text in ("where is my money", "no refund yet", "I wait for my refund")]


@pytest.mark.parametrize(("told", "parts"), [(True, 2), (False, 1)])
def test_openings_are_split_where_they_nearly_always_tell_the_need(talker, told, parts):
    dialogues = [answered(text, "What is your order number?") for text in RETURN + REFUND]
    spoken = collect(dialogues)
    needs = np.array([0] * len(RETURN) + [1] * len(REFUND))
    if not told:
        needs = np.random.default_rng(0).permutation(needs)
    labels = split_by_need(spoken, talker(spoken), np.zeros(len(needs), np.int64), needs)
    assert len(set(labels.tolist())) == parts
    if told:
        assert len(set(labels[needs == 0].tolist())) == len(set(labels[needs == 1].tolist())) == 1
