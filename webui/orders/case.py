"""What the rules look at, and what they answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from taskflow.calls import Outcome


class Status(StrEnum):
    PROCESSING = "processing"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


class Payout(StrEnum):
    """What the bank does with money that is paid back."""

    WORKS = "works"
    DECLINED = "declined"
    BOUNCED = "bounced"


@dataclass(frozen=True, slots=True)
class Parcel:
    """The newest parcel of an order; `promised_on` was told first, `expected_on` is what the carrier says now."""

    promised_on: date
    expected_on: date
    last_seen_on: date | None = None
    delivered_on: date | None = None
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """An order as the book has it, on the shop's day. Amounts are in cents."""

    number: str
    language: str
    item: str
    today: date
    status: Status
    ordered_on: date
    parcel: Parcel
    paid: int
    price_now: int
    in_stock: bool
    shipped_on: date | None = None
    delivered_on: date | None = None
    refunded: int = 0
    refunded_on: date | None = None
    return_open: bool = False
    returned: bool = False
    replaced: bool = False
    exchanged: bool = False
    in_repair: bool = False
    adjusted: bool = False
    reported: frozenset[str] = frozenset()
    on_hold: bool = False
    payout: Payout = Payout.WORKS

    @property
    def left(self) -> int:
        """What could still be paid back."""
        return self.paid - self.refunded

    @property
    def is_late(self) -> bool:
        return self.parcel.lost or self.parcel.promised_on < self.today


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a customer wants in place of an item: prices of one piece now, None where the shop does not sell it."""

    price: int | None
    price_of_old: int
    in_stock: bool


@dataclass(frozen=True, slots=True)
class Ruling:
    """`facts` are what the answer tells, by its keys; `reason` names the rule that refuses, or what failed."""

    outcome: Outcome
    reason: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
