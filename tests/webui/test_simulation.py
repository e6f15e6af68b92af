"""Scripted customers on a real server and a real order system."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from runtime import words
from runtime.config import RuntimeConfig
from runtime.outfit import Outfit
from runtime.target import Target
from taskflow.bindings import CallBinding, Effect
from taskflow.calls import Outcome
from taskflow.charts.reading import read_chart
from taskflow.encoders import Encoder
from taskflow.model import AssistantVersion
from taskflow.store import open_database
from webui.orders.book import Book
from webui.orders.faults import FaultPlan, read_faults
from webui.orders.judging import Customer, customers_of
from webui.simulation import report
from webui.simulation.goals import End, Goal, goal_of
from webui.simulation.gold import Gold, fields_of, read_gold
from webui.simulation.hearing import CONSENT, Ear
from webui.simulation.running import Plan, Played, Simulation, Witnessed
from webui.simulation.serving import chat_server, order_system, scratch_book
from webui.simulation.talking import Server

CHART = """
assistant: shop
language: en
actions:
  open_cancel: {speaker: customer, exemplars: [I want to cancel my order, please cancel the order, stop my order]}
  give_number: {speaker: customer, exemplars: ["[order_number]", "it is [order_number]"]}
flows:
  - id: cancel
    steps:
      - customer: open_cancel
      - agent: ask_number
        responses: [May I have the order number? It starts with TF.]
      - customer: give_number
      - call: cancel_order
        ok:
          - agent: cancelled
            responses: ["RESPONSE"]
        refused:
          - agent: colleague
            responses: [I am passing you on to a colleague.]
"""
BINDING = CallBinding("orders", "/orders/[order_number]/cancellation", inputs=("order_number",), effect=Effect.WRITE)


@pytest.fixture(scope="module")
def book() -> Iterator[Book]:
    with scratch_book(3, 40) as made:
        yield made


def play(encoder: Encoder, folder: Path, plan: Plan, faults: FaultPlan) -> list[Played]:
    """The customers with an assistant that can cancel and nothing else."""
    told = next(text for text in read_gold("en").wordings["confirm_cancelled"] if not fields_of(text))
    assistant = read_chart(CHART.replace("RESPONSE", told), "the chart").assistant
    bound = tuple(replace(one, binding=BINDING) if one.id == "cancel_order" else one for one in assistant.actions)
    target = Target(AssistantVersion(replace(assistant, actions=bound), None, encoder.name))
    witnessed = Witnessed(faults)
    with ExitStack() as stack:
        database = stack.enter_context(closing(open_database(f"sqlite:///{folder / 'taskflow.db'}")))
        book = stack.enter_context(scratch_book(plan.seed, plan.customers))
        orders = stack.enter_context(order_system(book, witnessed))
        outfit = Outfit(database, encoder, RuntimeConfig())
        server = stack.enter_context(chat_server(outfit, target, orders))
        simulation = Simulation(read_gold("en"), encoder, book, witnessed, plan)
        return simulation.run(Server(server, "shop").begin, lambda one: None)


def test_the_same_seed_makes_the_same_conversations(encoder: Encoder, tmp_path: Path) -> None:
    alone = play(encoder, tmp_path, Plan(10, 3, times=2, parallel=1), FaultPlan())
    together = play(encoder, tmp_path, Plan(10, 3, times=2, parallel=6), FaultPlan())
    assert [report.as_json(one) for one in alone] == [report.as_json(one) for one in together]
    told = report.figures(alone, 2)
    assert (told["customers"], told["conversations"]) == (10, 20)
    assert told["unconfirmed_writes"] == told["forbidden_writes"] == told["wrong_writes"] == 0
    assert sum(group["count"] for group in report.reasons(alone)) == sum(not one.verdict.reached for one in alone)
    assert all(one.verdict.reason and one.verdict.where for one in alone if not one.verdict.reached)


@pytest.mark.parametrize("faults", ["down=1@cancel_order", "half=1@cancel_order", "dropped=1@cancel_order"])
def test_an_order_system_in_trouble_leads_to_no_promise(encoder: Encoder, tmp_path: Path, faults: str) -> None:
    played = play(encoder, tmp_path, Plan(12, 5), read_faults(faults))
    asked = [one for one in played if one.goal.asked_for == {"cancel_order"}]
    assert any("confirm" in turn.said.means or "yes" in turn.said.means for one in asked for turn in one.talk.turns)
    assert not [one.verdict.promised for one in played if one.verdict.promised]
    assert not [one.verdict.unconfirmed for one in played if one.verdict.unconfirmed]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_goals_follow_the_policy(language: str, book: Book) -> None:
    gold = read_gold(language)
    people = customers_of(book, language)
    goals, again = ([_goal(gold, book, one, place) for place, one in enumerate(people)] for _ in range(2))
    found = [goal for goal in goals if goal is not None]
    assert len(found) > 0.9 * len(people)
    assert {goal.end for goal in found} == set(End)
    for goal in found:
        for wish in goal.writes:
            assert book.foresee(wish.call, wish.order_number, wish.values).outcome is Outcome.OK
    assert goals == again


def _goal(gold: Gold, book: Book, customer: Customer, place: int) -> Goal | None:
    return goal_of(gold, book, customer, ["12 Oak Street"], Random(place))  # noqa: S311 - a simulation, no secret


@pytest.mark.parametrize("language", ["en", "zh"])
def test_she_understands_the_agents_own_words(language: str, encoder: Encoder) -> None:
    gold = read_gold(language)
    ear = Ear(gold, encoder)
    values = {"order_number": "TF-20418837", "address": "12 Oak Street", "amount": "$20.00", "date": "May 3"}
    for name, need in gold.needs.items():
        for action in {node.action for node in need.nodes.values() if node.action in gold.agents}:
            for wording in gold.wordings[action]:
                if fields_of(wording) <= values.keys():
                    assert action in ear.understand(wording.format(**values), name), wording
    asked = words.REPAIRS["consent"][language].replace("[call]", "cancel order").replace("[values]", "TF-20418837")
    assert ear.understand(asked, "cancel_order") == [CONSENT]
