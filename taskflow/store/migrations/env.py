"""Alembic's entry: migrates the connection that TaskFlow hands over, or the address in the configuration."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, create_engine

from taskflow.store.schema import Base, UtcDateTime


def _plain_types(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    # A migration outlives the code of its day, so it names SQLAlchemy's own types only.
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_type=True,
        render_item=_plain_types,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    _migrate(given)
else:
    with create_engine(context.config.get_main_option("sqlalchemy.url") or "").connect() as opened:
        _migrate(opened)
