"""Which edition of a document counts, and what a bucket counts besides: late, new, suspected
documents, different stories and voices.

Rows of before keep their counts and have zeros in the new columns until they change or
`bellwether db rebuild-redis` counts their day again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

CLASSIFICATIONS = (
    sa.Column("story_novelty", sa.Integer(), nullable=True),
    sa.Column("classified_at", sa.DateTime(timezone=True), nullable=True),
    sa.Column("late", sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column("lang_apart", sa.Boolean(), server_default=sa.false(), nullable=False),
)
TREND_BUCKETS = (
    *(
        sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False)
        for name in ("late", "novelty", "suspected", "revision")
    ),
    *(
        sa.Column(name, sa.JSON(), server_default=sa.text("'[]'"), nullable=False)
        for name in ("stories", "voices")
    ),
)
NEW = {"classifications": CLASSIFICATIONS, "trend_buckets": TREND_BUCKETS}


def upgrade() -> None:
    for table, columns in NEW.items():
        for column in columns:
            # a column belongs to one table object: a copy for each run
            op.add_column(table, column._copy())
    # at least so often did a bucket change that holds so many documents: a Redis that begins
    # anew does not replace what is kept
    op.execute("UPDATE trend_buckets SET revision = documents")


def downgrade() -> None:
    for table, columns in NEW.items():
        for column in reversed(columns):
            op.drop_column(table, column.name)
