"""Every metric, in one list. `/metrics` serves them; docs/operations.md repeats this file."""

from prometheus_client import Counter, Gauge, Histogram

RECORDS = Counter("bellwether_records_total", "Records handled and acknowledged", ["stage"])
SENT = Counter("bellwether_sent_total", "Records sent and confirmed", ["stage", "topic"])
DEAD = Counter("bellwether_dead_letters_total", "Records written to dead-letters", ["stage"])
BATCH_SECONDS = Histogram(
    "bellwether_batch_seconds",
    "Time the handler took for one batch",
    ["stage"],
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
)
BATCH_RECORDS = Histogram(
    "bellwether_batch_records",
    "Records in one batch",
    ["stage"],
    buckets=(1, 3, 10, 30, 100, 300, 1000, 3000),
)
HOLDS = Counter("bellwether_holds_total", "Times a batch had to wait for a dependency", ["stage"])
HOLDING = Gauge("bellwether_holding", "1 while a batch waits for a dependency", ["stage"])
LAG = Gauge("bellwether_lag_records", "Records in assigned partitions not yet handled", ["stage"])
LATENCY = Histogram(
    "bellwether_record_age_seconds",
    "Age of the oldest record of a batch when the batch was done, by the broker's clock",
    ["stage"],
    buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600),
)
CLASSIFIER = Gauge(
    "bellwether_classifier",
    "1 for each model that reads: language, version, library and precision, device",
    ["lang", "model_version", "runtime", "device"],
)
UNREAD = Counter(
    "bellwether_unread_documents_total", "Documents in a language without a model", ["lang"]
)
REBALANCES = Counter("bellwether_rebalances_total", "Times partitions were revoked", ["stage"])
NOTIFICATIONS = Counter(
    "bellwether_notifications_total",
    "Notifications by result: sent, retried, lost",
    ["subscription", "result"],
)
FEED_POLLS = Counter(
    "bellwether_feed_polls_total", "Polls by result: new, nothing, failed", ["source", "result"]
)
FEED_DOCUMENTS = Counter("bellwether_feed_documents_total", "New documents", ["source"])
FEED_SUCCESS = Gauge(
    "bellwether_feed_last_success_seconds", "When the source last answered, Unix time", ["source"]
)
FEED_EDITED = Counter(
    "bellwether_feed_edited_total", "Documents edited after publication", ["source"]
)
FEED_FAILURES = Gauge(
    "bellwether_feed_failures_in_a_row", "Polls that failed since one last worked", ["source"]
)
FEED_LAG = Histogram(
    "bellwether_feed_lag_seconds",
    "From publication to our finding it, the median of a poll's news",
    ["source"],
    buckets=(10, 30, 60, 120, 300, 600, 1800, 3600, 21600, 86400),
)
FEED_SILENT = Gauge("bellwether_feed_silent", "1 while source-silent fires for it", ["source"])
OUTBOX = Gauge("bellwether_outbox_documents", "Documents in the outbox, by state", ["state"])
RESENT = Counter("bellwether_outbox_resent_total", "Documents sent again, not arrived in time")
