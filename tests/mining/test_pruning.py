"""Which steps become a flow: those that many dialogues took, by thresholds that held-out dialogues choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mining.automaton import ROOT, Automaton
from mining.pruning import Kept, Thresholds, choose_thresholds, prune
from taskflow.model import ActionId

KEEP_ALL = Thresholds(share=0.0, probability=0.0, shortcut=0.0)


def sequences(talks: Sequence[str]) -> list[list[ActionId]]:
    return [[ActionId(action) for action in talk] for talk in talks]


def pruned(talks: Sequence[str], thresholds: Thresholds | None = None) -> tuple[Automaton, Kept]:
    log = sequences(talks)
    automaton = Automaton(log)
    return automaton, prune(automaton, thresholds or choose_thresholds(log), len(log))


def keeps(kept: Kept, talk: str) -> bool:
    state = ROOT
    for action in talk:
        if ActionId(action) not in kept[state]:
            return False
        state = kept[state][ActionId(action)]
    return True


def actions(kept: Kept) -> set[str]:
    return {action for steps in kept.values() for action in steps}


def spread(random, *parts: tuple[str, int]) -> list[str]:
    """So many dialogues of each kind, in any order."""
    talks = [talk for talk, number in parts for _ in range(number)]
    return random.sample(talks, len(talks))


thresholds = st.builds(Thresholds, st.floats(0, 0.3), st.floats(0, 0.3), st.sampled_from([0.0, 0.35, 0.5]))
logs = st.lists(st.text("abcd", max_size=6), min_size=1, max_size=30)


@settings(deadline=None)
@given(logs, thresholds)
def test_what_is_kept_is_common_enough_and_reached(talks, chosen):
    automaton, kept = pruned(talks, chosen)
    assert next(iter(kept)) == ROOT
    assert {state for steps in kept.values() for state in steps.values()} | {ROOT} == set(kept)
    assert all(automaton.following[state][a] == to for state, steps in kept.items() for a, to in steps.items())
    common = [a for a, count in automaton.passed[ROOT].items() if a and count >= chosen.least(len(talks))]
    if any(automaton.passed[ROOT][a] >= chosen.probability * len(talks) for a in common):
        for state, steps in kept.items():
            for action in steps:
                passed = automaton.passed[state]
                assert passed[action] >= max(chosen.least(len(talks)), chosen.probability * passed.total())


@settings(deadline=None)
@given(logs, thresholds)
def test_a_way_that_is_cut_for_a_heavier_one_loses_no_state(talks, chosen):
    _, kept = pruned(talks, chosen)
    _, whole = pruned(talks, replace(chosen, shortcut=0.0))
    assert set(kept) == set(whole)


@settings(deadline=None)
@given(logs)
def test_thresholds_of_nothing_keep_every_dialogue_of_a_few(talks):
    _, kept = pruned(talks[:9], KEEP_ALL)
    assert all(keeps(kept, talk) for talk in talks[:9])


@settings(max_examples=40, deadline=None)
@given(
    st.integers(25, 120),
    st.floats(0.2, 0.5),
    st.lists(st.integers(0, 6), max_size=4),
    st.randoms(use_true_random=False),
)
def test_a_branch_of_a_fifth_stays_and_single_noise_goes(number, share, noisy, random):
    branch = -(-int(number * share * 100) // 100) + 1
    noise = ["abcdef"[:place] + letter + "abcdef"[place:] for place, letter in zip(noisy, "wxyz", strict=False)]
    talks = spread(random, ("abcdef", number - branch), ("abghef", branch), *((talk, 1) for talk in noise))
    _, kept = pruned(talks)
    assert keeps(kept, "abcdef")
    assert keeps(kept, "abghef")
    assert not actions(kept) & set("wxyz")


@pytest.mark.parametrize(("early", "drawn"), [(0, False), (6, False), (60, True)])
def test_an_early_answer_is_an_edge_where_it_is_the_rule_and_none_where_it_is_rare(early, drawn):
    talks = ["hQqef"] * (100 - early) + ["hqef"] * early
    _, kept = pruned([talks[place * 37 % 100] for place in range(100)])
    assert keeps(kept, "hQqef")
    assert keeps(kept, "hqef") == drawn


def test_few_dialogues_keep_what_two_of_them_did():
    _, kept = pruned(["abc"] * 7 + ["axc"] * 2 + ["ayc"])
    assert keeps(kept, "axc")
    assert "y" not in actions(kept)


def test_where_nothing_is_common_all_is_kept():
    talks = [letter + "!" for letter in "abcdefghijkl"]
    _, kept = pruned(talks)
    assert all(keeps(kept, talk) for talk in talks)


def test_dialogues_that_are_all_the_same_are_kept_whole():
    _, kept = pruned(["abcd"] * 60)
    assert keeps(kept, "abcd")
    assert len(kept) == 5


@pytest.mark.parametrize("talks", [[], [""], [""] * 40])
def test_empty_dialogues_keep_the_root(talks):
    _, kept = pruned(talks)
    assert kept == {ROOT: {}}


@settings(deadline=None)
@given(logs)
def test_the_same_dialogues_choose_the_same_thresholds(talks):
    assert choose_thresholds(sequences(talks)) == choose_thresholds(sequences(talks))
