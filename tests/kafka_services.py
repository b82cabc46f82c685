"""The broker the tests run on: `--kafka=embedded`, `--kafka=apache` or `--kafka=host:port`.

Apache Kafka is started by the script named in BELLWETHER_TEST_KAFKA, called as
`SCRIPT PORT FOLDER` (it must become the broker). A broker that is asked for and cannot be
started fails the tests; nothing is skipped.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from workers.embedded import EmbeddedServer, broker_answers, embedded_broker


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--kafka",
        default="embedded",
        help="embedded (default), apache (script in BELLWETHER_TEST_KAFKA) or host:port",
    )


class AttachedBroker:
    """A broker somebody else runs; it cannot be stopped from here."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.can_be_killed = False

    def stop(self) -> None:
        return None


def apache_broker(folder: Path) -> EmbeddedServer:
    script = os.environ.get("BELLWETHER_TEST_KAFKA", "")
    if not script or not Path(script).is_file():
        pytest.fail(
            f"--kafka=apache needs BELLWETHER_TEST_KAFKA to name a start script, not {script!r}",
            pytrace=False,
        )
    path = str(Path(script).resolve())
    # large records are part of the contract: they must reach the stage to be refused by it
    server = EmbeddedServer(
        "kafka",
        folder,
        lambda port, data: (
            *("bash", path, str(port), str(data)),
            "message.max.bytes=16777216",
            "replica.fetch.max.bytes=16777216",
        ),
        broker_answers,
    )
    server.port = _free_pair()
    return server


def _free_pair() -> int:
    """A free port whose successor is free too: the broker's controller takes that one."""
    while True:
        with closing(socket.socket()) as first, closing(socket.socket()) as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


def start_broker(kind: str, folder: Path) -> EmbeddedServer | AttachedBroker:
    """The broker `--kafka` asked for, answering."""
    if kind == "embedded":
        server = embedded_broker(folder)
    elif kind == "apache":
        server = apache_broker(folder)
    else:
        return AttachedBroker(kind)
    server.start()
    server.wait_ready(30)
    return server


@pytest.fixture(scope="session")
def broker_kind(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--kafka"))


@pytest.fixture(scope="session")
def kafka_address(broker_kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker for tests that do not harm it, shared by all of them."""
    server = start_broker(broker_kind, tmp_path_factory.mktemp("kafka"))
    yield server.address
    server.stop()
