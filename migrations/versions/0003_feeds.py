"""What ingest keeps of each source and host, editions of a document, and the views of them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def time(name: str) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def number(name: str) -> sa.Column:
    return sa.Column(name, sa.Double(), nullable=True)


def whole(name: str, default: str) -> sa.Column:
    return sa.Column(name, sa.Integer(), server_default=sa.text(default), nullable=False)


NEW = {
    "documents": (whole("version", "1"), time("edited_at")),
    "outbox": (whole("version", "1"),),
    "feed_state": (
        time("next_poll_at"),
        number("pace_seconds"),
        time("leased_until"),
        time("known_since"),
        time("retired_at"),
        time("last_item_at"),
        time("last_published_at"),
        number("lag_seconds"),
        number("usual_gap_seconds"),
        whole("gaps", "0"),
        number("silent_after_seconds"),
    ),
}

SUBJECTS = {
    "sqlite": "group_concat(s.subject_id, ',')",
    "postgresql": "string_agg(s.subject_id, ',' ORDER BY s.subject_id)",
}

DOCUMENTS = """
CREATE VIEW bi_documents AS
SELECT d.id, d.source, d.publisher, d.author, d.url, d.title, d.text, d.lang,
       d.published_at, d.fetched_at, d.archived_at, d.repost_of,
       c.topic, c.topic_probability, c.negative, c.neutral, c.positive, c.label, c.reason,
       c.model_version, c.story_id, c.story_position,
       (SELECT {subjects} FROM document_subjects s WHERE s.document_id = d.id) AS subjects{more}
FROM documents d
JOIN classifications c ON c.document_id = d.id AND c.counted
"""
EDITIONS = ",\n       d.version, d.edited_at"

SOURCES = """
CREATE VIEW bi_sources AS
WITH counts AS (
    SELECT d.source, count(*) AS documents,
           min(d.published_at) AS first_published_at, max(d.published_at) AS last_published_at,
           max(d.archived_at) AS last_archived_at,
           sum(CASE WHEN c.label = 'negative' THEN 1 ELSE 0 END) AS negative,
           sum(CASE WHEN c.label = 'neutral' THEN 1 ELSE 0 END) AS neutral,
           sum(CASE WHEN c.label = 'positive' THEN 1 ELSE 0 END) AS positive
    FROM documents d
    JOIN classifications c ON c.document_id = d.id AND c.counted
    GROUP BY d.source
), names AS (
    SELECT source FROM counts UNION SELECT source FROM feed_state
)
SELECT n.source, coalesce(k.documents, 0) AS documents,
       k.first_published_at, k.last_published_at, k.last_archived_at,
       coalesce(k.negative, 0) AS negative, coalesce(k.neutral, 0) AS neutral,
       coalesce(k.positive, 0) AS positive,
       CAST(k.negative AS double precision)
           / nullif(k.negative + k.neutral + k.positive, 0) AS negative_share,
       f.last_success_at AS feed_last_success_at, f.last_error_at AS feed_last_error_at,
       f.last_error AS feed_last_error, f.items AS feed_items, f.errors AS feed_errors{more}
FROM names n
LEFT JOIN counts k ON k.source = n.source
LEFT JOIN feed_state f ON f.source = n.source
"""
HEALTH = """,
       f.failures_in_a_row AS feed_failures_in_a_row, f.next_poll_at AS feed_next_poll_at,
       f.pace_seconds AS feed_pace_seconds, f.last_item_at AS feed_last_item_at,
       f.lag_seconds AS feed_lag_seconds, f.usual_gap_seconds AS feed_usual_gap_seconds,
       f.silent_after_seconds AS feed_silent_after_seconds, f.retired_at AS feed_retired_at"""


def views(editions: str, health: str) -> None:
    bind = op.get_bind()
    # the driver's own call: a colon in the text is a colon, not a parameter
    bind.exec_driver_sql(
        DOCUMENTS.format(subjects=SUBJECTS[bind.dialect.name], more=editions)
    )
    bind.exec_driver_sql(SOURCES.format(more=health))


def drop_views() -> None:
    for view in ("bi_documents", "bi_sources"):
        op.execute(f"DROP VIEW {view}")


def upgrade() -> None:
    drop_views()
    for table, columns in NEW.items():
        for column in columns:
            # a column belongs to one table object: a copy for each run
            op.add_column(table, column._copy())
    op.create_table(
        "feed_hosts",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("free_at", sa.DateTime(timezone=True), nullable=False),
        time("held_until"),
        sa.PrimaryKeyConstraint("host", name="pk_feed_hosts"),
    )
    op.create_table(
        "document_editions",
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        time("edited_at"),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.id"],
            name="fk_document_editions_document_id_documents",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("document_id", "version", name="pk_document_editions"),
        sqlite_with_rowid=False,
    )
    views(EDITIONS, HEALTH)


def downgrade() -> None:
    drop_views()
    op.drop_table("document_editions")
    op.drop_table("feed_hosts")
    for table, columns in NEW.items():
        for column in reversed(columns):
            op.drop_column(table, column.name)
    views("", "")
