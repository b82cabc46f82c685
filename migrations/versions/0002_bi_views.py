"""The views for BI tools, as `docs/bi.md` describes them.

A view is a contract: a later revision drops it and creates it again with its columns in the
same order and new ones at the end.

The sentiment views are computed from documents, not from `trend_buckets`: they are right the
moment a document is archived, whether or not housekeeping runs. Each of their branches is
one cut through the stream and groups by itself, so that a filter on `cut` or `subject`
reaches the indexes.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

VIEWS = (
    "bi_documents",
    "bi_sentiment_by_minute",
    "bi_sentiment_by_hour",
    "bi_sentiment_by_day",
    "bi_alerts",
    "bi_sources",
)

# Below this relevance a subject counts nowhere: pipeline.trends.MIN_RELEVANCE at this revision.
MIN_RELEVANCE = "0.1"

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
       (SELECT {subjects} FROM document_subjects s WHERE s.document_id = d.id) AS subjects
FROM documents d
JOIN classifications c ON c.document_id = d.id AND c.counted
"""

# (cut, subject, topic, source, further tables and conditions)
OF_SUBJECT = f"""
        JOIN document_subjects s ON s.document_id = d.id AND s.relevance >= {MIN_RELEVANCE}"""
CUTS = (
    ("everything", None, None, None, ""),
    ("source", None, None, "d.source", ""),
    ("topic", None, "c.topic", None, "\n        WHERE c.topic IS NOT NULL"),
    ("subject", "s.subject_id", None, None, OF_SUBJECT),
    (
        "subject_topic",
        "s.subject_id",
        "c.topic",
        None,
        OF_SUBJECT + "\n        WHERE c.topic IS NOT NULL",
    ),
)

BUCKETS = {
    "sqlite": {
        "minute": "substr(d.published_at, 1, 16) || ':00'",
        "hour": "substr(d.published_at, 1, 13) || ':00:00'",
        "day": "substr(d.published_at, 1, 10) || ' 00:00:00'",
    },
    "postgresql": {
        width: f"date_trunc('{width}', d.published_at, 'UTC')"
        for width in ("minute", "hour", "day")
    },
}

# An alert's numbers by their path in its record: column, part, field, type.
ALERT_NUMBERS = (
    ("window_seconds", "arithmetic", "window_seconds", "integer"),
    ("observed", "arithmetic", "observed", "double precision"),
    ("expected", "arithmetic", "expected", "double precision"),
    ("statistic", "arithmetic", "statistic", "double precision"),
    ("p_value", "arithmetic", "p_value", "double precision"),
    ("threshold", "arithmetic", "threshold", "double precision"),
    ("window_documents", "arithmetic", "documents", "integer"),
    ("negative_share", "arithmetic", "share", "double precision"),
    ("usual_negative_share", "arithmetic", "usual_share", "double precision"),
    ("stories", "arithmetic", "stories", "integer"),
    ("voices", "arithmetic", "voices", "integer"),
    ("peak_observed", "peak", "observed", "double precision"),
    ("peak_statistic", "peak", "statistic", "double precision"),
)

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
       f.last_error AS feed_last_error, f.items AS feed_items, f.errors AS feed_errors
FROM names n
LEFT JOIN counts k ON k.source = n.source
LEFT JOIN feed_state f ON f.source = n.source
"""


def sentiment(dialect: str, width: str) -> str:
    branches = (branch(BUCKETS[dialect][width], *cut) for cut in CUTS)
    return f"CREATE VIEW bi_sentiment_by_{width} AS" + "\nUNION ALL".join(branches)


def branch(
    bucket: str, cut: str, subject: str | None, topic: str | None, source: str | None, more: str
) -> str:
    # a subject's own sentiment where the model tells one: all three numbers or none
    def chance(name: str) -> str:
        if subject is None:
            return f"c.{name}"
        return f"CASE WHEN s.negative IS NULL THEN c.{name} ELSE s.{name} END"

    nothing = "CAST(NULL AS text)"
    names = {"subject": subject, "topic": topic, "source": source}
    groups = [name for name, column in names.items() if column] + ["bucket_start"]
    return f"""
SELECT '{cut}' AS cut,
       {", ".join(f"{name if names[name] else nothing} AS {name}" for name in names)},
       bucket_start,
       count(*) AS documents,
       sum(is_negative) AS negative,
       count(p_negative) - sum(is_negative) - sum(is_positive) AS neutral,
       sum(is_positive) AS positive,
       CAST(sum(is_negative) AS double precision) / nullif(count(p_negative), 0) AS negative_share,
       avg(p_negative) AS mean_negative, avg(p_neutral) AS mean_neutral,
       avg(p_positive) AS mean_positive,
       sum(is_novel) AS novel, sum(is_novel * is_negative) AS novel_negative
FROM (
    SELECT m.*,
           CASE WHEN p_negative > p_neutral AND p_negative > p_positive
                THEN 1 ELSE 0 END AS is_negative,
           CASE WHEN p_positive > p_neutral AND p_positive > p_negative
                THEN 1 ELSE 0 END AS is_positive
    FROM (
        SELECT {", ".join(f"{column or nothing} AS {name}" for name, column in names.items())},
               {bucket} AS bucket_start,
               {chance("negative")} AS p_negative,
               {chance("neutral")} AS p_neutral,
               {chance("positive")} AS p_positive,
               CASE WHEN c.story_position = 0 THEN 1 ELSE 0 END AS is_novel
        FROM documents d
        JOIN classifications c ON c.document_id = d.id AND c.counted{more}
    ) m
) n
GROUP BY {", ".join(groups)}"""


def alerts(dialect: str) -> str:
    def number(part: str, name: str, kind: str) -> str:
        if dialect == "sqlite":
            return f"json_extract(a.record, '$.{part}.{name}')"
        return f"CAST(a.record #>> '{{{part},{name}}}' AS {kind})"

    numbers = ",\n       ".join(
        f"{number(part, name, kind)} AS {column}" for column, part, name, kind in ALERT_NUMBERS
    )
    return f"""
CREATE VIEW bi_alerts AS
SELECT a.fingerprint, a.opened_at, a.rule, a.rule_version, a.series, a.subject, a.topic,
       a.source, a.lang, CAST(a.tickers AS text) AS tickers, a.state, a.severity,
       a.updated_at, a.firing_at, a.resolved_at, a.acknowledged_by,
       {numbers}
FROM alerts a
"""


def upgrade() -> None:
    bind = op.get_bind()
    dialect = bind.dialect.name
    # the driver's own call: a colon in the text is a colon, not a parameter
    bind.exec_driver_sql(DOCUMENTS.format(subjects=SUBJECTS[dialect]))
    for width in ("minute", "hour", "day"):
        bind.exec_driver_sql(sentiment(dialect, width))
    bind.exec_driver_sql(alerts(dialect))
    bind.exec_driver_sql(SOURCES)


def downgrade() -> None:
    for view in reversed(VIEWS):
        op.execute(f"DROP VIEW {view}")
