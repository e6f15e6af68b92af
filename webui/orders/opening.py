"""Opening a book: a new database gets its tables and its seeds."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlalchemy import inspect, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from taskflow.errors import TaskFlowError
from taskflow.store import Database
from taskflow.store.database import make_engine, serialise
from webui.orders.book import Book
from webui.orders.seeds import sow
from webui.orders.tables import Base, ShopRow

_SEED = 1


class BookError(TaskFlowError):
    """A database that cannot be an order book."""


def open_book(url: str, *, seed: int | None = None, customers: int | None = None, day: date | None = None) -> Book:
    """The order book in the database at `url`; an empty one is made, with `customers` (none) in each language.

    `day` is the shop's day from now on; without it a new book has today's, and an old one keeps its own. Raises
    BookError where the database is of another kind or was made from another seed.
    """
    database = Database(make_engine(url))
    try:
        with database.write() as session:
            _prepare(session, seed, customers, day)
    except DBAPIError as error:
        database.close()
        cause = " ".join(str(error.orig).split())
        raise BookError(f"the database of the orders cannot be used ({cause}): name another with --database") from error
    except BookError:
        database.close()
        raise
    return Book(database)


def renew(book: Book) -> None:
    """Let a book be as it was when it was seeded: whatever was done since is forgotten."""
    with book.database.write() as session:
        shop = session.scalars(select(ShopRow)).one()
        day, seed, customers = shop.day, shop.seed, shop.customers
        session.expunge_all()
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(table.delete())
        sow(session, day, seed, customers)


def _prepare(session: Session, seed: int | None, customers: int | None, day: date | None) -> None:
    serialise(session, "orders")
    found = set(inspect(session.connection()).get_table_names())
    wanted = set(Base.metadata.tables)
    if found and found != wanted:
        raise BookError("the database holds other tables than those of the orders: name an empty one with --database")
    if not found:
        Base.metadata.create_all(session.connection())
        sow(session, day or datetime.now(UTC).date(), _SEED if seed is None else seed, customers or 0)
        return
    shop = session.scalars(select(ShopRow)).one()
    if seed not in (None, shop.seed) or customers not in (None, shop.customers):
        raise BookError(
            f"the order book was made with --seed {shop.seed} --customers {shop.customers}: "
            "give the same, or name an empty database with --database"
        )
    shop.day = day or shop.day
