"""The README's own code, run as it stands there: the producer, the consumer, the queries."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import kafka
import pytest
import sqlalchemy

from alerts.lifecycle import ALERTS, Alert
from pipeline.stores.database import connect
from pipeline.stores.migrate import upgrade
from pipeline.wire import DOCUMENTS, encode_json
from tests.documentation import PAGES, ROOT, Block, blocks
from workers.settings import read_settings
from workers.topics import ensure_topics

README = ROOT / "README.md"


def code(info: str) -> str:
    (block,) = (one for one in blocks(README, "python") if one.info == info)
    return block.text


def example_alert() -> Alert:
    (block,) = (
        one for one in blocks(ROOT / "docs" / "contract.md", "json") if one.info == "json alerts"
    )
    return ALERTS.decode(block.text.encode())


@pytest.fixture(scope="module")
def topics(kafka_address: str) -> str:
    """The address of a broker that has the topics under their default names."""
    ensure_topics(read_settings({"BELLWETHER_KAFKA": kafka_address}).kafka)
    return kafka_address


@contextmanager
def running(program: str, address: str) -> Iterator["subprocess.Popen[str]"]:
    """The program in an interpreter of its own, ended with SIGTERM if it has not by itself."""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "BELLWETHER_KAFKA": address},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=20)


def test_the_producer_of_the_readme_publishes_a_document_we_take(topics: str) -> None:
    with running(code("python publish"), topics) as process:
        _, complaints = process.communicate(timeout=30)
    assert process.returncode == 0, complaints
    consumer = kafka.KafkaConsumer(
        "bellwether.documents", bootstrap_servers=topics, auto_offset_reset="earliest"
    )
    try:
        polled = consumer.poll(timeout_ms=20_000)
        values = {record.key: record.value for found in polled.values() for record in found}
        assert DOCUMENTS.decode(values[b"desk:17"]).source == "desk:frankfurt"
    finally:
        consumer.close()


def test_the_consumer_of_the_readme_prints_an_alert(topics: str) -> None:
    alert = example_alert()
    producer = kafka.KafkaProducer(bootstrap_servers=topics, acks="all")
    try:
        record = producer.send("bellwether.alerts", encode_json(alert), alert.fingerprint.encode())
        record.get(timeout=20)
    finally:
        producer.close()
    with running(code("python subscribe"), topics) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
    assert line.startswith(f"{alert.state} {alert.severity} ")
    assert "NFLD" in line
    assert line.rstrip().endswith(json.dumps(alert.arithmetic.observed))


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlalchemy.Engine]:
    engine = connect(f"sqlite:///{tmp_path_factory.mktemp('readme') / 'bellwether.db'}")
    upgrade(engine)
    yield engine
    engine.dispose()


QUERIES = [block for page in PAGES for block in blocks(page, "sql")]


def numbered(block: Block) -> str:
    return f"{Path(block.page).stem}-{QUERIES.index(block)}"


@pytest.mark.parametrize("block", QUERIES, ids=numbered)
def test_a_query_in_the_documents_runs(block: Block, database: sqlalchemy.Engine) -> None:
    with database.connect() as connection:
        connection.exec_driver_sql(block.text.rstrip().rstrip(";")).fetchall()
