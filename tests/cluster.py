"""A whole cluster as an operator would run it: real services, one process per stage.

Everything goes through the public contract: settings in the environment, the command line,
the topics, the tables. The tests of `tests/faults` break it and count.
"""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import kafka
import sqlalchemy

from workers.broker import admin_client, committed_positions, end_positions
from workers.children import dies_with_parent, log_tail
from workers.settings import read_settings

COMMAND = (sys.executable, "-m", "workers.cli")
READS = {
    "classify": "documents",
    "archive": "classified",
    "aggregate": "classified",
    "watch": "trends",
    "notify": "alerts",
}
STREAM = tuple(READS)


class Process:
    """One `bellwether run STAGE`, started again as its supervisor would."""

    def __init__(self, stage: str, name: str, environment: Mapping[str, str], log: Path) -> None:
        self.stage = stage
        self.name = name
        self._environment = dict(environment)
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None
        self.wanted = False
        self.exits: list[int] = []

    def start(self) -> None:
        self.wanted = True
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [*COMMAND, "run", self.stage],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
                preexec_fn=dies_with_parent(),
            )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL; stays down until started again."""
        self.wanted = False
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def terminate(self, seconds: float = 12.0) -> int:
        """SIGTERM; the exit status. Fails when it is not gone in time."""
        self.wanted = False
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(seconds)

    def supervise(self) -> None:
        """Start it again when it has ended by itself."""
        if self.wanted and self._process is not None and self._process.poll() is not None:
            self.exits.append(self._process.returncode)
            self.start()


class Cluster:
    """Processes on given services."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str], dynamic: Collection[str] = ()
    ) -> None:
        """`dynamic` stages join their group as new members each time; the others keep their
        place over a restart, by BELLWETHER_INSTANCE."""
        self.folder = folder
        self._dynamic = dynamic
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("BELLWETHER_")},
            **environment,
        }
        self.processes: list[Process] = []
        self.engine = sqlalchemy.create_engine(
            environment["BELLWETHER_DATABASE"], pool_pre_ping=True
        )

    @property
    def prefix(self) -> str:
        return self.environment.get("BELLWETHER_TOPIC_PREFIX", "bellwether.")

    def run(
        self, *arguments: str, timeout: float = 120, allowed: tuple[int, ...] = (0,)
    ) -> subprocess.CompletedProcess[str]:
        """A `bellwether` command; fails with its output on a status that is not allowed."""
        done = subprocess.run(
            [*COMMAND, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        assert done.returncode in allowed, (
            f"bellwether {' '.join(arguments)}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        )
        return done

    def add(self, stage: str, **extra: str) -> Process:
        """One more process of `stage`, started."""
        name = f"{stage}-{sum(p.stage == stage for p in self.processes) + 1}"
        environment = {**self.environment, **extra}
        if stage not in self._dynamic:
            environment["BELLWETHER_INSTANCE"] = name
        process = Process(stage, name, environment, self.folder / f"{name}.log")
        self.processes.append(process)
        process.start()
        return process

    def of(self, stage: str) -> list[Process]:
        return [process for process in self.processes if process.stage == stage]

    def remove(self, process: Process) -> None:
        process.kill()
        self.processes.remove(process)

    def stop(self) -> None:
        for process in self.processes:
            process.wanted = False
            if process.running:
                process.send(signal.SIGTERM)
        for process in self.processes:
            if process.running:
                process.terminate(15)
        self.engine.dispose()

    def until(
        self,
        condition: Callable[[], bool],
        seconds: float,
        what: str | Callable[[], str],
        every: float = 0.25,
    ) -> None:
        """Supervise until `condition`; fails saying `what` was awaited, with the logs' ends."""
        deadline = time.monotonic() + seconds
        while True:
            for process in self.processes:
                process.supervise()
            if condition():
                return
            if time.monotonic() > deadline:
                logs = "\n".join(f"{p.name}: {log_tail(p.log, 6)}" for p in self.processes)
                awaited = what if isinstance(what, str) else what()
                raise AssertionError(f"not within {seconds:g} s: {awaited}\n{logs}")
            time.sleep(every)

    def scalar(self, query: str, **parameters: Any) -> Any:
        """One value from SQL; None while the database does not answer."""
        try:
            with self.engine.connect() as connection:
                return connection.execute(sqlalchemy.text(query), parameters).scalar()
        except sqlalchemy.exc.OperationalError:
            return None

    def archived(self, run: str) -> int:
        """Documents of this run in SQL."""
        count = self.scalar("SELECT count(*) FROM documents WHERE id LIKE :like", like=f"{run}:%")
        return int(count or 0)

    def letters(self, run: str) -> set[tuple[str, int, int]]:
        """The places of this run's records in dead-letters; a letter written twice is one."""
        found = set()
        for letter in self.read("dead-letters"):
            key = base64.b64decode(letter["key"] or "").decode(errors="replace")
            if key.startswith(f"{run}:"):
                found.add((letter["topic"], letter["partition"], letter["offset"]))
        return found

    def read(self, topic: str) -> list[dict[str, Any]]:
        """Every value of a topic, decoded."""
        return [json.loads(record.value) for record in self.records(topic)]

    def records(self, topic: str) -> list[Any]:
        """Every record of a topic, as the client gives it."""
        consumer = kafka.KafkaConsumer(
            bootstrap_servers=self.environment["BELLWETHER_KAFKA"],
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        try:
            name = self.prefix + topic
            partitions = [
                kafka.TopicPartition(name, number)
                for number in sorted(consumer.partitions_for_topic(name) or ())
            ]
            consumer.assign(partitions)
            consumer.seek_to_beginning(*partitions)
            ends = consumer.end_offsets(partitions)
            found: list[Any] = []
            deadline = time.monotonic() + 30
            while any(consumer.position(tp) < ends[tp] for tp in partitions):
                assert time.monotonic() < deadline, f"reading {name} takes too long"
                for records in consumer.poll(timeout_ms=500).values():
                    found.extend(records)
            return found
        finally:
            consumer.close()

    def lags(self) -> dict[str, int]:
        """Records each stage has still to acknowledge, by the broker's word."""
        kafka_settings = read_settings(self.environment).kafka
        found = {}
        with admin_client(kafka_settings) as client:
            for stage, topic in READS.items():
                ends = end_positions(client, [self.prefix + topic])
                done = committed_positions(client, self.prefix + stage)
                found[stage] = sum(end - done.get(place, 0) for place, end in ends.items())
        return found

    def producer(self) -> kafka.KafkaProducer:
        return kafka.KafkaProducer(
            bootstrap_servers=self.environment["BELLWETHER_KAFKA"],
            acks="all",
            # a sender that repeats itself is harmless: an id counts once
            enable_idempotence=False,
            retries=1000,
            linger_ms=5,
            max_request_size=8_000_000,
            delivery_timeout_ms=120_000,
            compression_type="gzip",
        )

    def publish(self, documents: Iterable[tuple[str, bytes]], per_second: float) -> None:
        """Send (key, value) pairs at a pace, every delivery confirmed.

        Starts no process: this runs on a thread too, and a child ends with the thread that
        started it.
        """
        producer = self.producer()
        started = time.monotonic()
        pending = []
        try:
            for number, (key, value) in enumerate(documents):
                pending.append(
                    producer.send(self.prefix + "documents", key=key.encode(), value=value)
                )
                ahead = number / per_second - (time.monotonic() - started)
                if ahead > 0.05:
                    time.sleep(ahead)
            producer.flush(timeout=120)
            for future in pending:
                future.get(timeout=120)
        finally:
            producer.close()

    def check(self, *period: str) -> dict[str, Any]:
        """`bellwether db check --json`: its last line; status 1 says the counts differ."""
        done = self.run("db", "check", "--json", *period, allowed=(0, 1))
        assert done.stdout.strip(), done.stderr[-3000:]
        found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return found
