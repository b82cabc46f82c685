"""What a story is counted by: whose words, which event, suspected spam.

Null in the rows of before: their voice is the author, else the publisher, else the source.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("classifications", sa.Column("story_voice", sa.Text(), nullable=True))
    op.add_column("classifications", sa.Column("story_event", sa.Text(), nullable=True))
    op.add_column("classifications", sa.Column("suspected_spam", sa.Boolean(), nullable=True))


def downgrade() -> None:
    for column in ("suspected_spam", "story_event", "story_voice"):
        op.drop_column("classifications", column)
