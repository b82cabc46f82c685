"""The embedded services: ready soon, data kept, nobody left behind, loopback only."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from pipeline.errors import ConfigurationError, Unavailable
from workers.broker import admin_client, partitions_of
from workers.cluster import DATA_MARK, clear_folder
from workers.embedded import EmbeddedServer, EmbeddedServices, free_port, is_free
from workers.settings import KafkaSettings, read_settings
from workers.topics import ensure_topics


def kafka_of(services: EmbeddedServices) -> KafkaSettings:
    return read_settings(services.environment).kafka


def redis_of(services: EmbeddedServices) -> redis.Redis:
    return redis.Redis.from_url(services.environment["BELLWETHER_REDIS"])


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Return once `condition` holds; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        os.sched_yield()


def running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def shell(text: str) -> Callable[[int, Path], tuple[str, ...]]:
    return lambda port, data: ("sh", "-c", text)


def test_broker_and_redis_answer_within_a_few_seconds(tmp_path):
    began = time.monotonic()
    with EmbeddedServices(tmp_path) as services:
        # measured at 0.02 s; the bound is for a machine that does much else
        assert time.monotonic() - began < 5
        with redis_of(services) as client:
            assert client.ping()
        with admin_client(kafka_of(services)) as admin:
            assert isinstance(admin.list_topics(), list)


def test_topics_and_counts_are_there_again_after_a_restart(tmp_path):
    with EmbeddedServices(tmp_path) as services:
        ensure_topics(kafka_of(services))
        with redis_of(services) as client:
            client.set("kept", "yes")
    with EmbeddedServices(tmp_path) as services:
        with admin_client(kafka_of(services)) as admin:
            assert len(partitions_of(admin, ["bellwether.documents"])) == 4
        with redis_of(services) as client:
            assert client.get("kept") == b"yes"


def test_a_server_keeps_its_address_over_a_crash_and_a_start(tmp_path):
    with EmbeddedServices(tmp_path) as services:
        before = services.redis.address
        services.redis.kill()
        services.redis.start()
        services.redis.wait_ready()
        assert services.redis.address == before


def test_a_server_that_was_killed_from_outside_is_started_again(tmp_path):
    with EmbeddedServices(tmp_path) as services:
        first, address = services.redis.pid, services.redis.address
        assert first is not None
        os.kill(first, signal.SIGKILL)
        until(lambda: services.redis.died)
        broker = services.broker.pid
        services.revive()
        services.redis.wait_ready()
        assert services.redis.pid not in (None, first)
        assert services.redis.address == address
        assert services.broker.pid == broker
        # what we stop ourselves stays stopped
        services.redis.stop()
        services.revive()
        assert services.redis.pid is None


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="BELLWETHER_DATA"):
        EmbeddedServices(tmp_path / "file" / "data").start()


def test_a_second_use_of_the_same_folder_is_refused_naming_the_first(tmp_path):
    with (
        EmbeddedServices(tmp_path),
        pytest.raises(ConfigurationError, match=f"in use by process {os.getpid()}"),
    ):
        EmbeddedServices(tmp_path).start()


def test_the_folder_is_free_again_after_the_first_use(tmp_path):
    with EmbeddedServices(tmp_path):
        pass
    with EmbeddedServices(tmp_path) as services:
        assert services.redis.pid is not None


def test_a_server_that_ends_at_once_is_reported_with_its_last_words(tmp_path):
    server = EmbeddedServer("moody", tmp_path, shell("echo not today; exit 3"), lambda port: False)
    server.start()
    with pytest.raises(Unavailable, match=r"moody ended at start.*not today"):
        server.wait_ready()


def test_a_server_that_never_answers_is_given_up_after_the_limit(tmp_path):
    server = EmbeddedServer("silent", tmp_path, shell("exec sleep 60"), lambda port: False)
    server.start()
    try:
        with pytest.raises(Unavailable, match=r"silent does not answer after 0\.2 s"):
            server.wait_ready(0.2)
    finally:
        server.stop()


def test_a_server_that_ignores_the_request_to_stop_is_killed(tmp_path):
    server = EmbeddedServer(
        "deaf",
        tmp_path,
        shell("trap '' TERM; echo ready; while :; do sleep 1; done"),
        lambda port: "ready" in server.log_path.read_text(),
    )
    server.start()
    server.wait_ready()
    pid = server.pid
    assert pid is not None
    server.stop(0.2)
    assert not running(pid)


def test_servers_listen_on_loopback_only(tmp_path):
    with EmbeddedServices(tmp_path) as services:
        for pid in (services.broker.pid, services.redis.pid):
            assert pid is not None
            listening = listening_addresses(pid)
            assert listening
            assert all(address == "127.0.0.1" for address in listening), listening


def listening_addresses(pid: int) -> set[str]:
    """Where a process listens, from Linux's own tables; IPv6 as its hex digits."""
    links = [str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()]
    inodes = {link[8:-1] for link in links if link.startswith("socket:")}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == "0A" and columns[9] in inodes:
                address = columns[1].split(":")[0]
                if table == "tcp":
                    octets = reversed(bytes.fromhex(address))
                    address = ".".join(str(octet) for octet in octets)
                found.add(address)
    return found


PARENT = """
import sys, threading
from pathlib import Path
from workers.embedded import EmbeddedServices

services = EmbeddedServices(Path(sys.argv[1]))
services.start()
print(services.broker.pid, services.redis.pid, flush=True)
threading.Event().wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a parent's death is signalled on Linux only")
def test_the_servers_end_when_their_parent_is_killed(tmp_path):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert all(running(pid) for pid in pids)
        parent.send_signal(signal.SIGKILL)
    until(lambda: not any(running(pid) for pid in pids))


def test_a_port_somebody_listens_on_is_not_free():
    import socket

    port = free_port()
    assert is_free(port)
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)


def test_only_a_folder_of_ours_is_cleared(tmp_path):
    ours, foreign = tmp_path / "ours", tmp_path / "foreign"
    for folder in (ours, foreign):
        folder.mkdir()
        (folder / "data").touch()
    (ours / DATA_MARK).touch()
    clear_folder(ours)
    assert not ours.exists()
    with pytest.raises(ConfigurationError, match="holds something else"):
        clear_folder(foreign)
    assert (foreign / "data").exists()


def test_a_folder_in_use_is_not_cleared(tmp_path):
    with EmbeddedServices(tmp_path) as services:
        (tmp_path / DATA_MARK).touch()
        with pytest.raises(ConfigurationError, match="in use"):
            clear_folder(tmp_path)
        with redis_of(services) as client:
            assert client.ping()
