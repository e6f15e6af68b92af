"""Opening a database: its address, its schema version, and the two kinds of transaction."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, func, inspect, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import Session

from taskflow.errors import TaskFlowError
from taskflow.store.schema import Base

DEFAULT_URL = "sqlite:///taskflow.db"
_MIGRATIONS = Path(__file__).parent / "migrations"
_WRITES = "taskflow_writes"
_PASSWORD = re.compile(r"(?<=:)[^/].*(?=@)")


class DatabaseError(TaskFlowError):
    """A database that cannot be used as it is: one sentence with the remedy."""


class Database:
    """A database at the current schema."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writing = engine.execution_options(**{_WRITES: True})

    @contextmanager
    def read(self) -> Iterator[Session]:
        with Session(self.engine) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        with Session(self._writing) as session, session.begin():
            yield session

    @contextmanager
    def write_core(self) -> Iterator[Connection]:
        """`write` without an ORM's bookkeeping, which takes as long as the few statements of a customer's turn."""
        with self._writing.begin() as connection:
            yield connection

    def close(self) -> None:
        self.engine.dispose()


def serialise(session: Session, what: str) -> None:
    """Let writers of the same thing wait for each other until they commit; on SQLite all writers do."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(what, 0))))


def open_database(url: str) -> Database:
    """The database at `url`; a missing or empty one is created at the current schema."""
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            ready = _schema_version(connection) == _head()
        if not ready:  # only then is the lock of a writer needed
            with engine.execution_options(**{_WRITES: True}).begin() as connection:
                _prepare(connection, url)
    except DBAPIError as error:
        engine.dispose()
        raise DatabaseError(_explained(url, error)) from error
    except DatabaseError:
        engine.dispose()
        raise
    return Database(engine)


def upgrade_database(url: str) -> tuple[str | None, str]:
    """Bring the schema to the current version; returns the version before and after."""
    engine = make_engine(url)
    try:
        with engine.execution_options(**{_WRITES: True}).begin() as connection:
            _lock_schema(connection)
            before = _schema_version(connection)
            if before is None:
                _check_empty(connection, url)
            command.upgrade(_alembic(connection), "head")
    except DBAPIError as error:
        raise DatabaseError(_explained(url, error)) from error
    except CommandError as error:
        raise DatabaseError(
            f"{_shown(url)} holds schema version {before}, which this TaskFlow does not know: "
            "use the TaskFlow that made it"
        ) from error
    finally:
        engine.dispose()
    return before, _head()


def make_engine(url: str) -> Engine:
    """An engine as `Database` needs it, for a database of any schema; connects to nothing yet."""
    parsed = _parsed(url)
    if parsed.drivername.startswith("sqlite"):
        engine = create_engine(parsed, connect_args={"isolation_level": None, "timeout": 30})
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(parsed, pool_pre_ping=True)


def schema_differences(database: Database) -> list[str]:
    """How the tables differ from those that this TaskFlow would make; empty when they do not."""
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [str(difference) for difference in compare_metadata(context, Base.metadata)]


def _prepare(connection: Connection, url: str) -> None:
    _lock_schema(connection)
    version, head = _schema_version(connection), _head()
    if version == head:
        return
    if version is not None:
        raise DatabaseError(
            f"{_shown(url)} holds schema version {version}, but this TaskFlow needs {head}: "
            f"run 'taskflow db upgrade --database {_shown(url)}' (or use the TaskFlow that made it)"
        )
    _check_empty(connection, url)
    command.upgrade(_alembic(connection), "head")


def _lock_schema(connection: Connection) -> None:
    """Two first commands at once would both create the tables; the lock is held until the commit."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(20261123)")


def _check_empty(connection: Connection, url: str) -> None:
    # Alembic's own table stays behind, empty, when every migration is taken back.
    if set(inspect(connection).get_table_names()) - {"alembic_version"}:
        raise DatabaseError(f"{_shown(url)} holds tables that are not TaskFlow's: name an empty database")


def _parsed(url: str) -> URL:
    remedy = "use sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise DatabaseError(f"{_PASSWORD.sub('***', url)!r} is no database address: {remedy}") from error
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "postgresql+psycopg"):
        raise DatabaseError(f"{parsed.drivername!r} is no database that TaskFlow knows: {remedy}")
    if parsed.drivername == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise DatabaseError("a SQLite database in memory is lost at the command's end: name a file, sqlite:///FILE")
    return parsed


def _shown(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)


def _configure_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    _write_ahead(connection)
    for pragma in ("synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _write_ahead(connection: sqlite3.Connection) -> None:
    # Here alone SQLite may refuse at once instead of waiting, when another process opens the same new file.
    for wait in (*[0.05] * 100, None):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if wait is None or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(wait)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later cannot wait for another writer, so writers lock at once.
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _schema_version(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _head() -> str:
    head = ScriptDirectory(str(_MIGRATIONS)).get_current_head()
    if head is None:
        raise DatabaseError(f"no migrations in {_MIGRATIONS}: install TaskFlow again")
    return head


def _alembic(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _explained(url: str, error: DBAPIError) -> str:
    shown = _shown(url)
    cause = " ".join(str(error.orig).split())
    if "readonly" in cause or "unable to open" in cause:
        return f"{shown} cannot be opened for writing: check that its folder exists and that you may write there"
    if "not a database" in cause:
        return f"{shown} is a file of another kind, not a database: name another file"
    return f"{shown} cannot be used: {cause}"
