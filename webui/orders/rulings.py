"""How a rule answers: with facts, or with the reason why not and the facts that belong to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from taskflow.calls import Outcome
from webui.orders.case import Case, Ruling
from webui.orders.money import money
from webui.orders.terms import warranty_until

_TOLD: Mapping[str, Callable[[Case], Mapping[str, object]]] = MappingProxyType(
    {
        "adjustment_window_closed": lambda case: {"ordered_on": case.ordered_on},
        "already_delivered": lambda case: {"delivered_on": case.parcel.delivered_on},
        "already_shipped": lambda case: {"shipped_on": case.shipped_on},
        "item_not_received": lambda case: {"amount": said(case, case.left)},
        "no_trace": lambda case: {"last_seen_on": case.parcel.last_seen_on or case.parcel.promised_on},
        "not_late": lambda case: {"expected_on": case.parcel.expected_on},
        "nothing_returned": lambda case: {"amount": said(case, case.left)},
        "out_of_stock": lambda case: {"amount": said(case, case.left)},
        "report_window_closed": lambda case: {"delivered_on": case.delivered_on},
        "returned_by_bank": lambda case: {"amount": said(case, case.refunded)},
        "warranty_over": lambda case: {"warranty_until": warranty_until(case)},
        "window_closed": lambda case: {"delivered_on": case.delivered_on},
    }
)


def ok(**facts: object) -> Ruling:
    return Ruling(Outcome.OK, None, _written(facts))


def refused(case: Case, reason: str) -> Ruling:
    return Ruling(Outcome.REFUSED, reason, _facts(case, reason))


def failed(case: Case, reason: str) -> Ruling:
    return Ruling(Outcome.FAILED, reason, _facts(case, reason))


def said(case: Case, cents: int) -> str:
    return money(cents, case.language)


def _facts(case: Case, reason: str) -> Mapping[str, str]:
    return _written(_TOLD[reason](case)) if reason in _TOLD else {}


def _written(facts: Mapping[str, object]) -> Mapping[str, str]:
    return {name: str(value) for name, value in facts.items()}  # a date's text is its ISO form
