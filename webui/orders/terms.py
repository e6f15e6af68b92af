"""The shop's periods, and the days that follow from them."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

from webui.orders.case import Case

RETURN = timedelta(30)
"""After delivery: to return, exchange, replace or pay back."""
ADJUSTMENT = timedelta(14)
"""After the order: to adjust its price."""
REPORT = timedelta(14)
"""After a delivery that did not happen: to report the parcel lost."""
SHIPPING = timedelta(5)
LABEL = timedelta(14)
TRACE = timedelta(3)
REPAIR = timedelta(14)
WARRANTY_MONTHS = 24


def return_by(case: Case) -> date:
    """The last day of the return window, foreseen where the parcel is under way."""
    return (case.delivered_on or case.parcel.expected_on) + RETURN


def warranty_until(case: Case) -> date | None:
    """The same day 24 months after delivery, or that month's last day; None before delivery."""
    day = case.delivered_on
    if day is None:
        return None
    year, month = divmod(day.year * 12 + day.month - 1 + WARRANTY_MONTHS, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def invoice_number(case: Case) -> str:
    return f"INV-{case.number.rpartition('-')[2]}"
