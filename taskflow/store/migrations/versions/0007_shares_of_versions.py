"""which versions customers talk to, and how many of them"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("versions", sa.Column("share", sa.Double(), server_default="0", nullable=False))
    op.execute(
        "UPDATE versions SET share = 1 WHERE number = "
        "(SELECT max(other.number) FROM versions AS other WHERE other.assistant_id = versions.assistant_id)"
    )


def downgrade() -> None:
    op.drop_column("versions", "share")
