"""Opening a database: its address, its schema version, and the two kinds of transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.orm import Session

from taskflow.errors import TaskFlowError
from taskflow.store.schema import Base

DEFAULT_URL = "sqlite:///taskflow.db"
_MIGRATIONS = Path(__file__).parent / "migrations"
_WRITES = "taskflow_writes"


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

    def close(self) -> None:
        self.engine.dispose()


def open_database(url: str) -> Database:
    """The database at `url`; a missing or empty one is created at the current schema."""
    engine = _engine(url)
    try:
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
    engine = _engine(url)
    try:
        with engine.execution_options(**{_WRITES: True}).begin() as connection:
            before = _schema_version(connection)
            command.upgrade(_alembic(connection), "head")
    except DBAPIError as error:
        raise DatabaseError(_explained(url, error)) from error
    finally:
        engine.dispose()
    return before, _head()


def schema_differences(database: Database) -> list[str]:
    """How the tables differ from those that this TaskFlow would make; empty when they do not."""
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [str(difference) for difference in compare_metadata(context, Base.metadata)]


def _prepare(connection: Connection, url: str) -> None:
    if connection.dialect.name == "postgresql":
        # Two first commands at once would both create the tables; this lock is held until the commit.
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(20261123)")
    version, head = _schema_version(connection), _head()
    if version == head:
        return
    shown = make_url(url).render_as_string(hide_password=True)
    if version is not None:
        raise DatabaseError(
            f"{shown} holds schema version {version}, but this TaskFlow needs {head}: "
            f"run 'taskflow db upgrade --database {shown}' (or use the TaskFlow that made it)"
        )
    if inspect(connection).get_table_names():
        raise DatabaseError(f"{shown} holds tables that are not TaskFlow's: name an empty database")
    command.upgrade(_alembic(connection), "head")


def _engine(url: str) -> Engine:
    parsed = _parsed(url)
    if parsed.drivername.startswith("sqlite"):
        engine = create_engine(parsed, connect_args={"isolation_level": None, "timeout": 30})
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(parsed, pool_pre_ping=True)


def _parsed(url: str) -> URL:
    remedy = "use sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgres", "postgresql"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() not in ("sqlite", "postgresql"):
            raise DatabaseError(f"{parsed.drivername!r} is no database that TaskFlow knows: {remedy}")
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise DatabaseError(f"{url!r} is no database address: {remedy}") from error
    return parsed


def _configure_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


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
    shown = make_url(url).render_as_string(hide_password=True)
    cause = " ".join(str(error.orig).split())
    if "readonly" in cause or "unable to open" in cause:
        return f"{shown} cannot be opened for writing: check that its folder exists and that you may write there"
    if "not a database" in cause:
        return f"{shown} is a file of another kind, not a database: name another file"
    return f"{shown} cannot be used: {cause}"
