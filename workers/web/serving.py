"""The application on uvicorn, from a port of its own until an event is set."""

import ipaddress
import socket
import threading
from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette

from pipeline.errors import ConfigurationError

# A browser that keeps its connection open must not keep the process: 10 s is all SIGTERM has.
STOP_SECONDS = 3
# Many more than the page needs, few enough that a flood is refused and not queued.
CONNECTIONS = 500
# The page is asked by other names only when a foreign name was pointed at this address.
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


def serve(
    app: Starlette,
    host: str,
    port: int,
    stop: threading.Event,
    started: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve `app` until `stop` is set; `started` is told the address once it answers.

    Port 0 takes a free one. Raises `ConfigurationError` when the address cannot be taken.
    """
    listening = _listen(host, port)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        loop="asyncio",
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=STOP_SECONDS,
        h11_max_incomplete_event_size=32 * 1024,
    )
    try:
        _Server(config, app, stop, lambda: started(_address(listening))).run(sockets=[listening])
    finally:
        listening.close()
        app.state.readers.close()


class _Server(uvicorn.Server):
    """A server that says when it answers and ends when an event is set."""

    def __init__(
        self,
        config: uvicorn.Config,
        app: Starlette,
        stop: threading.Event,
        started: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._app = app
        self._stop = stop
        self._tell = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._tell()

    async def on_tick(self, counter: int) -> bool:
        # ten times a second; a thread that waits for the event could not be cancelled
        if self._stop.is_set():
            # the streams first: the server waits for every answer that is still being sent
            self._app.state.tail.close()
            self.should_exit = True
        return await super().on_tick(counter)


def allowed_hosts(host: str, names: tuple[str, ...]) -> frozenset[str] | None:
    """The Host headers to answer: those named; on a loopback address its own names; else any.

    A page elsewhere can point its own name at a loopback address and read what is there; it
    cannot change the name its browser then sends.
    """
    if names:
        return frozenset(names)
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    return LOOPBACK_NAMES | {host} if loopback else None


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise ConfigurationError(
            f"BELLWETHER_WEB_HOST={host}, BELLWETHER_WEB_PORT={port}: {error.strerror or error}"
        ) from error
    return listening


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
