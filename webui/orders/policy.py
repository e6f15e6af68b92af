"""The shop's rules, as pure functions of what the book says about an order; docs/order-system.md states the same rules.

Each public function answers one call: what would be done, or which rule refuses it. None of them changes anything.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from types import MappingProxyType

from taskflow.calls import Outcome
from webui.orders.case import Case, Exchange, Payout, Ruling, Status
from webui.orders.money import money

LOST, WRONG_ITEM = "lost", "wrong_item"

_RETURN = timedelta(30)
_ADJUSTMENT = timedelta(14)
_LOST = timedelta(14)
_SHIPPING = timedelta(5)
_LABEL = timedelta(14)
_TRACE = timedelta(3)
_REPAIR = timedelta(14)
_WARRANTY_MONTHS = 24


def lookup_order(case: Case) -> Ruling:
    return _ok(order_number=case.number, item=case.item, amount=_said(case, case.paid), status=case.status.value)


def check_return(case: Case) -> Ruling:
    reason = _settled(case) or _not_returnable(case)
    return _refused(case, reason) if reason else _ok(return_by=return_by(case))


def create_return(case: Case) -> Ruling:
    return check_return(case)


def refund_status(case: Case) -> Ruling:
    if case.refunded_on is None:
        return _refused(case, "item_not_received" if case.return_open else "nothing_returned")
    amount = _said(case, case.refunded)
    if case.payout is Payout.BOUNCED:
        return _failed("returned_by_bank", amount=amount)
    return _ok(amount=amount, paid_on=case.refunded_on)


def track_parcel(case: Case) -> Ruling:
    parcel = case.parcel
    if case.status is Status.CANCELLED:
        return _refused(case, "already_cancelled")
    if parcel.lost:
        return _failed("no_trace", last_seen_on=parcel.last_seen_on or parcel.promised_on)
    if parcel.delivered_on:
        return _refused(case, "already_delivered")
    return _ok(expected_on=parcel.expected_on)


def create_refund(case: Case) -> Ruling:
    reason = _refund_refusal(case)
    if reason:
        return _refused(case, reason)
    return _failed("payment_declined") if case.payout is Payout.DECLINED else _ok(amount=_said(case, case.left))


def create_replacement(case: Case) -> Ruling:
    reason = _settled(case) or _not_made_good(case) or _out_of_stock(case.in_stock)
    return _refused(case, reason) if reason else _ok(expected_on=case.today + _SHIPPING)


def create_exchange(case: Case, exchange: Exchange) -> Ruling:
    reason = _settled(case) or _not_arrived(case) or _not_returnable(case) or _not_equal(exchange)
    if reason:
        return _refused(case, reason)
    return _ok(expected_on=case.today + _SHIPPING, return_by=return_by(case))


def cancel_order(case: Case) -> Ruling:
    stopped = _unchangeable(case)
    if stopped:
        return stopped
    return _failed("payment_declined") if case.payout is Payout.DECLINED else _ok(amount=_said(case, case.left))


def update_address(case: Case, address: str) -> Ruling:
    return _unchangeable(case) or _ok(expected_on=case.parcel.expected_on, address=address)


def report_lost_parcel(case: Case) -> Ruling:
    reason = _settled(case) or _not_lost(case)
    return _refused(case, reason) if reason else _ok(answer_by=case.today + _TRACE)


def report_wrong_item(case: Case) -> Ruling:
    reason = _settled(case) or _not_arrived(case) or _reported(case, WRONG_ITEM) or _not_returnable(case)
    return _refused(case, reason) if reason else _ok(return_by=case.today + _LABEL)


def check_warranty(case: Case) -> Ruling:
    until = warranty_until(case)
    if until is None or _given_back(case):
        return _refused(case, _given_back(case) or "not_delivered")
    return _refused(case, "warranty_over") if until < case.today else _ok(warranty_until=until)


def create_repair(case: Case) -> Ruling:
    if case.in_repair:
        return _refused(case, "in_repair")
    warranty = check_warranty(case)
    return warranty if warranty.outcome is not Outcome.OK else _ok(expected_on=case.today + _REPAIR)


def send_invoice(case: Case, email: str) -> Ruling:
    return _ok(invoice_number=invoice_number(case), amount=_said(case, case.paid), email=email)


def adjust_price(case: Case) -> Ruling:
    reason = _given_back(case) or ("already_adjusted" if case.adjusted else None)
    if not reason and case.today > case.ordered_on + _ADJUSTMENT:
        reason = "adjustment_window_closed"
    if not reason and case.price_now >= case.paid:
        reason = "price_not_lower"
    if reason:
        return _refused(case, reason)
    if case.payout is Payout.DECLINED:
        return _failed("payment_declined")
    return _ok(amount=_said(case, case.paid - case.price_now))


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


def return_by(case: Case) -> date:
    return (case.delivered_on or case.parcel.expected_on) + _RETURN


def warranty_until(case: Case) -> date | None:
    """The same day 24 months after delivery, or that month's last day; None before delivery."""
    day = case.delivered_on
    if day is None:
        return None
    year, month = divmod(day.year * 12 + day.month - 1 + _WARRANTY_MONTHS, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def invoice_number(case: Case) -> str:
    return f"INV-{case.number.rpartition('-')[2]}"


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
        return _reported(case, LOST) or _not_late(case)
    return _reported(case, LOST) or ("report_window_closed" if case.today > case.delivered_on + _LOST else None)


def _too_late(case: Case) -> str | None:
    return "window_closed" if case.delivered_on and case.today > case.delivered_on + _RETURN else None


def _not_late(case: Case) -> str | None:
    return None if case.is_late else "not_late"


def _not_arrived(case: Case) -> str | None:
    return "not_delivered" if case.delivered_on is None and case.status is not Status.CANCELLED else None


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
        return _failed("system_error")
    if case.status is Status.CANCELLED:
        return _refused(case, "already_cancelled")
    return None if case.status is Status.PROCESSING else _refused(case, "already_shipped")


_TOLD: Mapping[str, Callable[[Case], Mapping[str, object]]] = MappingProxyType(
    {
        "adjustment_window_closed": lambda case: {"ordered_on": case.ordered_on},
        "already_delivered": lambda case: {"delivered_on": case.parcel.delivered_on},
        "already_shipped": lambda case: {"shipped_on": case.shipped_on},
        "item_not_received": lambda case: {"amount": _said(case, case.left)},
        "not_late": lambda case: {"expected_on": case.parcel.expected_on},
        "nothing_returned": lambda case: {"amount": _said(case, case.left)},
        "out_of_stock": lambda case: {"amount": _said(case, case.left)},
        "report_window_closed": lambda case: {"delivered_on": case.delivered_on},
        "warranty_over": lambda case: {"warranty_until": warranty_until(case)},
        "window_closed": lambda case: {"delivered_on": case.delivered_on},
    }
)


def _refused(case: Case, reason: str) -> Ruling:
    told = _TOLD[reason](case) if reason in _TOLD else {}
    return Ruling(Outcome.REFUSED, reason, _written(told))


def _failed(reason: str, **facts: object) -> Ruling:
    return Ruling(Outcome.FAILED, reason, _written(facts))


def _ok(**facts: object) -> Ruling:
    return Ruling(Outcome.OK, None, _written(facts))


def _written(facts: Mapping[str, object]) -> Mapping[str, str]:
    return {name: str(value) for name, value in facts.items()}  # a date's text is its ISO form


def _said(case: Case, cents: int) -> str:
    return money(cents, case.language)
