"""Health of a process: liveness, readiness by progress against lag, metrics.

A stage is *ready* when it is caught up or gets on; it is *stalled* when records wait and none
was done for the stall limit while no dependency explains it. A stalled process ends itself:
its supervisor starts a new one, which is the only cure for a consumer that fell asleep.
"""

import json
import logging
import threading
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import Protocol

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from pipeline import metrics

log = logging.getLogger(__name__)


class Lagging(Protocol):
    """What health needs from a consumer."""

    def lag(self) -> int: ...
    def assignment(self) -> object: ...


class Progressing(Protocol):
    """What health needs from a delivery."""

    progressed_at: float

    @property
    def holding(self) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StageHealth:
    """One stage now. `lag` in records, `quiet_seconds` since the last batch was done."""

    stage: str
    lag: int
    quiet_seconds: float
    holding: str | None
    stalled: bool

    @property
    def ready(self) -> bool:
        return not self.stalled and self.holding is None


class Health:
    """Collects the stages of this process; `check` is called about once a second."""

    def __init__(self, stall: timedelta) -> None:
        self._stall = stall.total_seconds()
        self._watched: dict[str, tuple[Lagging, Progressing]] = {}
        self._caught_up: dict[str, float] = {}
        self._latest: tuple[StageHealth, ...] = ()
        self._waiting_for: set[str] = set()

    def expect(self, stage: str) -> None:
        """Not ready until `watch` is called for `stage`."""
        self._waiting_for.add(stage)

    def watch(self, stage: str, consumer: Lagging, delivery: Progressing) -> None:
        """Report on this stage from now on."""
        self._watched[stage] = (consumer, delivery)
        self._waiting_for.discard(stage)

    def check(self) -> tuple[StageHealth, ...]:
        """The health of every stage, also set in the metrics."""
        now = monotonic()
        found = []
        for stage, (consumer, delivery) in self._watched.items():
            lag = consumer.lag()
            # Progress counts from when there was something to do, not from the last record
            # before a quiet night.
            if lag == 0:
                self._caught_up[stage] = now
            quiet = now - max(delivery.progressed_at, self._caught_up.get(stage, 0.0))
            metrics.LAG.labels(stage).set(lag)
            metrics.HOLDING.labels(stage).set(delivery.holding is not None)
            found.append(
                StageHealth(
                    stage=stage,
                    lag=lag,
                    quiet_seconds=quiet,
                    holding=delivery.holding,
                    stalled=lag > 0 and quiet > self._stall and delivery.holding is None,
                )
            )
        self._latest = tuple(found)
        return self._latest

    @property
    def ready(self) -> bool:
        return not self._waiting_for and all(stage.ready for stage in self._latest)

    def report(self) -> dict[str, object]:
        """What `/health/ready` answers."""
        return {
            "ready": self.ready,
            "starting": sorted(self._waiting_for),
            "stages": [
                {
                    "stage": one.stage,
                    "lag": one.lag,
                    "quiet_seconds": round(one.quiet_seconds, 1),
                    "holding": one.holding,
                    "stalled": one.stalled,
                }
                for one in self._latest
            ],
        }


def serve_health(health: Health, host: str, port: int) -> ThreadingHTTPServer:
    """Serve `/health/live`, `/health/ready` and `/metrics` on a daemon thread.

    The server's `server_port` says which port was taken where `port` is 0.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = 5

        def do_GET(self) -> None:
            if self.path == "/health/live":
                self._answer(200, "application/json", b'{"live": true}')
            elif self.path == "/health/ready":
                body = json.dumps(health.report()).encode()
                self._answer(200 if health.ready else 503, "application/json", body)
            elif self.path == "/metrics":
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest())
            else:
                self._answer(404, "text/plain", b"/health/live /health/ready /metrics\n")

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            log.debug("health: " + format, *args)

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
