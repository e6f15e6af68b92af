"""An order's rows, read as the case that the rules look at."""

from __future__ import annotations

from datetime import date

from webui.orders.case import Case, Exchange, Parcel, Payout, Status
from webui.orders.tables import GoodsRow, OrderRow


def case_of(order: OrderRow, today: date) -> Case:
    newest = order.parcels[-1]
    return Case(
        number=order.number,
        language=order.customer.language,
        item=", ".join(line.item for line in order.lines),
        today=today,
        status=Status(order.status),
        ordered_on=order.ordered_on,
        parcel=Parcel(newest.promised_on, newest.expected_on, newest.last_seen_on, newest.delivered_on, newest.lost),
        paid=order.paid,
        price_now=sum(line.quantity * line.goods.price for line in order.lines),
        in_stock=all(line.goods.stock >= line.quantity for line in order.lines),
        shipped_on=order.shipped_on,
        delivered_on=order.delivered_on,
        refunded=sum(refund.amount for refund in order.refunds),
        refunded_on=max((refund.paid_on for refund in order.refunds), default=None),
        return_open=any(one.received_on is None for one in order.returns),
        returned=bool(order.returns),
        replaced=bool(order.replacements),
        exchanged=bool(order.exchanges),
        in_repair=any(repair.done_on is None for repair in order.repairs),
        adjusted=bool(order.adjustments),
        reported=frozenset(report.kind for report in order.reports),
        on_hold=order.on_hold,
        payout=Payout(order.payout),
    )


def exchange_of(order: OrderRow, wanted: GoodsRow | None) -> Exchange:
    """The first line is what is exchanged; goods of the other language's shop are not sold in this one."""
    old = order.lines[0]
    if wanted is None or wanted.language != order.customer.language:
        return Exchange(None, old.goods.price, in_stock=False)
    return Exchange(wanted.price, old.goods.price, wanted.stock >= old.quantity)
