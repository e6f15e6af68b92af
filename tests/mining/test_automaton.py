"""What follows what: states that are alike become one, and no dialogue is lost by it."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from mining.automaton import ROOT, Automaton
from taskflow.model import ActionId

CONCENTRATION = 0.3

talks = st.text("abcde", max_size=8)  # an action a letter
logs = st.lists(talks, max_size=25) | st.lists(st.sampled_from(["abab", "abcab", "ab", "acab", "cab"]), max_size=25)


def learnt(talks: Iterable[Sequence[str]]) -> Automaton:
    return Automaton([[ActionId(action) for action in talk] for talk in talks])


def walk(automaton: Automaton, talk: str) -> list[int]:
    """The states from the root on; fails where a step is missing."""
    states = [ROOT]
    for action in talk:
        states.append(automaton.following[states[-1]][ActionId(action)])
    return states


def ended(automaton: Automaton, state: int) -> int:
    """How many dialogues ended there."""
    passed = automaton.passed[state]
    return passed.total() - sum(passed[action] for action in automaton.following[state])


@settings(deadline=None)
@given(logs)
def test_every_dialogue_is_accepted_and_the_counts_are_those_of_walking_it(log):
    automaton = learnt(log)
    steps, ends = Counter(), Counter()
    for talk in log:
        states = walk(automaton, talk)
        steps.update(zip(states, talk, strict=False))
        ends[states[-1]] += 1
    assert steps == {(s, a): automaton.passed[s][a] for s in automaton.states for a in automaton.following[s]}
    assert ends == Counter({state: ended(automaton, state) for state in automaton.states if ended(automaton, state)})
    for state in automaton.states[1:]:
        assert {a for s, a in steps if automaton.following[s][a] == state} == {automaton.action[state]}


@settings(deadline=None)
@given(logs, st.randoms(use_true_random=False))
def test_the_order_of_the_dialogues_changes_nothing(log, random):
    shuffled = random.sample(log, len(log))
    one, other = learnt(log), learnt(shuffled)
    assert (one.following, one.passed, one.action) == (other.following, other.passed, other.action)


@settings(deadline=None)
@given(logs)
def test_merging_never_makes_the_description_longer(log):
    automaton = learnt(log)
    tree: dict[str, Counter[str]] = defaultdict(Counter)
    for talk in log:
        for place, action in enumerate([*talk, "end"]):
            tree[talk[:place]][action] += 1
    kinds = len({action for talk in log for action in talk}) + 1
    merged = [automaton.passed[state] for state in automaton.states]
    assert description(merged, kinds) <= description(tree.values(), kinds) + 1e-6


def description(states: Iterable[Counter[str]], kinds: int) -> float:
    """Nats of what follows each state, a symmetric Dirichlet integrated out."""
    share, nats = CONCENTRATION / kinds, 0.0
    for counts in states:
        nats += math.lgamma(CONCENTRATION + counts.total()) - math.lgamma(CONCENTRATION)
        nats -= sum(math.lgamma(share + count) - math.lgamma(share) for count in counts.values())
    return nats


def test_the_same_continuation_after_two_openings_is_one():
    automaton = learnt(["aqxef"] * 10 + ["bqyef"] * 10 + ["aqyef"] * 10 + ["bqxef"] * 10)
    assert walk(automaton, "aqxef")[2] == walk(automaton, "bqyef")[2]
    assert len(automaton.states) == 8


def test_an_action_after_which_another_thing_follows_stays_two():
    automaton = learnt(["aqxe"] * 10 + ["bqye"] * 10)
    assert walk(automaton, "aq")[-1] != walk(automaton, "bq")[-1]
    assert walk(automaton, "aqxe")[-1] == walk(automaton, "bqye")[-1]


def test_questions_in_either_order_keep_their_contexts_and_share_the_end():
    automaton = learnt(["hPpQqef"] * 20 + ["hQqPpef"] * 20)
    one, other = walk(automaton, "hPpQqef"), walk(automaton, "hQqPpef")
    assert one[-2:] == other[-2:]
    assert one[3] != other[5], "after the first answer comes a question, after the second the end"
    assert len(automaton.states) < len({talk[:n] for talk in ("hPpQqef", "hQqPpef") for n in range(8)})


def test_a_question_asked_again_is_one_state_however_often():
    automaton = learnt(["qye"] * 20 + ["qnqye"] * 10 + ["qnqnqye"] * 5 + ["qnqnqnqye"] * 2)
    states = walk(automaton, "qnqnqnqye")
    assert len(set(states)) == len(automaton.states) == 5
    assert states[1] == states[3] == states[5] == states[7]


def test_no_dialogues_and_empty_ones_are_a_root_alone():
    assert learnt([]).states == [ROOT]
    automaton = learnt(["", ""])
    assert (automaton.states, ended(automaton, ROOT)) == ([ROOT], 2)


def test_dialogues_that_are_all_the_same_are_a_chain():
    automaton = learnt(["abcd"] * 7)
    assert [ended(automaton, state) for state in walk(automaton, "abcd")] == [0, 0, 0, 0, 7]
    assert len(automaton.states) == 5
