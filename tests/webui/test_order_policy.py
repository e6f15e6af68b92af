"""The rules of the order system: each at its edge, and what no sequence of calls can bring about."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect, select

from taskflow.calls import Outcome
from taskflow.sample import sample_path
from webui.orders.book import Answer, Book
from webui.orders.calls import CALLS
from webui.orders.case import Case, Parcel, Status
from webui.orders.judging import writes_of
from webui.orders.opening import open_book
from webui.orders.reasons import FAILURES, RULES
from webui.orders.tables import Base, CustomerRow, GoodsRow, OrderRow
from webui.orders.terms import warranty_until

DAY = date(2025, 6, 2)
PROCESSING, LATE, LOST, DELIVERED = "TF-20418837", "TF-20421152", "TF-20397764", "TF-20410296"
RETURN_PAID, ON_HOLD, IN_WARRANTY, PRICE_FELL = "TF-20365508", "TF-20371943", "TF-20376218", "TF-20415530"
JUST_DELIVERED, BOUNCED = "TF-20416084", "refund_bounced"
PAGE = Path(__file__).parents[2] / "docs" / "order-system.md"


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("policy") / "orders.db"
    open_book(f"sqlite:///{path}", customers=150, seed=2, day=DAY).database.close()
    return path


@pytest.fixture
def book(seeded: Path, tmp_path: Path) -> Iterator[Book]:
    with copied(seeded, tmp_path / "orders.db") as opened:
        yield opened


@contextmanager
def copied(seeded: Path, path: Path) -> Iterator[Book]:
    shutil.copy(seeded, path)
    opened = open_book(f"sqlite:///{path}")
    with closing(opened.database):
        yield opened


def first(book: Book, situation: str) -> str:
    with book.database.read() as session:
        numbers = select(OrderRow.number).where(OrderRow.situation == situation).order_by(OrderRow.number)
        return session.scalars(numbers).first() or ""


def call(book: Book, name: str, number: str, **inputs: str) -> Answer:
    if not CALLS[name].is_write:
        return book.read(name, number)
    return book.write(name, number, {"address": "5 New Street"} | inputs if name == "update_address" else inputs)


def asked(answer: Answer) -> str:
    return answer.reason or answer.outcome.value


@pytest.mark.parametrize(
    ("name", "number", "last", "reason"),
    [
        ("check_return", DELIVERED, 21, "window_closed"),
        ("create_return", DELIVERED, 21, "window_closed"),
        ("create_refund", DELIVERED, 21, "window_closed"),
        ("create_replacement", DELIVERED, 21, "window_closed"),
        ("create_exchange", DELIVERED, 21, "window_closed"),
        ("report_wrong_item", JUST_DELIVERED, 26, "window_closed"),
        ("report_lost_parcel", JUST_DELIVERED, 10, "report_window_closed"),
        ("adjust_price", PRICE_FELL, 4, "adjustment_window_closed"),
        ("check_warranty", IN_WARRANTY, 530, "warranty_over"),
        ("create_repair", IN_WARRANTY, 530, "warranty_over"),
    ],
)
def test_a_period_ends_with_its_last_day(book: Book, name: str, number: str, last: int, reason: str) -> None:
    for days, said in ((last + 1, reason), (last, "ok")):
        book.move_to(DAY + timedelta(days))
        assert asked(call(book, name, number)) == said


@pytest.mark.parametrize("name", ["create_refund", "create_replacement", "report_lost_parcel"])
def test_a_parcel_is_late_once_its_promised_day_is_over(book: Book, name: str) -> None:
    book.move_to(DAY - timedelta(1))
    early = call(book, name, LATE)
    assert (early.reason, early.facts["expected_on"]) == ("not_late", "2025-06-05")
    book.move_to(DAY)
    assert asked(call(book, name, LATE)) == "ok"


def test_the_warranty_ends_on_the_same_day_of_its_month_or_its_last() -> None:
    parcel = Parcel(DAY, DAY)
    case = Case("TF-1", "en", "lamp", DAY, Status.DELIVERED, DAY, parcel, 100, 100, in_stock=True)
    for delivered, until in (
        (date(2024, 2, 29), date(2026, 2, 28)),
        (date(2026, 2, 28), date(2028, 2, 28)),
        (date(2023, 12, 31), date(2025, 12, 31)),
        (None, None),
    ):
        assert warranty_until(replace(case, delivered_on=delivered)) == until


@pytest.mark.parametrize(
    ("before", "name", "number", "reason"),
    [
        ("", "cancel_order", LATE, "already_shipped"),
        ("", "update_address", DELIVERED, "already_shipped"),
        ("", "create_return", PROCESSING, "not_shipped"),
        ("", "create_refund", PROCESSING, "not_shipped"),
        ("", "report_lost_parcel", PROCESSING, "not_shipped"),
        ("", "create_return", LOST, "parcel_lost"),
        ("", "create_exchange", LATE, "not_delivered"),
        ("", "check_warranty", LATE, "not_delivered"),
        ("", "create_repair", LATE, "not_delivered"),
        ("", "refund_status", DELIVERED, "nothing_returned"),
        ("", "adjust_price", DELIVERED, "price_not_lower"),
        ("", "track_parcel", DELIVERED, "already_delivered"),
        ("", "create_replacement", LOST, "out_of_stock"),
        ("", "create_refund", RETURN_PAID, "already_refunded"),
        ("", "cancel_order", ON_HOLD, "system_error"),
        ("", "send_invoice", ON_HOLD, "system_error"),
        ("", "create_refund", ON_HOLD, "payment_declined"),
        ("", "track_parcel", LOST, "no_trace"),
        ("", "refund_status", BOUNCED, "returned_by_bank"),
        ("cancel_order", "cancel_order", PROCESSING, "already_cancelled"),
        ("cancel_order", "update_address", PROCESSING, "already_cancelled"),
        ("cancel_order", "create_refund", PROCESSING, "already_cancelled"),
        ("create_return", "create_return", DELIVERED, "already_returned"),
        ("create_return", "create_refund", DELIVERED, "item_not_received"),
        ("create_return", "refund_status", DELIVERED, "item_not_received"),
        ("create_return", "create_exchange", DELIVERED, "already_returned"),
        ("create_refund", "create_refund", DELIVERED, "already_refunded"),
        ("create_refund", "create_return", DELIVERED, "already_refunded"),
        ("create_refund", "adjust_price", PRICE_FELL, "already_refunded"),
        ("create_replacement", "create_refund", LATE, "already_replaced"),
        ("create_replacement", "create_replacement", LATE, "already_replaced"),
        ("create_exchange", "create_return", DELIVERED, "already_exchanged"),
        ("create_repair", "create_return", DELIVERED, "in_repair"),
        ("create_repair", "create_repair", DELIVERED, "in_repair"),
        ("adjust_price", "adjust_price", PRICE_FELL, "already_adjusted"),
        ("report_lost_parcel", "report_lost_parcel", LATE, "already_reported"),
        ("report_wrong_item", "report_wrong_item", JUST_DELIVERED, "already_reported"),
        ("report_lost_parcel", "create_return", JUST_DELIVERED, "parcel_lost"),
    ],
)
def test_a_refusal_names_its_rule(book: Book, before: str, name: str, number: str, reason: str) -> None:
    found = number if number.startswith("TF-") else first(book, number)
    if before:
        assert asked(call(book, before, found)) == "ok"
    answer = call(book, name, found)
    assert answer.reason == reason
    assert answer.outcome is (Outcome.FAILED if reason in FAILURES else Outcome.REFUSED)
    assert answer.to_json()["rule"] == (RULES.get(reason) or FAILURES[reason])


def test_an_exchange_is_for_an_item_of_the_same_price(book: Book) -> None:
    assert asked(book.foresee("create_exchange", DELIVERED, {"item": "ship"})) == "not_sold"
    assert asked(book.foresee("create_exchange", DELIVERED, {"item": "保温杯"})) == "not_sold"
    assert asked(book.foresee("create_exchange", DELIVERED, {"item": "backpack"})) == "other_price"
    assert asked(call(book, "create_exchange", DELIVERED, item="coffee grinder", color="red")) == "ok"
    effects = {effect["table"]: effect for effect in writes_of(book, "priya.nair@example.com")[-1].effects}
    assert effects.keys() == {"goods", "exchanges", "parcels"}
    assert effects["goods"]["id"] == "coffee grinder"
    assert effects["exchanges"]["after"]["color"] == "red"


def test_money_given_as_adjustment_is_not_paid_back_again(book: Book) -> None:
    assert call(book, "adjust_price", PRICE_FELL).facts["amount"] == "$13.35"
    assert call(book, "create_refund", PRICE_FELL).facts["amount"] == "$89.00"


def test_an_invoice_can_always_be_sent_and_keeps_its_number(book: Book) -> None:
    for number in (PROCESSING, LATE, LOST, DELIVERED, RETURN_PAID):
        for _ in range(2):
            answer = call(book, "send_invoice", number, company="Larch Ltd")
            assert answer.facts["invoice_number"] == f"INV-{number[3:]}"
    assert call(book, "send_invoice", DELIVERED, email="other@example.com").facts["email"] == "other@example.com"


def test_what_is_foreseen_is_what_happens_and_leaves_no_trace(book: Book) -> None:
    with book.database.read() as session:
        numbers = list(session.scalars(select(OrderRow.number).order_by(OrderRow.number)))[::25]
    for number in numbers:
        for name, spec in CALLS.items():
            if spec.is_write:
                inputs = {"address": "5 New Street"} if name == "update_address" else {}
                foreseen = book.foresee(name, number, inputs)
                assert book.foresee(name, number, inputs) == foreseen
                assert call(book, name, number) == foreseen


def test_what_the_logged_calls_answer_the_order_system_can_answer_too(book: Book) -> None:
    calls = json.loads(sample_path("after_sale/calls.json").read_text(encoding="utf-8"))
    with book.database.read() as session:
        orders = session.scalars(select(OrderRow).order_by(OrderRow.number)).all()
        numbers = sorted({order.situation: order.number for order in orders}.values())
        numbers += [order.number for order in orders if order.number < "TF-3"]
    assert calls.keys() <= CALLS.keys()
    for name, spec in calls.items():
        inputs = {"address": "5 New Street"} if name == "update_address" else {}
        answers = [book.foresee(name, number, inputs) for number in ("TF-00000000", *numbers)]
        for outcome, told in spec["outcomes"].items():
            alike = [one for one in answers if one.outcome == outcome and told.get("reason") in (one.reason, None)]
            assert alike, (name, outcome, told)
            assert set(told["facts"]) <= alike[-1].facts.keys()


def test_the_page_states_every_rule() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for reason, rule in (RULES | FAILURES).items():
        assert f"| `{reason}` | {rule} |" in page
    for name, spec in CALLS.items():
        assert f"| `{name}` | `{spec.method} {spec.path.replace('<number>', 'NUMBER')}`" in page


@pytest.mark.parametrize(
    ("name", "number", "tables"),
    [
        ("create_return", DELIVERED, "returns"),
        ("create_refund", DELIVERED, "refunds"),
        ("create_replacement", DELIVERED, "goods parcels replacements"),
        ("create_exchange", DELIVERED, "exchanges goods parcels"),
        ("cancel_order", PROCESSING, "goods orders refunds"),
        ("update_address", PROCESSING, "address_changes orders"),
        ("report_lost_parcel", LATE, "parcels reports"),
        ("report_wrong_item", JUST_DELIVERED, "reports"),
        ("create_repair", IN_WARRANTY, "repairs"),
        ("send_invoice", LOST, "invoices"),
        ("adjust_price", PRICE_FELL, "price_adjustments refunds"),
        ("cancel_order", LATE, ""),
    ],
)
def test_a_write_changes_what_its_row_tells_and_nothing_else(book: Book, name: str, number: str, tables: str) -> None:
    before = everything(book)
    call(book, name, number)
    after = everything(book)
    with book.database.read() as session:
        customer = session.get_one(CustomerRow, session.get_one(OrderRow, number).customer_id)
    told = {(effect["table"], effect["id"]): effect["after"] for effect in writes_of(book, customer.email)[-1].effects}
    changed = {
        key: {column: value for column, value in row.items() if before.get(key, {}).get(column) != value}
        for key, row in after.items()
        if before.get(key) != row
    }
    assert " ".join(sorted({table for table, _ in told})) == tables
    assert changed == {
        key: {column: value for column, value in row.items() if value is not None} for key, row in told.items()
    }
    assert before.keys() <= after.keys()


def everything(book: Book) -> dict[tuple[str, Any], dict[str, Any]]:
    """Every value of the book but its list of writes, and where a row comes from."""
    found = {}
    with book.database.read() as session:
        for mapper in Base.registry.mappers:
            for row in session.scalars(select(mapper.class_)) if mapper.local_table.name != "writes" else ():
                values = {column.key: getattr(row, column.key) for column in mapper.column_attrs}
                told = {key: str(value) if isinstance(value, date) else value for key, value in values.items()}
                identity = inspect(row).identity[0]
                found[mapper.local_table.name, identity] = {
                    key: value for key, value in told.items() if key not in ("id", "write_id")
                }
    return found


STEPS = st.lists(
    st.tuples(st.sampled_from([name for name, spec in CALLS.items() if spec.is_write]), st.integers(0, 9)),
    min_size=1,
    max_size=25,
)


@given(place=st.integers(0, 320), steps=STEPS)
@settings(max_examples=40)
def test_no_sequence_of_calls_breaks_the_policy(
    seeded: Path, tmp_path_factory: pytest.TempPathFactory, place: int, steps: list[tuple[str, int]]
) -> None:
    """Any order, any calls, on days that go on: the book is read, not the answers."""
    with copied(seeded, tmp_path_factory.mktemp("example") / "orders.db") as book:
        check_sequence(book, place, steps)


def check_sequence(book: Book, place: int, steps: list[tuple[str, int]]) -> None:
    with book.database.read() as session:
        numbers = list(session.scalars(select(OrderRow.number).order_by(OrderRow.number)))
        number = numbers[place % len(numbers)]
        order = session.get_one(OrderRow, number)
        email = session.get_one(CustomerRow, order.customer_id).email
        shipped = order.shipped_on is not None
    for name, days in steps:
        book.move_to(book.day + timedelta(days))
        call(book, name, number)
        with book.database.read() as session:
            order = session.get_one(OrderRow, number)
            given = sum(row.amount for row in order.refunds)
            assert 0 <= given <= order.paid
            assert len(order.returns) <= 1
            ways = (
                order.returns,
                order.exchanges,
                order.replacements,
                [r for r in order.refunds if r.kind == "refund"],
            )
            assert sum(map(bool, ways)) <= 1
            assert order.status != "cancelled" or not shipped
            assert not (order.status == "cancelled" and order.on_hold)
            goods = session.scalars(select(GoodsRow.stock)).all()
            assert min(goods) >= 0
    done = [write.call for write in writes_of(book, email) if write.is_done and write.order_number == number]
    once = [name for name in done if name not in ("send_invoice", "update_address")]
    assert len(once) == len(set(once))
