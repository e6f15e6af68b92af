"""review: who edited what and when, what was approved or rejected, what a mining run proposes"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql")


def upgrade() -> None:
    op.create_table(
        "proposals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("assistant_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("edits", _JSON, nullable=False),
        sa.Column("support", sa.Integer(), nullable=False),
        sa.Column("evidence", _JSON, nullable=False),
        sa.Column("gain", _JSON, nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["assistant_id"], ["assistants.id"], name=op.f("fk_proposals_assistant_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_proposals_run_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
        sa.UniqueConstraint("assistant_id", "digest", name=op.f("uq_proposals_assistant_id_digest")),
        sqlite_autoincrement=True,
    )
    # Not in batches: SQLite would make the tables anew, and dropping the old ones would empty those that hang on them.
    for table, column in _added():
        op.add_column(table, column)
    _gather_edits()


def downgrade() -> None:
    """Edits made after a publication stay with the mined version, where the older TaskFlow does not look."""
    for table, column in _added():
        op.drop_column(table, column.name)
    op.drop_table("proposals")


def _added() -> list[tuple[str, sa.Column[Any]]]:
    return [
        ("actions", sa.Column("description", sa.Text(), server_default="", nullable=False)),
        ("actions", sa.Column("status", sa.String(length=8), server_default="proposed", nullable=False)),
        ("nodes", sa.Column("status", sa.String(length=8), server_default="proposed", nullable=False)),
        ("nodes", sa.Column("outcomes", _JSON, server_default="[]", nullable=False)),
        ("edits", sa.Column("author", sa.Text(), server_default="unknown", nullable=False)),
        ("edits", sa.Column("proposal", sa.String(length=64), nullable=True)),
        ("edits", sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True)),
    ]


def _gather_edits() -> None:
    """A draft starts at its newest mined version now, not at its newest of any kind: edits move there, in order."""
    connection = op.get_bind()
    versions = sa.table("versions", sa.column("id"), sa.column("assistant_id"), sa.column("number"))
    edits = sa.table("edits", sa.column("id"), sa.column("version_id"), sa.column("position"))
    mined: dict[int, int] = {}
    edits_of: Counter[int] = Counter()
    known = sa.select(versions.c.id, versions.c.assistant_id, versions.c.number).order_by(versions.c.id)
    for version, assistant, number in connection.execute(known).all():
        if number is None:
            mined[assistant] = version
        base = mined.get(assistant, version)
        own = sa.select(edits.c.id).where(edits.c.version_id == version).order_by(edits.c.position)
        for (edit,) in connection.execute(own).all():
            place = {"version_id": base, "position": edits_of[base]}
            connection.execute(sa.update(edits).where(edits.c.id == edit).values(place))
            edits_of[base] += 1
