"""What the book says about customers: whom there is to play, and what was done to their orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from taskflow.calls import Outcome
from webui.orders.book import Book
from webui.orders.tables import CustomerRow, OrderRow, WriteRow


@dataclass(frozen=True, slots=True)
class SeededOrder:
    """`situation` is what its seed calls it, such as late or price_fell."""

    number: str
    item: str
    situation: str


@dataclass(frozen=True, slots=True)
class Customer:
    """`orders` are in the order of their days."""

    name: str
    language: str
    email: str
    phone: str
    address: str
    orders: tuple[SeededOrder, ...]


@dataclass(frozen=True, slots=True)
class Write:
    """A request to change an order that reached the book, done or not.

    `effects` are the values that it changed: {"table", "id", "before", "after"} for each row, `before` being None for
    a new one. Only a write with the outcome `ok` has any.
    """

    call: str
    order_number: str
    at: datetime
    who: str
    key: str | None
    inputs: Mapping[str, str]
    outcome: Outcome
    reason: str | None
    effects: tuple[Mapping[str, Any], ...]

    @property
    def is_done(self) -> bool:
        return self.outcome is Outcome.OK


def customers_of(book: Book, language: str) -> tuple[Customer, ...]:
    """Everybody who has orders, in the order in which they were seeded."""
    found: dict[int, list[tuple[CustomerRow, OrderRow]]] = {}
    with book.database.read() as session:
        rows = select(CustomerRow, OrderRow).join(OrderRow).where(CustomerRow.language == language)
        for customer, order in session.execute(rows.order_by(CustomerRow.id, OrderRow.ordered_on, OrderRow.number)):
            found.setdefault(customer.id, []).append((customer, order))
        return tuple(_customer(rows[0][0], [order for _, order in rows]) for rows in found.values())


def writes_of(book: Book, email: str, since: datetime | None = None) -> tuple[Write, ...]:
    """What was asked for on this customer's orders from `since` on, oldest first; refused and failed requests too."""
    chosen = select(WriteRow).join(CustomerRow).where(CustomerRow.email == email.strip().lower())
    if since is not None:
        chosen = chosen.where(WriteRow.at >= since)
    with book.database.read() as session:
        return tuple(_write(row) for row in session.scalars(chosen.order_by(WriteRow.id)))


def _customer(customer: CustomerRow, orders: list[OrderRow]) -> Customer:
    return Customer(
        customer.name,
        customer.language,
        customer.email,
        customer.phone,
        customer.address,
        tuple(SeededOrder(order.number, order.lines[0].item, order.situation) for order in orders),
    )


def _write(row: WriteRow) -> Write:
    return Write(
        row.call,
        row.order_number or "",
        row.at,
        row.who,
        row.key,
        row.inputs,
        Outcome(row.answer["outcome"]),
        row.answer.get("reason"),
        tuple(row.effects),
    )
