"""One child process per stage: started, watched, started again when it fails, stopped.

A child that fails is started again after a growing wait; Kafka gives it again what it had
not acknowledged. A child whose settings cannot work (exit status 2) would fail for ever, so
it ends everything with its own last line as the reason.
"""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import ConfigurationError
from workers.children import dies_with_parent, log_tail

log = logging.getLogger(__name__)

STREAM_STAGES = ("classify", "archive", "aggregate", "watch", "notify")
SERVICE_STAGES = ("housekeeping", "web")
ALL_STAGES = ("ingest", *STREAM_STAGES, *SERVICE_STAGES)

CONFIGURATION_STATUS = 2
# A stage drains within 10 s of SIGTERM; the rest is for a loaded machine.
GRACE_SECONDS = 12.0
POLL_SECONDS = 0.1
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0
_STEADY_SECONDS = 60.0
# A log begins anew when the process starts and the old one has grown past this.
_LOG_BYTES = 50 * 1024 * 1024


def restart_wait(failures: int) -> float:
    """Seconds to wait before start number `failures` + 1: doubling, at most half a minute."""
    return float(min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(max(failures - 1, 0), 10)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """One child: a name of its own, its command and its whole environment."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    lasting: bool = False
    """Never done by itself: one that ends, even well, is started again."""


def stage_children(
    stages: Sequence[str],
    environment: Mapping[str, str],
    processes: Mapping[str, int] | None = None,
) -> tuple[ChildSpec, ...]:
    """`python -m workers.cli run STAGE` for each stage, `processes` of it (default one).

    Each gets a stable instance name, so a restarted child takes its own place in its group
    again at once. The name holds the machine's, or BELLWETHER_INSTANCE where set: two
    machines must not claim one place. A fixed health port is counted up from child to child.
    """
    base = environment.get("BELLWETHER_INSTANCE") or socket.gethostname()
    health_port = int(environment.get("BELLWETHER_HEALTH_PORT") or 0)
    children: list[ChildSpec] = []
    for stage in stages:
        for number in range(1, (processes or {}).get(stage, 1) + 1):
            own = {"BELLWETHER_INSTANCE": f"{base}-{number}"}
            if health_port:
                own["BELLWETHER_HEALTH_PORT"] = str(health_port + len(children))
            children.append(
                ChildSpec(
                    name=f"{stage}-{number}",
                    command=(sys.executable, "-m", "workers.cli", "run", stage),
                    environment={**environment, **own},
                    lasting=True,
                )
            )
    return tuple(children)


@dataclass(slots=True)
class _Child:
    spec: ChildSpec
    process: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    start_at: float = 0.0
    failures: int = 0
    restarts: int = 0
    finished: bool = False
    statuses: list[int] = field(default_factory=list)


class Supervisor:
    """Runs children until told to stop. `start`, `poll` and `stop` belong to one thread,
    which must live as long as the children: they end with the thread that started them."""

    def __init__(
        self, children: Sequence[ChildSpec], folder: Path, grace_seconds: float = GRACE_SECONDS
    ) -> None:
        self._children = [_Child(spec) for spec in children]
        self._folder = folder
        self._grace_seconds = grace_seconds

    @property
    def restarts(self) -> Mapping[str, int]:
        """How often each child was started again."""
        return {child.spec.name: child.restarts for child in self._children}

    @property
    def pids(self) -> Mapping[str, int]:
        """The process ids of the children that run."""
        return {
            child.spec.name: child.process.pid
            for child in self._children
            if child.process is not None and child.process.poll() is None
        }

    @property
    def finished(self) -> bool:
        """Whether every child has ended by itself with status 0."""
        return all(child.finished for child in self._children)

    def log_path(self, name: str) -> Path:
        """Where the child `name` writes what it says."""
        return self._folder / f"{name}.log"

    def start(self) -> None:
        """Start all children."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for child in self._children:
            self._start(child)

    def poll(self, now: float | None = None) -> None:
        """Look at every child once; start again what failed and whose wait is over.

        Raises `ConfigurationError` with the child's last words when its settings cannot work.
        """
        at = time.monotonic() if now is None else now
        for child in self._children:
            if child.finished:
                continue
            if child.process is None:
                if at >= child.start_at:
                    child.restarts += 1
                    self._start(child)
                continue
            status = child.process.poll()
            if status is not None:
                self._ended(child, status, at)

    def stop(self) -> None:
        """SIGTERM to all, the grace period for all together, SIGKILL to what is left."""
        running = [child for child in self._children if child.process is not None]
        for child in running:
            assert child.process is not None
            child.process.terminate()
        deadline = time.monotonic() + self._grace_seconds
        for child in running:
            assert child.process is not None
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("%s did not end in time and is killed", child.spec.name)
                child.process.kill()
                child.process.wait()
            child.statuses.append(child.process.returncode)
            child.process = None

    def run(self, stopping: threading.Event) -> None:
        """Start, watch until `stopping` is set or every child has ended, stop."""
        try:
            self.start()
            while not stopping.wait(POLL_SECONDS):
                self.poll()
                if self.finished:
                    return
        finally:
            self.stop()

    def _start(self, child: _Child) -> None:
        path = self.log_path(child.spec.name)
        if path.exists() and path.stat().st_size > _LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        with path.open("ab") as output:
            child.process = subprocess.Popen(
                child.spec.command,
                env=dict(child.spec.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for the supervisor, which stops its children in order
                start_new_session=True,
                # killed, not asked: nobody would start it again, and what it had not
                # acknowledged is read again
                preexec_fn=dies_with_parent(signal.SIGKILL),
            )
        child.started_at = time.monotonic()
        log.info("%s started as process %d", child.spec.name, child.process.pid)

    def _ended(self, child: _Child, status: int, at: float) -> None:
        child.process = None
        child.statuses.append(status)
        name = child.spec.name
        if status == 0 and not child.spec.lasting:
            log.info("%s has ended", name)
            child.finished = True
            return
        if status == CONFIGURATION_STATUS:
            raise ConfigurationError(
                log_tail(self.log_path(name), lines=1) or f"{name} ended with status 2"
            )
        child.failures = 1 if at - child.started_at > _STEADY_SECONDS else child.failures + 1
        wait = restart_wait(child.failures)
        child.start_at = at + wait
        log.warning(
            "%s ended with status %d, starting it again in %.1f s; its log ends with: %s",
            *(name, status, wait, log_tail(self.log_path(name), lines=1)),
        )


def child_environment(own: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with `own` in place of its values, for children.

    A `_FILE` variant of a variable in `own` is left out, it would compete with it. Children
    write to a log file: unbuffered, so that its end is there when one dies.
    """
    competing = {f"{name}_FILE" for name in own}
    inherited = {name: value for name, value in os.environ.items() if name not in competing}
    return {**inherited, "PYTHONUNBUFFERED": "1", **own}
