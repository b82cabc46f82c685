"""The tables of ingest: what it found and is not archived yet, and what it knows of sources."""

from sqlalchemy import JSON, Column, Double, Index, Integer, LargeBinary, Table, Text, text

from pipeline.stores.columns import metadata, optional, required, time

outbox = Table(
    "outbox",
    metadata,
    # the document's id; `value` is the record's bytes, so a resend is the same record
    Column("id", Text, primary_key=True),
    required("source"),
    required("value", LargeBinary),
    time("created_at"),
    time("sent_at", nullable=True),
    required("attempts", Integer, server_default=text("0")),
    required("version", Integer, server_default=text("1")),
    Index(None, "sent_at"),
    Index(None, "created_at"),
)

feed_state = Table(
    "feed_state",
    metadata,
    Column("source", Text, primary_key=True),
    optional("etag"),
    optional("last_modified"),
    time("last_attempt_at", nullable=True),
    time("last_success_at", nullable=True),
    time("last_error_at", nullable=True),
    optional("last_error"),
    required("items", Integer, server_default=text("0")),
    required("errors", Integer, server_default=text("0")),
    required("failures_in_a_row", Integer, server_default=text("0")),
    # of each item shown lately: its id and its words, as short hashes
    required("seen", JSON),
    # when it may be asked again, and by which pace that was reckoned
    time("next_poll_at", nullable=True),
    optional("pace_seconds", Double),
    # a process asks it now; past this time, that process is taken for dead
    time("leased_until", nullable=True),
    time("known_since", nullable=True),
    # no ingest process has it in its feed file any more
    time("retired_at", nullable=True),
    # the last poll that gave something new, the newest item, how late news came
    time("last_item_at", nullable=True),
    time("last_published_at", nullable=True),
    optional("lag_seconds", Double),
    # the usual time between two polls with news, and how many such times it was learned from
    optional("usual_gap_seconds", Double),
    required("gaps", Integer, server_default=text("0")),
    # the feed file's word, for the check in housekeeping, which has no feed file
    optional("silent_after_seconds", Double),
)

# When each host may be asked again, for all processes together.
feed_hosts = Table(
    "feed_hosts",
    metadata,
    Column("host", Text, primary_key=True),
    time("free_at"),
    time("held_until", nullable=True),
)
