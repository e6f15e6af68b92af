"""What a customer comes for, and what is right: the way through her need's tree that the order book leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

from taskflow.calls import Outcome
from taskflow.model import Speaker
from webui.orders.book import Book
from webui.orders.calls import CALLS
from webui.orders.judging import Customer
from webui.simulation.gold import CLOSINGS, GIVE, HAND_OVER, Gold, Need, Node

_UNDRAWN = 0.06  # the share of customers whose case no tree foresees, where they have such orders
_LONGEST = 60  # nodes of a walk
_TRIES = 3  # with other answers of hers


class End(StrEnum):
    DONE = "done"  # the right writes are made
    TOLD = "told"  # nothing is to be changed, and she is told what she has to know, a refusal among others
    PERSON = "person"  # a person has to take over


@dataclass(frozen=True, slots=True)
class Wish:
    """A write that is to be made, with the values that matter."""

    call: str
    order_number: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Goal:
    """A customer with a need about one of her orders.

    `answers` are her words to each question of an agent, in order, `asked_for` the writes that she agrees to, done or
    refused; `told` is the agent's action that tells her how it ended.
    """

    customer: Customer
    need: str
    order_number: str
    values: Mapping[str, str]
    answers: Mapping[str, tuple[str, ...]]
    asked_for: frozenset[str]
    writes: tuple[Wish, ...]
    end: End
    told: str | None


@dataclass(slots=True)
class _Way:
    """A walk in the making."""

    answers: dict[str, list[str]] = field(default_factory=dict)
    tried: list[str] = field(default_factory=list)
    writes: list[Wish] = field(default_factory=list)
    told: str | None = None
    gives: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    foreseen: bool = True
    handed_over: bool = False


def goal_of(gold: Gold, book: Book, customer: Customer, addresses: Sequence[str], rng: Random) -> Goal | None:
    """A goal for one of her orders that the order's state makes sensible; a rare one is of a kind that no tree draws.

    `addresses` are some to move to. None where no need fits her orders.
    """
    pairs = [(order, name) for order in customer.orders for name in gold.needs] * _TRIES
    rng.shuffle(pairs)
    wants_undrawn = rng.random() < _UNDRAWN
    spare = None
    for order, name in pairs:
        values = _values(gold, book, customer, order.number, rng.choice(addresses), rng)
        way = _walked(gold, gold.needs[name], book, values, rng)
        if way is not None:
            goal = _goal(customer, name, order.number, values, way)
            if way.foreseen is not wants_undrawn:
                return goal
            spare = spare or goal
    return spare


def _goal(customer: Customer, need: str, number: str, values: Mapping[str, str], way: _Way) -> Goal:
    answers = {action: tuple(given) for action, given in way.answers.items()}
    person = way.handed_over or not way.foreseen
    end = End.PERSON if person else End.DONE if way.writes else End.TOLD
    tried, writes = frozenset(way.tried), tuple(way.writes)
    return Goal(customer, need, number, values, answers, tried, writes, end, None if person else way.told)


def _walked(gold: Gold, need: Need, book: Book, values: Mapping[str, str], rng: Random) -> _Way | None:
    """The way through a tree; None where the book's reason is not the one that the tree's agents tell."""
    way = _Way()
    node: Node | None = need.root
    for _ in range(_LONGEST):
        if node is None:
            break
        if node.speaker is Speaker.SYSTEM:
            if not _fits(gold, node, book, values):
                return None
            node = _called(need, node, book, values, way)
        elif node.speaker is Speaker.AGENT:
            node = _asked(need, node, way, rng)
        else:
            way.gives |= {node.action.removeprefix(GIVE)} if node.action.startswith(GIVE) else set()
            node = next(iter(need.children(node)), None)
    return way


def _asked(need: Need, node: Node, way: _Way, rng: Random) -> Node | None:
    if node.action not in CLOSINGS:
        way.told = node.action
    way.handed_over = node.action == HAND_OVER
    children = need.children(node)
    if not children:
        return None
    # Who comes here again has put right what was wrong.
    chosen = children[0] if node.id in way.seen else rng.choices(children, need.shares(node))[0]
    way.seen.add(node.id)
    way.answers.setdefault(node.action, []).append(chosen.action)
    return chosen


def _called(need: Need, node: Node, book: Book, values: Mapping[str, str], way: _Way) -> Node | None:
    number = values["order_number"]
    answer = book.foresee(node.call, number, _inputs(node.call, values))
    if CALLS[node.call].is_write:
        way.tried.append(node.call)
        if answer.outcome is Outcome.OK:
            matters = {kind: values[kind] for kind in _inputs(node.call, values) if kind in way.gives}
            way.writes.append(Wish(node.call, number, matters))
    typed = next((one for one in need.children(node) if one.action == f"{node.call}:{answer.outcome}"), None)
    way.foreseen = way.foreseen and typed is not None
    return None if typed is None else next(iter(need.children(typed)), None)


def _fits(gold: Gold, node: Node, book: Book, values: Mapping[str, str]) -> bool:
    answer = book.foresee(node.call, values["order_number"], _inputs(node.call, values))
    drawn = gold.calls[node.call]["outcomes"].get(answer.outcome.value)
    return drawn is None or drawn.get("reason") == answer.reason


def _inputs(call: str, values: Mapping[str, str]) -> dict[str, str]:
    """Of her values those that the order system has to be given."""
    return {kind: values[kind] for kind, needed in CALLS[call].inputs.items() if needed and kind in values}


def _values(gold: Gold, book: Book, customer: Customer, number: str, address: str, rng: Random) -> dict[str, str]:
    """What she can tell of herself and of the order."""
    order = book.read("lookup_order", number).facts
    day = book.day
    values = {
        "order_number": number,
        "item": order["item"],
        "amount": order["amount"],
        "name": customer.name,
        "email": customer.email,
        "phone": customer.phone,
        "address": address,
        "date": gold.values["date"].format(month=gold.values["months"][day.month - 1], day=max(day.day - 9, 1)),
    }
    lists = {"other_item": "other_items", "company": "companies"}
    values |= {kind: rng.choice(gold.values[name]) for kind, name in lists.items() if name in gold.values}
    if "tax_number" in gold.values:
        values["tax_number"] = gold.values["tax_number"].format(
            two=rng.randint(10, 99), seven=rng.randint(10**6, 10**7 - 1)
        )
    return values
