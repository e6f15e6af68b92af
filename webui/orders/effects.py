"""What each call changes in the book, once the rules allow it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import Session

from webui.orders.case import Case, Status
from webui.orders.policy import LOST, WRONG_ITEM
from webui.orders.tables import (
    AddressChangeRow,
    AdjustmentRow,
    ExchangeRow,
    GoodsRow,
    InvoiceRow,
    OfAnOrder,
    OrderRow,
    ParcelRow,
    RefundRow,
    RepairRow,
    ReplacementRow,
    ReportRow,
    ReturnRow,
    WriteRow,
)
from webui.orders.terms import invoice_number


@dataclass(frozen=True, slots=True)
class Change:
    """One write on its way into the book: the order and its case before, the rules' facts, and what is wanted."""

    order: OrderRow
    case: Case
    facts: Mapping[str, str]
    inputs: Mapping[str, str]
    wanted: GoodsRow | None
    rows: list[OfAnOrder] = field(default_factory=list)

    def day(self, fact: str) -> date:
        return date.fromisoformat(self.facts[fact])

    def add(self, row: OfAnOrder) -> None:
        self.rows.append(row)

    def send_parcel(self) -> None:
        day = self.day("expected_on")
        self.add(ParcelRow(order_number=self.order.number, promised_on=day, expected_on=day, lost=False))

    def pay_back(self, kind: str, amount: int) -> None:
        self.add(RefundRow(order_number=self.order.number, kind=kind, amount=amount, paid_on=self.case.today))


def _create_return(change: Change) -> None:
    change.add(ReturnRow(order_number=change.order.number, return_by=change.day("return_by")))


def _create_refund(change: Change) -> None:
    change.pay_back("refund", change.case.left)


def _create_replacement(change: Change) -> None:
    change.add(ReplacementRow(order_number=change.order.number, expected_on=change.day("expected_on")))
    change.send_parcel()
    for line in change.order.lines:
        line.goods.stock -= line.quantity


def _create_exchange(change: Change) -> None:
    assert change.wanted is not None  # noqa: S101 - else the rules would have said that it is not sold
    row = ExchangeRow(
        order_number=change.order.number,
        item=change.wanted.item,
        size=change.inputs.get("size"),
        color=change.inputs.get("color"),
        return_by=change.day("return_by"),
    )
    change.add(row)
    change.send_parcel()
    change.wanted.stock -= change.order.lines[0].quantity


def _cancel_order(change: Change) -> None:
    change.order.status = Status.CANCELLED.value
    change.pay_back("cancellation", change.case.left)
    for line in change.order.lines:
        line.goods.stock += line.quantity


def _update_address(change: Change) -> None:
    order, after = change.order, change.inputs["address"]
    change.add(AddressChangeRow(order_number=order.number, before=order.address, after=after))
    order.address = after


def _report_lost_parcel(change: Change) -> None:
    change.add(ReportRow(order_number=change.order.number, kind=LOST, due_on=change.day("answer_by")))
    change.order.parcels[-1].lost = True


def _report_wrong_item(change: Change) -> None:
    change.add(ReportRow(order_number=change.order.number, kind=WRONG_ITEM, due_on=change.day("return_by")))


def _create_repair(change: Change) -> None:
    change.add(RepairRow(order_number=change.order.number, due_on=change.day("expected_on")))


def _send_invoice(change: Change) -> None:
    row = InvoiceRow(
        order_number=change.order.number,
        number=invoice_number(change.case),
        email=change.facts["email"],
        company=change.inputs.get("company"),
        tax_number=change.inputs.get("tax_number"),
        amount=change.case.paid,
    )
    change.add(row)


def _adjust_price(change: Change) -> None:
    amount = change.case.paid - change.case.price_now
    number = change.order.number
    change.add(AdjustmentRow(order_number=number, price_now=change.case.price_now, amount=amount))
    change.pay_back("adjustment", amount)


EFFECTS: Mapping[str, Callable[[Change], None]] = MappingProxyType(
    {
        "create_return": _create_return,
        "create_refund": _create_refund,
        "create_replacement": _create_replacement,
        "create_exchange": _create_exchange,
        "cancel_order": _cancel_order,
        "update_address": _update_address,
        "report_lost_parcel": _report_lost_parcel,
        "report_wrong_item": _report_wrong_item,
        "create_repair": _create_repair,
        "send_invoice": _send_invoice,
        "adjust_price": _adjust_price,
    }
)


def carry_out(session: Session, name: str, change: Change, write: WriteRow) -> list[dict[str, Any]]:
    """Put the change into the book; returns every value that it changed, table by table."""
    with session.no_autoflush:
        EFFECTS[name](change)
        told = [_changed(row) for row in session.dirty if not isinstance(row, WriteRow)]
        for row in change.rows:
            row.write_id = write.id
        session.add_all(change.rows)
    session.flush()
    return [one for one in told if one["after"]] + [_made(row) for row in change.rows]


def _changed(row: Any) -> dict[str, Any]:
    state = inspect(row)
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for column in state.mapper.column_attrs:
        history = state.attrs[column.key].history
        if history.has_changes():
            before[column.key], after[column.key] = _plain(history.deleted[0]), _plain(history.added[0])
    return {"table": row.__tablename__, "id": state.identity[0], "before": before, "after": after}


def _made(row: Any) -> dict[str, Any]:
    columns = {column.key: getattr(row, column.key) for column in inspect(row).mapper.column_attrs}
    values = {key: _plain(value) for key, value in columns.items() if key not in ("id", "write_id")}
    return {"table": row.__tablename__, "id": row.id, "before": None, "after": values}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
