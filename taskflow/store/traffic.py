"""Which published versions customers talk to, and what share of new conversations each has."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from sqlalchemy import ColumnElement, case, func, select, update
from sqlalchemy.orm import Session

from taskflow.store.conversations import ConversationStatus
from taskflow.store.database import Database, serialise
from taskflow.store.drafts import AssistantError, find_assistant
from taskflow.store.schema import ConversationRow, VersionRow

_SLACK = 1e-6


@dataclass(frozen=True, slots=True)
class Share:
    """`share` is of the conversations that begin; those of all versions of an assistant sum up to 1."""

    version_id: int
    number: int
    share: float


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of the conversations that a version served last; the rest of them is still open."""

    number: int
    share: float
    published_at: datetime
    conversations: int
    resolved: int
    handed_off: int
    abandoned: int
    rated: int
    satisfaction: float | None  # the mean of those who rated


def serving(database: Database, version_id: int) -> tuple[Share, ...]:
    """The versions that have a share, by number, of the assistant that a version is of."""
    own = select(VersionRow.assistant_id).where(VersionRow.id == version_id).scalar_subquery()
    with database.read() as session:
        return _serving(session, own)


def serving_of(database: Database, name: str) -> tuple[Share, ...]:
    """The same by the assistant's name. Raises AssistantError where none is published."""
    with database.read() as session:
        found = _serving(session, find_assistant(session, name))
    if not found:
        raise AssistantError(f"assistant {name!r} is not published yet: run 'taskflow publish {name}'")
    return found


def assigned(shares: Sequence[Share], conversation: str) -> int:
    """The key of the version that a conversation begins with: by its id alone, so that every process says the same."""
    point = int.from_bytes(blake2b(conversation.encode(), digest_size=6).digest(), "big") / 2**48
    for one in shares:
        point -= one.share
        if point < 0:
            return one.version_id
    return shares[-1].version_id


def set_shares(database: Database, name: str, shares: Mapping[int, float]) -> tuple[Share, ...]:
    """Give published versions, by number, their shares; all others have none. Raises AssistantError."""
    with database.write() as session:
        assistant_id = find_assistant(session, name)
        serialise(session, f"assistant {name}")
        _set(session, assistant_id, name, shares)
        return _serving(session, assistant_id)


def let_in(session: Session, assistant_id: int, number: int, share: float) -> None:
    """Give a version its share; those that had one keep the rest, in proportion."""
    others = _serving(session, assistant_id)
    _check_share(share)
    if not others and share < 1:
        raise AssistantError(f"version {number} is the first one: its share is 1")
    kept = {one.number: one.share * (1 - share) for one in others if share < 1}
    _set(session, assistant_id, "", kept | {number: share})


def outcomes(database: Database, name: str) -> list[Outcomes]:
    """Each published version and what became of its conversations, the newest first."""
    with database.read() as session:
        assistant_id = find_assistant(session, name)
        status, outcome = ConversationRow.status, ConversationRow.outcome

        rows = session.execute(
            select(
                VersionRow.number,
                VersionRow.share,
                VersionRow.created_at,
                func.count(ConversationRow.id),
                _count(outcome == "resolved"),
                _count(status == ConversationStatus.HANDED_OFF.value),
                _count(outcome == "abandoned"),
                func.count(ConversationRow.satisfaction),
                func.avg(ConversationRow.satisfaction),
            )
            .outerjoin(ConversationRow, ConversationRow.version_id == VersionRow.id)
            .where(VersionRow.assistant_id == assistant_id, VersionRow.number.is_not(None))
            .group_by(VersionRow.id)
            .order_by(VersionRow.number.desc())
        ).all()
    return [
        Outcomes(number or 0, share, at, talks, resolved, handed, gone, rated, None if mean is None else float(mean))
        for number, share, at, talks, resolved, handed, gone, rated, mean in rows
    ]


def _count(is_so: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((is_so, 1), else_=0)), 0)


def _serving(session: Session, assistant_id: object) -> tuple[Share, ...]:
    query = select(VersionRow.id, VersionRow.number, VersionRow.share).where(
        VersionRow.assistant_id == assistant_id, VersionRow.share > 0, VersionRow.number.is_not(None)
    )
    rows = session.execute(query.order_by(VersionRow.number))
    return tuple(Share(key, number or 0, share) for key, number, share in rows)


def _set(session: Session, assistant_id: int, name: str, shares: Mapping[int, float]) -> None:
    there = set(
        session.scalars(
            select(VersionRow.number).where(VersionRow.assistant_id == assistant_id, VersionRow.number.is_not(None))
        )
    )
    unknown = set(shares) - there
    if unknown:
        known = ", ".join(str(number) for number in sorted(filter(None, there))) or "none"
        raise AssistantError(f"assistant {name!r} has no version {min(unknown)} (there are: {known})")
    for share in shares.values():
        _check_share(share)
    total = sum(shares.values())
    if abs(total - 1) > _SLACK:
        raise AssistantError(f"the shares sum up to {total:g}: they have to sum up to 1")
    session.execute(update(VersionRow).where(VersionRow.assistant_id == assistant_id).values(share=0.0))
    for number, share in shares.items():
        session.execute(
            update(VersionRow)
            .where(VersionRow.assistant_id == assistant_id, VersionRow.number == number)
            .values(share=share)
        )


def _check_share(share: float) -> None:
    if not (math.isfinite(share) and 0 < share <= 1):
        raise AssistantError(f"a share is {share:g}: it is above 0 and at most 1")
