"""The tables of the order book, and nothing else.

Amounts are whole cents (or fen). What a call changed carries the id of its write.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import Date, ForeignKey, MetaData, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeEngine

from taskflow.store.schema import Json, JsonOrNull, UtcDateTime


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s"})
    type_annotation_map: ClassVar[dict[Any, TypeEngine[Any]]] = {date: Date(), datetime: UtcDateTime(), str: Text()}


class ShopRow(Base):
    """One row: in this shop it is always the same day, so that a book answers next year as it does now."""

    __tablename__ = "shop"

    id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date]
    seed: Mapped[int]
    customers: Mapped[int]


class CustomerRow(Base):
    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(primary_key=True)
    language: Mapped[str] = mapped_column(String(8), index=True)
    name: Mapped[str]
    email: Mapped[str] = mapped_column(String(200), unique=True)
    phone: Mapped[str]
    address: Mapped[str]


class GoodsRow(Base):
    __tablename__ = "goods"

    item: Mapped[str] = mapped_column(String(200), primary_key=True)
    language: Mapped[str] = mapped_column(String(8))
    price: Mapped[int]
    stock: Mapped[int]


class OrderRow(Base):
    """`situation` is the name that its seed has; `on_hold` and `payout` are the troubles that it meets later."""

    __tablename__ = "orders"

    number: Mapped[str] = mapped_column(String(11), primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    situation: Mapped[str]
    status: Mapped[str] = mapped_column(String(16))
    paid: Mapped[int]
    address: Mapped[str]
    ordered_on: Mapped[date]
    shipped_on: Mapped[date | None]
    delivered_on: Mapped[date | None]
    on_hold: Mapped[bool]
    payout: Mapped[str] = mapped_column(String(16))

    customer: Mapped[CustomerRow] = relationship()
    lines: Mapped[list[LineRow]] = relationship(order_by="LineRow.id")
    parcels: Mapped[list[ParcelRow]] = relationship(order_by="ParcelRow.id")
    returns: Mapped[list[ReturnRow]] = relationship()
    exchanges: Mapped[list[ExchangeRow]] = relationship()
    replacements: Mapped[list[ReplacementRow]] = relationship()
    refunds: Mapped[list[RefundRow]] = relationship(order_by="RefundRow.id")
    repairs: Mapped[list[RepairRow]] = relationship()
    reports: Mapped[list[ReportRow]] = relationship()
    adjustments: Mapped[list[AdjustmentRow]] = relationship()


class LineRow(Base):
    __tablename__ = "lines"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_number: Mapped[str] = mapped_column(ForeignKey("orders.number"), index=True)
    item: Mapped[str] = mapped_column(ForeignKey("goods.item"))
    quantity: Mapped[int]
    price: Mapped[int]

    goods: Mapped[GoodsRow] = relationship()


class WriteRow(Base):
    """One request to change something that reached the book: what, when, who, under which key, and how it ended.

    `effects` are the values that it changed, table by table; `before` is what the reads of the order answered before
    it. `order_number` and `customer_id` are null where no such order is.
    """

    __tablename__ = "writes"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    who: Mapped[str]
    call: Mapped[str] = mapped_column(String(40))
    order_number: Mapped[str | None] = mapped_column(ForeignKey("orders.number"), index=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"), index=True)
    key: Mapped[str | None] = mapped_column(String(200), unique=True)
    digest: Mapped[str] = mapped_column(String(64))
    inputs: Mapped[Any] = mapped_column(Json)
    answer: Mapped[Any] = mapped_column(Json)
    effects: Mapped[Any] = mapped_column(Json)
    before: Mapped[Any | None] = mapped_column(JsonOrNull)


class OfAnOrder:
    """What a call wrote about an order; seeded rows have no write."""

    id: Mapped[int] = mapped_column(primary_key=True)
    order_number: Mapped[str] = mapped_column(ForeignKey("orders.number"), index=True)
    write_id: Mapped[int | None] = mapped_column(ForeignKey("writes.id"))


class ParcelRow(OfAnOrder, Base):
    """`promised_on` is what the customer was told first, `expected_on` what the carrier says now."""

    __tablename__ = "parcels"

    promised_on: Mapped[date]
    expected_on: Mapped[date]
    last_seen_on: Mapped[date | None]
    delivered_on: Mapped[date | None]
    lost: Mapped[bool]


class ReturnRow(OfAnOrder, Base):
    __tablename__ = "returns"
    __table_args__ = (UniqueConstraint("order_number"),)

    return_by: Mapped[date]
    received_on: Mapped[date | None]


class ExchangeRow(OfAnOrder, Base):
    __tablename__ = "exchanges"
    __table_args__ = (UniqueConstraint("order_number"),)

    item: Mapped[str] = mapped_column(ForeignKey("goods.item"))
    size: Mapped[str | None]
    color: Mapped[str | None]
    return_by: Mapped[date]


class ReplacementRow(OfAnOrder, Base):
    __tablename__ = "replacements"
    __table_args__ = (UniqueConstraint("order_number"),)

    expected_on: Mapped[date]


class RefundRow(OfAnOrder, Base):
    """`kind` is refund, cancellation, return or adjustment."""

    __tablename__ = "refunds"
    __table_args__ = (UniqueConstraint("order_number", "kind"),)

    kind: Mapped[str] = mapped_column(String(16))
    amount: Mapped[int]
    paid_on: Mapped[date]


class RepairRow(OfAnOrder, Base):
    __tablename__ = "repairs"

    due_on: Mapped[date]
    done_on: Mapped[date | None]


class ReportRow(OfAnOrder, Base):
    """A lost parcel, to be looked for until `due_on`; or a wrong item, to be sent back until then."""

    __tablename__ = "reports"
    __table_args__ = (UniqueConstraint("order_number", "kind"),)

    kind: Mapped[str] = mapped_column(String(16))
    due_on: Mapped[date]


class InvoiceRow(OfAnOrder, Base):
    """One sending; an order has one invoice number however often it is sent."""

    __tablename__ = "invoices"

    number: Mapped[str] = mapped_column(String(16))
    email: Mapped[str]
    company: Mapped[str | None]
    tax_number: Mapped[str | None]
    amount: Mapped[int]


class AdjustmentRow(OfAnOrder, Base):
    __tablename__ = "price_adjustments"
    __table_args__ = (UniqueConstraint("order_number"),)

    price_now: Mapped[int]
    amount: Mapped[int]


class AddressChangeRow(OfAnOrder, Base):
    __tablename__ = "address_changes"

    before: Mapped[str]
    after: Mapped[str]
