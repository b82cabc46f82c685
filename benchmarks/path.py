"""How fast and how heavy the path is: throughput per stage, latency, memory.

    python -m benchmarks.path [--kafka embedded|apache|host:port] [--json]

Every figure is of real processes on a real broker, with the records really acknowledged:

- `classify_docs_per_s`: one classify process with a classifier that answers at once, from
  the first to the last of `--documents` documents of 300 bytes, by the committed offsets;
- `archive_docs_per_s`, `aggregate_docs_per_s`: the same for one process of each, alone;
- `latency_p50_s`, `latency_p95_s`: at 200 documents a second through the whole cluster with
  the lexicon baseline: from the broker's timestamp of the document that completed the
  evidence to that of the first alert record of its subject;
- `rss_mb`: resident memory by stage, half way and at the end of `--memory-documents`.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import kafka

from benchmarks.load import history, live_surges, live_tickers, tweets
from tests.cluster import Cluster, Process
from tests.kafka_services import start_broker
from workers.embedded import embedded_redis


@contextmanager
def services(kind: str, database: str) -> Iterator[Cluster]:
    """Broker, Redis and database in a fresh folder, schema and topics made."""
    with tempfile.TemporaryDirectory(prefix="bellwether-bench-") as name:
        folder = Path(name)
        broker = start_broker(kind, folder)
        redis = embedded_redis(folder)
        redis.start()
        redis.wait_ready()
        cluster = Cluster(
            folder,
            {
                "BELLWETHER_KAFKA": broker.address,
                "BELLWETHER_REDIS": f"redis://{redis.address}/0",
                "BELLWETHER_DATABASE": database or f"sqlite:///{folder / 'bench.db'}",
                "BELLWETHER_KAFKA_SESSION_TIMEOUT": "10",
                "BELLWETHER_TOPIC_PREFIX": f"bench{os.getpid()}.",
            },
        )
        try:
            cluster.run("db", "upgrade")
            cluster.run("topics", "create")
            yield cluster
        finally:
            cluster.stop()
            redis.stop()
            broker.stop()


def committed(cluster: Cluster, stage: str, topic: str) -> tuple[int, int]:
    """Records of `topic` that `stage` acknowledged, and records there are."""
    consumer = kafka.KafkaConsumer(
        bootstrap_servers=cluster.environment["BELLWETHER_KAFKA"],
        group_id=cluster.prefix + stage,
        enable_auto_commit=False,
    )
    try:
        name = cluster.prefix + topic
        partitions = [
            kafka.TopicPartition(name, number)
            for number in consumer.partitions_for_topic(name) or ()
        ]
        ends = consumer.end_offsets(partitions)
        done = sum(consumer.committed(tp) or 0 for tp in partitions)
        return done, sum(ends.values())
    finally:
        consumer.close()


def throughput(cluster: Cluster, stage: str, topic: str, **extra: str) -> float:
    """Documents per second of one process of `stage` over what waits in `topic`.

    Timed from the first acknowledged record to the last, so that the start of the process
    and the forming of its group do not count.
    """
    process = cluster.add(stage, **extra)
    total = 0
    first: tuple[float, int] | None = None
    try:
        while True:
            done, total = committed(cluster, stage, topic)
            now = time.monotonic()
            if done and first is None:
                first = (now, done)
            if total and done >= total:
                break
            if not process.running:
                raise SystemExit(f"{stage} ended:\n{process.log.read_text()[-3000:]}")
            time.sleep(0.05)
        assert first is not None
        return (total - first[1]) / (now - first[0]) if now > first[0] else float("nan")
    finally:
        process.terminate(15)
        cluster.processes.remove(process)


def rss_mb(process: Process) -> float:
    """Resident memory now, in MB."""
    with Path(f"/proc/{process.pid}/statm").open() as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def latency(cluster: Cluster, seconds: int, per_second: int) -> list[float]:
    """Seconds from the document that completed an alert's evidence to the alert's first
    record, by the broker's timestamps, sorted; one for each alert."""
    calm = history(live_tickers(seconds), datetime.now(UTC), "known")
    cluster.publish(calm, 1e9)
    settled(cluster, "watch", "trends", 1000)
    cluster.publish(live_surges(seconds, per_second), per_second)
    settled(cluster, "watch", "trends", seconds * per_second)
    sent = {
        (record.key or b"").decode(): record.timestamp / 1000
        for record in cluster.records("documents")
    }
    waits: dict[tuple[str, str], float] = {}
    for record in cluster.records("alerts"):
        alert = json.loads(record.value)
        name = (alert["fingerprint"], alert["opened_at"])
        known = [sent[piece["id"]] for piece in alert["evidence"] if piece["id"] in sent]
        if name not in waits and known:
            waits[name] = record.timestamp / 1000 - max(known)
    return sorted(waits.values())


def report(arguments: argparse.Namespace) -> dict[str, Any]:
    """All figures, measured one after the other."""
    found: dict[str, Any] = {}
    with services(arguments.kafka, arguments.database) as cluster:
        print(f"publishing {arguments.documents:,} documents", file=sys.stderr)
        cluster.publish(tweets(arguments.documents), 1e9)
        # the same documents feed all three, as they would in the stream
        for stage, topic, extra in (
            ("classify", "documents", {"BELLWETHER_MODEL": "stub"}),
            ("archive", "classified", {}),
            ("aggregate", "classified", {}),
        ):
            found[f"{stage}_docs_per_s"] = round(throughput(cluster, stage, topic, **extra))
            print(f"{stage}: {found[f'{stage}_docs_per_s']:,} documents/s", file=sys.stderr)
    with services(arguments.kafka, arguments.database) as cluster:
        for stage in ("classify", "archive", "aggregate", "watch", "notify", "housekeeping"):
            cluster.add(stage)
        waits = latency(cluster, arguments.latency_seconds, 200)
        found["latency_p50_s"] = round(statistics.median(waits), 3)
        found["latency_p95_s"] = round(waits[min(len(waits) - 1, int(0.95 * len(waits)))], 3)
        found["latency_alerts"] = len(waits)
        print(f"latency: {[round(wait, 2) for wait in waits]}", file=sys.stderr)
        found["rss_mb"] = {p.stage: round(rss_mb(p)) for p in cluster.processes}
        if arguments.memory_documents:
            found["rss_mb"] = memory(cluster, arguments.memory_documents)
    return found


def memory(cluster: Cluster, documents: int) -> dict[str, dict[str, int]]:
    """Resident MB of each stage half way through `documents`, and at the end."""
    sizes: dict[str, dict[str, int]] = {p.stage: {} for p in cluster.processes}
    for when in ("half", "end"):
        cluster.publish(tweets(documents // 2, f"m{when}"), 1e9)
        for stage, topic in (("archive", "classified"), ("aggregate", "classified")):
            settled(cluster, stage, topic, documents)
        settled(cluster, "watch", "trends", documents)
        for process in cluster.processes:
            sizes[process.stage][when] = round(rss_mb(process))
        print(f"memory, {when}: {sizes}", file=sys.stderr)
    return sizes


def settled(cluster: Cluster, stage: str, topic: str, documents: int) -> None:
    """Wait until `stage` has acknowledged all there is, and upstream gives no more."""
    cluster.until(
        lambda: (
            committed(cluster, "classify", "documents")[0]
            == committed(cluster, "classify", "documents")[1]
            and committed(cluster, stage, topic)[0] == committed(cluster, stage, topic)[1]
        ),
        seconds=documents / 200 + 60,
        what=f"{stage} to be through",
        every=2.0,
    )


def machine() -> str:
    """What the figures were measured on."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return f"{os.cpu_count()} × {cpu}, Python {platform.python_version()}, commit {commit}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kafka", default="embedded", help="embedded, apache or host:port")
    parser.add_argument("--database", default="", help="SQLAlchemy URL; default: SQLite")
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--latency-seconds", type=int, default=60)
    parser.add_argument("--memory-documents", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    arguments = parser.parse_args()
    print(machine(), file=sys.stderr)
    found = report(arguments)
    if arguments.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:24} {value}")


if __name__ == "__main__":
    main()
