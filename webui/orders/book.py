"""The book: reads and writes of orders under the rules, each write once for its key."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import null, select
from sqlalchemy.orm import Session

from taskflow.calls import Outcome
from taskflow.errors import TaskFlowError
from taskflow.store import Database
from taskflow.store.database import serialise
from webui.orders import policy
from webui.orders.calls import CALLS, InputError
from webui.orders.case import Case, Ruling
from webui.orders.dossier import case_of, exchange_of
from webui.orders.effects import Change, carry_out
from webui.orders.reasons import FAILURES, RULES
from webui.orders.tables import CustomerRow, GoodsRow, OrderRow, ShopRow, WriteRow

LONGEST_KEY = 200

_NUMBER = re.compile(r"TF-[0-9]{8}")
_DAYS = ("_on", "_by", "_until")
_COUNTED = frozenset({"cancel_order", "create_exchange", "create_replacement"})  # they change the stock
_EMAIL = re.compile(r"[^\s@\x00]{1,64}@[^\s@\x00]{1,128}")


class KeyReusedError(TaskFlowError):
    """An idempotency key that came before with another request: its sender made a mistake, and nothing is done."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`replayed` where the same request under the same key was answered before."""

    outcome: Outcome
    reason: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    replayed: bool = False

    def to_json(self) -> dict[str, str]:
        """Flat, with the sentence of the rule that refused, or of what failed.

        `date` repeats the first day among the facts, for those who do not care whether it is a return_by or a paid_on.
        """
        told = {"outcome": self.outcome.value, **self.facts}
        day = next((value for name, value in self.facts.items() if name.endswith(_DAYS)), None)
        told |= {} if day is None else {"date": day}
        if self.reason is None:
            return told
        return told | {"reason": self.reason, "rule": RULES.get(self.reason) or FAILURES[self.reason]}


class Book:
    """The orders of one shop in a seeded database (see `seeds.make_book`)."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @property
    def day(self) -> date:
        """Today, in this shop."""
        with self.database.read() as session:
            return _day(session)

    def move_to(self, day: date) -> None:
        """Let it be another day in the shop."""
        with self.database.write() as session:
            session.scalars(select(ShopRow)).one().day = day

    def read(self, name: str, number: str = "", email: str = "", stale: bool = False) -> Answer:
        """Answer the read `name` of the order with this number or else, to look one up, of this mail address's newest.

        A `stale` answer is the one from before the order's last write.
        """
        with self.database.read() as session:
            order = _order(session, number) or (_newest(session, email) if name == "lookup_order" else None)
            if order is None:
                return Answer(Outcome.NOT_FOUND)
            known = _before_last_write(session, order) if stale else None
            if known is not None:
                return _from_json(known[name])
            return _answer(policy.READS[name](case_of(order, _day(session))))

    def foresee(self, name: str, number: str, inputs: Mapping[str, object] = MappingProxyType({})) -> Answer:
        """What a call would answer now; nothing is changed, and no trace is left."""
        if not CALLS[name].is_write:
            return self.read(name, number)
        given = CALLS[name].check(inputs)
        with self.database.read() as session:
            order = _order(session, number)
            if order is None:
                return Answer(Outcome.NOT_FOUND)
            return _answer(_rule(name, order, case_of(order, _day(session)), given, _wanted(session, order, given)))

    def write(
        self, name: str, number: str, inputs: Mapping[str, object], who: str = "", key: str | None = None
    ) -> Answer:
        """Do the call `name` if the rules allow it, in one transaction; once for all requests with the same `key`.

        Raises InputError where the request cannot be meant, KeyReusedError where `key` came with another request.
        """
        given = CALLS[name].check(inputs)
        if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isprintable()):
            raise InputError(f"the idempotency key has to have 1 to {LONGEST_KEY} characters, all of them printable")
        digest = hashlib.sha256(json.dumps([name, normal_number(number), given], sort_keys=True).encode()).hexdigest()
        with self.database.write() as session:
            if key is not None:
                serialise(session, f"orders:{key}")
                earlier = session.scalars(select(WriteRow).where(WriteRow.key == key)).one_or_none()
                if earlier is not None:
                    return _replayed(earlier, digest)
            row = WriteRow(
                at=datetime.now(UTC), who=who, call=name, key=key, digest=digest, inputs=given, answer={}, effects=[]
            )
            return _do(session, number, row)


def normal_number(number: str) -> str:
    """An order's number however it was typed: full-width, in small letters, behind a #."""
    return unicodedata.normalize("NFKC", number).strip().lstrip("#").upper()


def _do(session: Session, number: str, row: WriteRow) -> Answer:
    session.add(row)
    session.flush()
    order = _order(session, number, lock=True)
    if order is None:
        answer = Answer(Outcome.NOT_FOUND)
        row.answer = answer.to_json()
        return answer
    row.order_number, row.customer_id = order.number, order.customer_id
    goods = _wanted(session, order, row.inputs, lock=row.call in _COUNTED)
    case = case_of(order, _day(session))
    answer = _answer(_rule(row.call, order, case, row.inputs, goods))
    if answer.outcome is Outcome.OK:
        row.before = {name: _answer(rule(case)).to_json() for name, rule in policy.READS.items()}
        row.effects = carry_out(session, row.call, Change(order, case, answer.facts, row.inputs, goods), row)
    row.answer = answer.to_json()
    return answer


def _rule(name: str, order: OrderRow, case: Case, inputs: Mapping[str, str], wanted: GoodsRow | None) -> Ruling:
    match name:
        case "create_exchange":
            return policy.create_exchange(case, exchange_of(order, wanted))
        case "update_address":
            return policy.update_address(case, inputs["address"])
        case "send_invoice":
            return policy.send_invoice(case, inputs.get("email") or order.customer.email)
        case _:
            return policy.WRITES[name](case)


def _order(session: Session, number: str, lock: bool = False) -> OrderRow | None:
    known = normal_number(number)
    # With a lock, writers of one order wait for each other, on PostgreSQL too.
    return session.get(OrderRow, known, with_for_update=lock or None) if _NUMBER.fullmatch(known) else None


def _newest(session: Session, email: str) -> OrderRow | None:
    written = unicodedata.normalize("NFKC", email).strip().lower()
    if not _EMAIL.fullmatch(written):
        return None
    of_customer = select(OrderRow).join(CustomerRow).where(CustomerRow.email == written)
    return session.scalars(of_customer.order_by(OrderRow.ordered_on.desc(), OrderRow.number.desc()).limit(1)).first()


def _wanted(session: Session, order: OrderRow, inputs: Mapping[str, str], lock: bool = False) -> GoodsRow | None:
    """The goods that would go out in an exchange: another size of the same where nothing is named.

    A lock holds them and the order's own until the write is done, as the stock is counted.
    """
    item = inputs.get("item", order.lines[0].item)
    if lock:
        items = {item, *(line.item for line in order.lines)}
        session.scalars(
            select(GoodsRow).where(GoodsRow.item.in_(items)).order_by(GoodsRow.item).with_for_update()
        ).all()
    return session.get(GoodsRow, item)


def _before_last_write(session: Session, order: OrderRow) -> dict[str, dict[str, Any]] | None:
    writes = select(WriteRow.before).where(WriteRow.order_number == order.number, WriteRow.before.is_not(null()))
    return session.scalars(writes.order_by(WriteRow.id.desc()).limit(1)).first()


def _day(session: Session) -> date:
    return session.scalars(select(ShopRow.day)).one()


def _answer(ruling: Ruling) -> Answer:
    return Answer(ruling.outcome, ruling.reason, ruling.facts)


def _replayed(earlier: WriteRow, digest: str) -> Answer:
    if earlier.digest != digest:
        raise KeyReusedError("the idempotency key came before with another request: use a new one for each request")
    return _from_json(earlier.answer, replayed=True)


def _from_json(told: Mapping[str, str], replayed: bool = False) -> Answer:
    facts = {key: value for key, value in told.items() if key not in ("outcome", "reason", "rule", "date")}
    return Answer(Outcome(told["outcome"]), told.get("reason"), facts, replayed)
