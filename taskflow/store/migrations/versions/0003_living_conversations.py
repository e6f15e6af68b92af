"""living conversations: whose they are, how they stand and ended, who writes; what a mistake at a node costs"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql")


def upgrade() -> None:
    for table, column in _added():
        op.add_column(table, column)
    op.create_index(op.f("ix_conversations_customer"), "conversations", ["customer"])
    op.create_index(op.f("ix_conversations_updated_at"), "conversations", ["updated_at"])
    op.execute(
        "UPDATE conversations SET next_offset = "
        '(SELECT coalesce(max("offset") + 1, 0) FROM events WHERE conversation_id = conversations.id)'
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_conversations_updated_at"), "conversations")
    op.drop_index(op.f("ix_conversations_customer"), "conversations")
    for table, column in _added():
        op.drop_column(table, column.name)


def _added() -> list[tuple[str, sa.Column[Any]]]:
    return [
        ("conversations", sa.Column("customer", sa.Text(), nullable=True)),
        ("conversations", sa.Column("status", sa.String(length=10), server_default="open", nullable=False)),
        ("conversations", sa.Column("outcome", sa.Text(), nullable=True)),
        ("conversations", sa.Column("satisfaction", sa.Double(), nullable=True)),
        ("conversations", sa.Column("next_offset", sa.Integer(), server_default="0", nullable=False)),
        ("conversations", sa.Column("claimed_by", sa.String(length=36), nullable=True)),
        ("conversations", sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True)),
        ("nodes", sa.Column("cost", sa.Double(), server_default="1", nullable=False)),
        ("versions", sa.Column("calibration", _JSON, nullable=True)),
    ]
