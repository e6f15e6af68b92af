"""Where dialogues of one outcome take another branch: the statistics, what is found, what is not, how it is told."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, fisher_exact

from taskflow.chance import chance_of_split, holm
from taskflow.model import (
    ActionId,
    Assistant,
    DialogueAction,
    Exemplar,
    FlowId,
    FlowNode,
    NodeId,
    Speaker,
    Status,
    TaskFlow,
)
from taskflow.outcomes import SATISFIED, partings
from taskflow.store.assistants import save_mined

many = st.integers(30, 400)


@given(st.lists(st.tuples(many, many), min_size=2, max_size=6))
def test_many_counts_are_judged_by_chi_square(columns):
    one, other = zip(*columns, strict=True)
    expected = chi2_contingency([one, other], correction=False)
    if expected.expected_freq.min() >= 5:
        assert chance_of_split(one, other) == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)


@given(st.tuples(*[st.integers(0, 12)] * 4))
def test_few_counts_are_judged_by_fishers_exact_test(cells):
    a, b, c, d = cells
    total = sum(cells)
    if total and min(a + b, c + d) and min(a + c, b + d) and min(a + b, c + d) * min(a + c, b + d) / total < 5:
        expected = fisher_exact([[a, b], [c, d]]).pvalue
        assert chance_of_split([a, b], [c, d]) == pytest.approx(expected, rel=1e-5, abs=1e-12)


counts = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=8)


@given(counts, st.randoms())
def test_a_chance_is_one_whatever_the_order(columns, random):
    chance = chance_of_split(*zip(*columns, strict=True))
    assert 0 <= chance <= 1
    turned = [(right, left) for left, right in random.sample(columns, len(columns))]
    assert chance_of_split(*zip(*turned, strict=True)) == pytest.approx(chance, rel=1e-6, abs=1e-9)
    assert chance_of_split([5, 7, 9], [5, 7, 9]) == pytest.approx(1)


@given(st.lists(st.floats(0, 1), max_size=20))
def test_a_correction_only_raises_chances_and_keeps_their_order(chances):
    corrected = holm(chances)
    assert all(after >= min(1, before) for before, after in zip(chances, corrected, strict=True))
    assert all(
        after <= 1 and after <= len(chances) * before + 1e-12 for before, after in zip(chances, corrected, strict=True)
    )
    order = sorted(range(len(chances)), key=lambda place: chances[place])
    assert [corrected[place] for place in order] == sorted(corrected)


def flow(name: str, branches: Sequence[Mapping[str, int]], satisfied: Sequence[int] = ()) -> TaskFlow:
    """A root and its children, each with the outcomes of its dialogues."""
    nodes = []
    for place, outcomes in enumerate(branches):
        told = dict(outcomes) | ({SATISFIED: satisfied[place]} if satisfied else {})
        support = sum(outcomes.values())
        own = NodeId(f"{name}-{place}")
        nodes.append(FlowNode(own, NodeId(name), ActionId(f"a{place}"), support, outcomes=tuple(sorted(told.items()))))
    total: dict[str, int] = {}
    for node in nodes:
        for outcome, number in node.outcomes:
            total[outcome] = total.get(outcome, 0) + number
    root = FlowNode(
        NodeId(name), None, None, sum(node.support for node in nodes), outcomes=tuple(sorted(total.items()))
    )
    return TaskFlow(FlowId(name), name, (root, *nodes))


def test_a_branch_that_tells_the_outcome_is_found_with_its_shares():
    parted = flow("late", [{"resolved": 40, "handed_off": 4}, {"resolved": 10, "handed_off": 20}])
    alike = flow("lost", [{"resolved": 40, "handed_off": 20}, {"resolved": 20, "handed_off": 10}])
    found = partings([parted, alike])
    (parting,) = found.found
    assert found.compared == 2
    assert (parting.flow, parting.node, parting.outcome) == (parted, parted.root, "resolved")
    assert parting.chance < 0.001
    assert parting.shares(parting.branches[0]) == pytest.approx((0.8, 4 / 24))


def test_of_two_outcomes_one_is_compared_and_of_three_each():
    two = flow("two", [{"resolved": 40, "open": 4}, {"resolved": 4, "open": 30}])
    three = flow("three", [{"resolved": 40, "open": 4, "other": 10}, {"resolved": 4, "open": 30, "other": 10}])
    assert [parting.outcome for parting in partings([two]).found] == ["resolved"]
    assert partings([three]).compared == 3
    assert {parting.outcome for parting in partings([three]).found} == {"resolved", "open"}


def test_satisfied_dialogues_are_compared_with_the_rest_whatever_the_log_says():
    parted = flow("late", [{"resolved": 30}, {"resolved": 30}], satisfied=[26, 6])
    (parting,) = partings([parted]).found
    assert parting.outcome == SATISFIED
    assert [(branch.ended_so, branch.ended_else) for branch in parting.branches] == [(26, 4), (6, 24)]


def test_what_was_rejected_and_what_has_no_outcome_is_passed_over():
    parted = flow("late", [{"resolved": 40, "open": 4}, {"resolved": 4, "open": 30}])
    root, first, second = parted.nodes
    rejected = FlowNode(second.id, second.parent_id, second.action_id, second.support, status=Status.REJECTED)
    assert partings([TaskFlow(parted.id, "late", (root, first, rejected))]).compared == 0
    assert partings([flow("late", [{}, {}])]).compared == 0


def test_branches_that_do_not_depend_on_the_outcome_are_seldom_told():
    """At 5 % for all flows together: of 40 whole assistants, about two tell anything."""
    random = Random(20)  # noqa: S311 - a repeatable example

    def drawn(name: str) -> TaskFlow:
        branches = [{"resolved": 0, "open": 0} for _ in range(3)]
        for _ in range(80):
            branch = random.choices(branches, [5, 3, 1])[0]
            branch[random.choices(["resolved", "open"], [3, 1])[0]] += 1
        return flow(name, branches)

    assert sum(bool(partings([drawn(f"f{place}") for place in range(10)]).found) for _ in range(40)) <= 5


@pytest.fixture
def shop(database) -> str:
    actions = tuple(
        DialogueAction(ActionId(f"a{place}"), Speaker.USER, name, (Exemplar(name, 1),), 10)
        for place, name in enumerate(("I can wait", "I can't wait"))
    )
    parted = flow("late", [{"resolved": 40, "open": 4}, {"resolved": 10, "open": 20}])
    with database.write() as session:
        save_mined(session, Assistant("shop", actions, (parted,)), "e")
        save_mined(session, Assistant("untold", actions, (flow("late", [{}, {}]),)), "e")
    return "shop"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_command_tells_them_in_words_and_as_json(cli, database_url, shop):
    told = cli("flows", shop, "--outcomes", database=database_url).stdout
    assert "after 'late', 'resolved' dialogues go another way:" in told
    assert "80% (the rest  17%)  'I can wait'" in told
    assert "1 of 1 comparisons differ beyond chance" in told
    found = json.loads(cli("flows", shop, "--outcomes", "--json", database=database_url).stdout)
    (parting,) = found["differ"]
    assert (found["compared"], parting["outcome"], parting["node"]) == (1, "resolved", "late")
    assert [branch["ended_so"] for branch in parting["branches"]] == [40, 10]
    assert "have no outcomes" in cli("flows", "untold", "--outcomes", database=database_url).stdout
