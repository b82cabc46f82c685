"""What counting costs: memory of a Redis for many series, speed of the counting script, of a
move, and of the check against SQL.

    python -m benchmarks.trends [--series 100000] [--documents 20000] [--json]

Each figure is of a real redis-server (the one of the `embedded` extra), freshly started:

- `bytes_per_series_day`: memory taken by `--series` companies with `--per-series` documents
  each within one day, at minutes of their own, evidence, marks and all; by series-day, which are
  two for each company and some for sources and topics;
- `idle_bytes`: what the same series cost a day later, while nothing comes: nothing grows;
- `count_docs_per_s`: documents counted a second by one caller, in batches of 500;
- `again_docs_per_s`: the same documents delivered again;
- `move_docs_per_s`: the same documents classified anew, each moved to another topic;
- `check_s`: `bellwether db check`'s comparison of `--documents` documents, spread over
  `--days` days, with SQLite, and `check_rss_mb`, what the process took more meanwhile.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.path import machine
from pipeline.documents import (
    Classification,
    ClassifiedDocument,
    Document,
    DocumentId,
    Sentiment,
    Story,
    Subject,
    SubjectId,
)
from pipeline.ports import counted
from pipeline.stores.archive import SqlArchive
from pipeline.stores.consistency import compare
from pipeline.stores.database import connect
from pipeline.stores.migrate import upgrade
from pipeline.stores.redis_connection import connect_redis
from pipeline.stores.redis_trends import RedisTrendStore
from pipeline.stores.trend_history import persist
from workers.embedded import embedded_redis

DAY = datetime(2026, 1, 5, tzinfo=UTC)
BATCH = 500
RETENTION = timedelta(days=8)


def document(random: Random, number: int, subject: str, at: datetime) -> ClassifiedDocument:
    """One tweet about one company; a fifth is negative, a tenth tells an old story."""
    negative = random.random() < 0.2
    strong = 0.5 + 0.5 * random.random()
    chances = (strong, (1 - strong) * 0.7, (1 - strong) * 0.3)
    if not negative:
        chances = (chances[2], chances[0], chances[1])
    return ClassifiedDocument(
        document=Document(
            id=DocumentId(f"tweets:{number:018d}"),
            source="tweets",
            author=f"author{random.randrange(5_000)}",
            text="…",
            published_at=at,
            fetched_at=at,
        ),
        lang="en",
        subjects=(Subject(id=SubjectId(subject), tickers=(subject,)),),
        story=Story(
            id=f"{random.getrandbits(128):032x}", position=int(random.random() < 0.1), novelty=100
        ),
        classification=Classification(
            model_version="bench-0123abcd",
            topic=f"Topic {number % 20}",
            topic_probability=0.7,
            sentiment=Sentiment(*chances),
        ),
        classified_at=at,
    )


def spread(companies: int, each: int, seed: int = 5) -> Iterator[ClassifiedDocument]:
    """`each` documents of every company within one day, in the order of time."""
    random = Random(seed)
    times = sorted(
        (random.randrange(24 * 60 * 60), company)
        for company in range(companies)
        for _ in range(each)
    )
    for number, (second, company) in enumerate(times):
        yield document(random, number, f"S{company:06d}", DAY + timedelta(seconds=second))


def history(documents: int, days: int, seed: int = 6) -> list[ClassifiedDocument]:
    """A stream over many days about 25 companies."""
    random = Random(seed)
    step = timedelta(days=days) / documents
    return [
        document(random, number, f"S{random.randrange(25):02d}", DAY - number * step)
        for number in range(documents)
    ]


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """The embedded Redis, empty; its URL."""
    server = embedded_redis(folder)
    server.start()
    try:
        server.wait_ready()
        yield f"redis://{server.address}/0"
    finally:
        server.stop()


def counting(store: RedisTrendStore, stream: list[ClassifiedDocument]) -> float:
    """Documents counted a second."""
    began = time.perf_counter()
    for first in range(0, len(stream), BATCH):
        store.add([counted(one) for one in stream[first : first + BATCH]])
    return len(stream) / (time.perf_counter() - began)


def memory(series: int, each: int) -> dict[str, Any]:
    """Bytes of Redis for so many active series-days."""
    with tempfile.TemporaryDirectory(prefix="bw-bench-") as name, redis_server(Path(name)) as url:
        client = connect_redis(url)
        store = RedisTrendStore(client)
        before = client.info("memory")["used_memory"]
        batch: list[ClassifiedDocument] = []
        # a company is two series: itself, and itself within a topic for each topic it meets
        for one in spread(series, each):
            batch.append(one)
            if len(batch) == BATCH:
                store.add([counted(of) for of in batch])
                batch = []
        store.add([counted(of) for of in batch])
        # `changed` is emptied by housekeeping every minute
        client.delete(*client.keys("*:changed*"))
        used = client.info("memory")["used_memory"] - before
        days = len(list(store.days()))
        marks = sum(
            client.memory_usage(key, samples=0) or 0
            for key in client.keys("*")
            if b":marks:" in key or b":ids:" in key
        )
        client.close()
    return {
        "series_days": days,
        "documents": series * each,
        "redis_mb": round(used / 1e6),
        "bytes_per_series_day": round(used / days),
        "marks_bytes_per_document": round(marks / (series * each)),
    }


def speed(documents: int, days: int) -> dict[str, Any]:
    """Counting, again, moving, checking."""
    stream = history(documents, days)
    moved = [
        replace(
            one,
            classification=replace(one.classification, topic="Another", model_version="bench-2"),
            classified_at=one.document.published_at + timedelta(days=1),
        )
        for one in stream
    ]
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="bw-bench-") as name, redis_server(Path(name)) as url:
        client = connect_redis(url)
        engine = connect(f"sqlite:///{name}/bench.db")
        upgrade(engine)
        store = RedisTrendStore(client)
        found: dict[str, Any] = {
            "count_docs_per_s": round(counting(store, stream)),
            "again_docs_per_s": round(counting(store, stream)),
            "move_docs_per_s": round(counting(store, moved)),
        }
        archive = SqlArchive(engine)
        for first in range(0, len(stream), BATCH):
            archive.store(moved[first : first + BATCH], now)
        persist(engine, store)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began, used = time.perf_counter(), time.process_time()
        compared = compare(engine, store, now, RETENTION)
        found["check_s"] = round(time.perf_counter() - began, 1)
        found["check_cpu_s"] = round(time.process_time() - used, 1)
        found["check_rss_mb"] = round(
            (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) / 1e3
        )
        found["check_buckets"] = compared.buckets
        found["check_equal"] = compared.equal
        client.close()
        engine.dispose()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--series", type=int, default=100_000, help="companies for the memory")
    parser.add_argument("--per-series", type=int, default=3, help="documents of each")
    parser.add_argument("--documents", type=int, default=20_000, help="documents for the speed")
    parser.add_argument("--days", type=int, default=500, help="days they are spread over")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    arguments = parser.parse_args()
    print(machine(), file=sys.stderr)
    found = speed(arguments.documents, arguments.days)
    if arguments.series:
        found |= memory(arguments.series, arguments.per_series)
    if arguments.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:28} {value}")


if __name__ == "__main__":
    main()
