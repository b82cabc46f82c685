"""Every command of docker-compose.yml, run with the service's own settings.

No container engine is needed: a service is its command and its environment. What differs
here is where things are: the servers, the folder of the secrets, and one port a process,
because all of them share this machine's address.
"""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.compose import SECRETS_IN_CONTAINER, Service, services
from tests.documentation import ROOT
from tests.services import PostgresServer, RedisServer, free_port
from workers.children import dies_with_parent, log_tail
from workers.process import STAGES

OURS = services()
READY_SECONDS = 90.0
FEED = """\
feeds:
  - name: nobody
    url: http://127.0.0.1:{port}/feed.xml
    allow_private: true
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where this machine has what the containers have."""

    folder: Path
    kafka: str
    prefix: str

    def environment(self, service: Service, health_port: int) -> dict[str, str]:
        ours = {
            name: value.replace(SECRETS_IN_CONTAINER, f"{self.folder / 'secrets'}/")
            for name, value in service.environment.items()
        }
        ours |= {
            "BELLWETHER_KAFKA": self.kafka,
            "BELLWETHER_TOPIC_PREFIX": self.prefix,
            "BELLWETHER_HEALTH_HOST": "127.0.0.1",
            "BELLWETHER_HEALTH_PORT": str(health_port),
        }
        if "BELLWETHER_FEEDS" in ours:
            ours["BELLWETHER_FEEDS"] = str(self.folder / "feeds.yaml")
        if "BELLWETHER_WEB_PORT" in ours:
            ours |= {"BELLWETHER_WEB_HOST": "127.0.0.1", "BELLWETHER_WEB_PORT": str(free_port())}
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("BELLWETHER_")}
        return {**inherited, **ours}


class Container:
    """One service as a process of this machine."""

    def __init__(self, service: Service, place: Place) -> None:
        self.service = service
        self.port = free_port()
        self.log = place.folder / f"{service.name}.log"
        self.environment = place.environment(service, self.port)
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "workers.cli", *service.command],
                env=self.environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=dies_with_parent(),
            )

    def healthy(self) -> bool:
        """What the service's own health check says, run as the container would run it."""
        check = self.service.whole["healthcheck"]["test"]
        assert check[:3] == ["CMD", "python", "-c"]
        code = check[3].replace(f":{self.service.environment['BELLWETHER_HEALTH_PORT']}/", "/")
        code = code.replace("127.0.0.1", f"127.0.0.1:{self.port}")
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=20)
        return done.returncode == 0

    def wait_healthy(self) -> None:
        deadline = monotonic() + READY_SECONDS
        while not self.healthy():
            said = f"{self.service.name}: {log_tail(self.log, 8)}"
            assert self.process.poll() is None, said
            assert monotonic() < deadline, said
            sleep(0.2)  # a bounded poll of another process

    @property
    def grace_seconds(self) -> float:
        return float(self.service.whole["stop_grace_period"].removesuffix("s"))


@pytest.fixture(scope="module")
def place(
    kafka_address: str,
    redis_server: RedisServer,
    postgres_server: PostgresServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Place:
    """The secrets as the script writes them, but for where the servers are."""
    folder = tmp_path_factory.mktemp("compose")
    secrets = folder / "secrets"
    secrets.mkdir()
    (secrets / "redis-url").write_text(redis_server.url, encoding="utf-8")
    (secrets / "database-url").write_text(postgres_server.new_database(), encoding="utf-8")
    subprocess.run(
        ["sh", str(ROOT / "deploy" / "secrets.sh"), str(secrets)], check=True, capture_output=True
    )
    (folder / "feeds.yaml").write_text(FEED.format(port=free_port()), encoding="utf-8")
    return Place(folder, kafka_address, f"c{uuid.uuid4().hex[:8]}.")


@pytest.fixture(scope="module")
def once(place: Place) -> Mapping[str, Container]:
    """The services that run once, in the order of the file, each to its end."""
    found = {}
    for name in ("migrate", "topics"):
        found[name] = Container(OURS[name], place)
        found[name].process.wait(60)
    return found


@pytest.fixture(scope="module")
def stages(place: Place, once: Mapping[str, Container]) -> Iterator[Mapping[str, Container]]:
    """Every stage running at the same time."""
    found = {name: Container(OURS[name], place) for name in STAGES}
    yield found
    for container in found.values():
        container.process.kill()
        container.process.wait()


def test_the_services_that_run_once_succeed(once: Mapping[str, Container]) -> None:
    for container in once.values():
        assert container.process.returncode == 0, log_tail(container.log)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", STAGES)
def test_the_stage_becomes_healthy_by_its_own_check(
    name: str, stages: Mapping[str, Container]
) -> None:
    stages[name].wait_healthy()


@pytest.mark.timeout(180)
def test_every_stage_stops_in_order_within_its_grace(stages: Mapping[str, Container]) -> None:
    for container in stages.values():
        container.wait_healthy()
    for container in stages.values():
        container.process.terminate()
    for container in stages.values():
        status = container.process.wait(container.grace_seconds)
        assert status == 0, f"{container.service.name}: {log_tail(container.log, 8)}"


def test_no_secret_reached_a_log(place: Place, stages: Mapping[str, Container]) -> None:
    secret = (place.folder / "secrets" / "webhook-secret").read_text(encoding="utf-8")
    assert (
        stages["notify"].environment["BELLWETHER_WEBHOOK_SECRET_FILE"].startswith(str(place.folder))
    )
    for container in stages.values():
        assert secret not in container.log.read_text(encoding="utf-8", errors="replace")
