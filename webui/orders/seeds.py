"""What a new book holds: the sample shop, and as many customers as a simulation wants, the same for the same seed.

Days are told from the shop's own: -3 is three days before it. A pair is a range, both ends taken.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from random import Random
from typing import Any, TypeAlias

from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from taskflow.sample import sample_path
from webui.orders.case import Payout, Status
from webui.orders.tables import (
    CustomerRow,
    GoodsRow,
    LineRow,
    OrderRow,
    ParcelRow,
    RefundRow,
    RepairRow,
    ReturnRow,
    ShopRow,
)
from webui.orders.terms import RETURN

LANGUAGES = ("en", "zh")

_REPAIR = timedelta(9)  # what is left of it
_TRANSIT = 4  # days from shipping to delivery, where a seed tells only one of them
_SECOND_ORDER = 0.2  # the share of customers who have one
_FIRST_NUMBER = {"en": 30_000_000, "zh": 60_000_000}
_NUMBERS = 30_000_000

Days: TypeAlias = int | tuple[int, int]


class _Situation(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    situation: str
    share: int = 1
    ordered: Days | None = None
    shipped: Days | None = None
    delivered: Days | None = None
    promised: Days | None = None
    expected: Days = 0
    last_seen: Days | None = None
    lost: bool = False
    returned: bool = False
    refunded: Days | None = None
    in_repair: bool = False
    dearer: Days = 0
    """How many per cent above today's price were paid."""
    on_hold: bool = False
    payout: Payout = Payout.WORKS


class _Order(_Situation):
    language: str
    name: str
    email: str
    item: str


class _People(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    families: list[tuple[str, str]]
    givens: list[tuple[str, str]]
    name: str
    phone: str
    address: str
    streets: list[str]
    towns: list[str]


class _Shop(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    goods: dict[str, dict[str, tuple[str, int]]]
    orders: dict[str, _Order]
    situations: list[_Situation]
    people: dict[str, _People]


def sow(session: Session, day: date, seed: int, customers: int) -> None:
    """Fill an empty book: the sample shop on `day`, and `customers` more in each language."""
    shop = _shop()
    session.add(ShopRow(day=day, seed=seed, customers=customers))
    for language, goods in shop.goods.items():
        for item, (price, stock) in goods.items():
            # A simulation's customers do not empty the shop: what runs out would depend on who comes first.
            supply = stock and stock + 2 * customers
            session.add(GoodsRow(item=item, language=language, price=_cents(price), stock=supply))
    session.flush()
    rng = Random("sample")  # noqa: S311 - a simulation, no secret
    for number, order in shop.orders.items():
        customer = _customer(rng, order.language, order.name, order.email)
        session.add(customer)
        session.add_all(_rows(rng, number, customer, order, order.item, day))
    for language in LANGUAGES:
        session.add_all(_crowd(language, seed, customers, day))


def _crowd(language: str, seed: int, count: int, day: date) -> Iterator[Any]:
    """The first customers stay the same when there are more of them."""
    shop = _shop()
    people, goods = shop.people[language], list(shop.goods[language])
    shares = [situation.share for situation in shop.situations]
    numbers: set[int] = set()
    for place in range(count):
        rng = Random(f"{seed}-{language}-{place}")  # noqa: S311 - a simulation, no secret
        family, given = rng.choice(people.families), rng.choice(people.givens)
        name = people.name.format(family=family[0], given=given[0])
        customer = _customer(rng, language, name, f"{given[1]}.{family[1]}{place + 1}@example.com")
        yield customer
        for _ in range(1 + (rng.random() < _SECOND_ORDER)):
            number = _new_number(rng, language, numbers)
            situation = rng.choices(shop.situations, shares)[0]
            yield from _rows(rng, number, customer, situation, rng.choice(goods), day)


def _customer(rng: Random, language: str, name: str, email: str) -> CustomerRow:
    people = _shop().people[language]
    two, four = f"{rng.randrange(100):02d}", f"{rng.randrange(10_000):04d}"
    place = {"number": rng.randrange(1, 400), "street": rng.choice(people.streets), "town": rng.choice(people.towns)}
    return CustomerRow(
        language=language,
        name=name,
        email=email,
        phone=people.phone.format(two=two, four=four),
        address=people.address.format(**place, two=two, four=four),
    )


def _rows(rng: Random, number: str, customer: CustomerRow, told: _Situation, item: str, day: date) -> Iterator[Any]:
    ordered, shipped, delivered = _course(rng, told, day)
    price = _cents(_shop().goods[customer.language][item][0])
    paid = price + price * _pick(rng, told.dearer) // 100
    expected = delivered or day + timedelta(_pick(rng, told.expected))
    yield OrderRow(
        number=number,
        customer=customer,
        situation=told.situation,
        status=(Status.DELIVERED if delivered else Status.SHIPPED if shipped else Status.PROCESSING).value,
        paid=paid,
        address=customer.address,
        ordered_on=ordered,
        shipped_on=shipped,
        delivered_on=delivered,
        on_hold=told.on_hold,
        payout=told.payout.value,
    )
    yield LineRow(order_number=number, item=item, quantity=1, price=paid)
    yield ParcelRow(
        order_number=number,
        promised_on=expected if told.promised is None else day + timedelta(_pick(rng, told.promised)),
        expected_on=expected,
        last_seen_on=None if told.last_seen is None else day + timedelta(_pick(rng, told.last_seen)),
        delivered_on=delivered,
        lost=told.lost,
    )
    refunded = None if told.refunded is None else day + timedelta(_pick(rng, told.refunded))
    if told.returned and delivered:
        yield ReturnRow(order_number=number, return_by=delivered + RETURN, received_on=refunded)
    if told.in_repair:
        yield RepairRow(order_number=number, due_on=day + _REPAIR)
    if refunded:
        yield RefundRow(order_number=number, kind="return", amount=paid, paid_on=refunded)


def _course(rng: Random, told: _Situation, day: date) -> tuple[date, date | None, date | None]:
    """When it was ordered, shipped and delivered."""
    if told.delivered is not None:
        delivered = day + timedelta(_pick(rng, told.delivered))
        return delivered - timedelta(_TRANSIT + 1), delivered - timedelta(_TRANSIT), delivered
    if told.shipped is not None:
        shipped = day + timedelta(_pick(rng, told.shipped))
        return shipped - timedelta(1), shipped, None
    return day + timedelta(_pick(rng, told.ordered or 0)), None, None


def _new_number(rng: Random, language: str, numbers: set[int]) -> str:
    number = _FIRST_NUMBER[language] + rng.randrange(_NUMBERS)
    while number in numbers:
        number += 1
    numbers.add(number)
    return f"TF-{number}"


def _pick(rng: Random, days: Days) -> int:
    return days if isinstance(days, int) else rng.randint(*days)


def _cents(amount: str) -> int:
    whole, _, rest = amount.partition(".")
    return int(whole) * 100 + int(rest)


@cache
def _shop() -> _Shop:
    return _Shop.model_validate(json.loads(sample_path("after_sale/shop.json").read_text(encoding="utf-8")))
