"""The shop's rules, as pure functions of what the book says about an order; docs/order-system.md states the same rules.

Each public function answers one call: what would be done, or which rule refuses it. None of them changes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from webui.orders.case import Case, Exchange, Payout, Ruling, Status
from webui.orders.rulings import failed, ok, refused, said
from webui.orders.terms import (
    ADJUSTMENT,
    LABEL,
    REPAIR,
    REPORT,
    RETURN,
    SHIPPING,
    TRACE,
    invoice_number,
    return_by,
    warranty_until,
)

LOST, WRONG_ITEM = "lost", "wrong_item"


def lookup_order(case: Case) -> Ruling:
    return ok(order_number=case.number, item=case.item, amount=said(case, case.paid), status=case.status.value)


def check_return(case: Case) -> Ruling:
    reason = _settled(case) or _not_returnable(case)
    return refused(case, reason) if reason else ok(return_by=return_by(case))


def create_return(case: Case) -> Ruling:
    return check_return(case)


def refund_status(case: Case) -> Ruling:
    if case.refunded_on is None:
        return refused(case, "item_not_received" if case.return_open else "nothing_returned")
    if case.payout is Payout.BOUNCED:
        return failed(case, "returned_by_bank")
    return ok(amount=said(case, case.refunded), paid_on=case.refunded_on)


def track_parcel(case: Case) -> Ruling:
    if case.status is Status.CANCELLED:
        return refused(case, "already_cancelled")
    if case.parcel.lost:
        return failed(case, "no_trace")
    if case.parcel.delivered_on:
        return refused(case, "already_delivered")
    return ok(expected_on=case.parcel.expected_on)


def create_refund(case: Case) -> Ruling:
    reason = _refund_refusal(case)
    if reason:
        return refused(case, reason)
    return _declined(case) or ok(amount=said(case, case.left))


def create_replacement(case: Case) -> Ruling:
    reason = _settled(case) or _not_made_good(case) or _out_of_stock(case.in_stock)
    return refused(case, reason) if reason else ok(expected_on=case.today + SHIPPING)


def create_exchange(case: Case, exchange: Exchange) -> Ruling:
    reason = _settled(case) or _not_arrived(case) or _not_returnable(case) or _not_equal(exchange)
    if reason:
        return refused(case, reason)
    return ok(expected_on=case.today + SHIPPING, return_by=return_by(case))


def cancel_order(case: Case) -> Ruling:
    return _unchangeable(case) or _declined(case) or ok(amount=said(case, case.left))


def update_address(case: Case, address: str) -> Ruling:
    return _unchangeable(case) or ok(expected_on=case.parcel.expected_on, address=address)


def report_lost_parcel(case: Case) -> Ruling:
    reason = _settled(case) or _reported(case, LOST) or _not_lost(case)
    return refused(case, reason) if reason else ok(answer_by=case.today + TRACE)


def report_wrong_item(case: Case) -> Ruling:
    reason = _settled(case) or _not_arrived(case) or _reported(case, WRONG_ITEM) or _not_returnable(case)
    return refused(case, reason) if reason else ok(return_by=case.today + LABEL)


def check_warranty(case: Case) -> Ruling:
    reason = _given_back(case) or _not_arrived(case) or _warranty_over(case)
    return refused(case, reason) if reason else ok(warranty_until=warranty_until(case))


def create_repair(case: Case) -> Ruling:
    reason = _in_repair(case) or _given_back(case) or _not_arrived(case) or _warranty_over(case)
    return refused(case, reason) if reason else ok(expected_on=case.today + REPAIR)


def send_invoice(case: Case, email: str) -> Ruling:
    if case.on_hold:
        return failed(case, "system_error")
    return ok(invoice_number=invoice_number(case), amount=said(case, case.paid), email=email)


def adjust_price(case: Case) -> Ruling:
    reason = _given_back(case) or ("already_adjusted" if case.adjusted else None)
    if not reason and case.today > case.ordered_on + ADJUSTMENT:
        reason = "adjustment_window_closed"
    if not reason and case.price_now >= case.paid:
        reason = "price_not_lower"
    if reason:
        return refused(case, reason)
    return _declined(case) or ok(amount=said(case, case.paid - case.price_now))


READS: Mapping[str, Callable[[Case], Ruling]] = MappingProxyType(
    {
        "lookup_order": lookup_order,
        "check_return": check_return,
        "refund_status": refund_status,
        "track_parcel": track_parcel,
        "check_warranty": check_warranty,
    }
)

WRITES: Mapping[str, Callable[[Case], Ruling]] = MappingProxyType(
    {
        "create_return": create_return,
        "create_refund": create_refund,
        "create_replacement": create_replacement,
        "cancel_order": cancel_order,
        "report_lost_parcel": report_lost_parcel,
        "report_wrong_item": report_wrong_item,
        "create_repair": create_repair,
        "adjust_price": adjust_price,
    }
)
"""Those that look at nothing but the case."""


def _refund_refusal(case: Case) -> str | None:
    if case.return_open:
        return "item_not_received"
    if case.returned:  # and it is in: its money is due, however long ago it was delivered
        return _in_repair(case) or _closed(case) or _sent_again(case)
    return _settled(case) or _not_made_good(case)


def _settled(case: Case) -> str | None:
    """Why an order is not made good any more: that happens once, in one way."""
    return _in_repair(case) or _given_back(case) or _sent_again(case)


def _in_repair(case: Case) -> str | None:
    return "in_repair" if case.in_repair else None


def _given_back(case: Case) -> str | None:
    return _closed(case) or ("already_returned" if case.returned else None)


def _closed(case: Case) -> str | None:
    if case.status is Status.CANCELLED:
        return "already_cancelled"
    return "already_refunded" if case.left <= 0 else None


def _sent_again(case: Case) -> str | None:
    if case.replaced:
        return "already_replaced"
    return "already_exchanged" if case.exchanged else None


def _not_returnable(case: Case) -> str | None:
    if case.status is Status.PROCESSING:
        return "not_shipped"
    return "parcel_lost" if case.parcel.lost else _too_late(case)


def _not_made_good(case: Case) -> str | None:
    if case.status is Status.PROCESSING:
        return "not_shipped"
    return _too_late(case) if case.delivered_on else _not_late(case)


def _not_lost(case: Case) -> str | None:
    if case.status is Status.PROCESSING:
        return "not_shipped"
    if case.delivered_on is None:
        return _not_late(case)
    return "report_window_closed" if case.today > case.delivered_on + REPORT else None


def _too_late(case: Case) -> str | None:
    return "window_closed" if case.delivered_on and case.today > case.delivered_on + RETURN else None


def _not_late(case: Case) -> str | None:
    return None if case.is_late else "not_late"


def _not_arrived(case: Case) -> str | None:
    return "not_delivered" if case.delivered_on is None else None


def _warranty_over(case: Case) -> str | None:
    until = warranty_until(case)
    return "warranty_over" if until is not None and until < case.today else None


def _reported(case: Case, kind: str) -> str | None:
    return "already_reported" if kind in case.reported else None


def _not_equal(exchange: Exchange) -> str | None:
    if exchange.price is None:
        return "not_sold"
    return "other_price" if exchange.price != exchange.price_of_old else _out_of_stock(exchange.in_stock)


def _out_of_stock(in_stock: bool) -> str | None:
    return None if in_stock else "out_of_stock"


def _unchangeable(case: Case) -> Ruling | None:
    if case.on_hold:
        return failed(case, "system_error")
    if case.status is Status.CANCELLED:
        return refused(case, "already_cancelled")
    return None if case.status is Status.PROCESSING else refused(case, "already_shipped")


def _declined(case: Case) -> Ruling | None:
    return failed(case, "payment_declined") if case.payout is Payout.DECLINED else None
