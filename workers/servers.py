"""One server as a child process: its port, its log, started, waited for, stopped, killed."""

import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from pipeline.errors import ConfigurationError, Unavailable
from workers.children import dies_with_parent, log_tail, stop_process

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
    def died(self) -> bool:
        """Whether it was started and ended without being stopped or killed here."""
        return self._process is not None and self._process.poll() is not None

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


def wait_or_move(server: EmbeddedServer) -> None:
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
