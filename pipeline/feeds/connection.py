"""Connections that can only be made to checked addresses and end at a deadline.

This is a network backend for httpcore, the layer below httpx: it resolves the name, refuses
the connection when any answer is an address we must not reach, and connects to the address
it checked. As every connection passes here, redirects cannot get around it, and TLS still
verifies the name in the URL. Reads share one deadline, so a server that drips a byte at a
time, in headers or body, cannot hold a thread.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import httpcore

from pipeline.feeds.addresses import refusal

Resolve = Callable[[str, int], Sequence[str]]
# a name with more answers than this is not tried to the end: the deadline is short
_ADDRESSES_TRIED = 4


class Refused(Exception):
    """The address must not be connected to; the text says which and why."""


def resolved(host: str, port: int) -> Sequence[str]:
    """The addresses of `host` in the system's order of preference. Raises `OSError`."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


class Guard(httpcore.NetworkBackend):
    """Connects to checked addresses only, until `deadline` on `clock` (seconds)."""

    def __init__(
        self,
        deadline: float,
        clock: Callable[[], float],
        allow_private: bool = False,
        resolve: Resolve = resolved,
    ) -> None:
        self._deadline = deadline
        self._clock = clock
        self._allow_private = allow_private
        self._resolve = resolve
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first address of `host` that answers. Raises `Refused`."""
        addresses = self._addresses(host, port, timeout)
        for address in addresses:
            # One bad answer condemns the name: a mix of public and private answers is
            # what a rebinding attack looks like.
            reason = refusal(address, self._allow_private)
            if reason is not None:
                name = host if host == address else f"{host} is {address}, which"
                raise Refused(f"{name} is {reason}")
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses[:_ADDRESSES_TRIED]:
            try:
                stream = self._sockets.connect_tcp(
                    address, port, self._left(timeout), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _Bounded(stream, self._left)
        raise failure

    def _addresses(self, host: str, port: int, timeout: float | None) -> Sequence[str]:
        """The answer of `resolve`, waited for as long as for a connection: a name server can
        be as slow as it likes, and the system's call has no limit we could set."""
        found: list[Sequence[str]] = []
        failed: list[Exception] = []

        def ask() -> None:
            try:
                found.append(self._resolve(host, port))
            except Exception as error:  # for the thread that waits
                failed.append(error)

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(self._left(timeout))
        if failed and not isinstance(failed[0], OSError | UnicodeError):
            raise failed[0]
        if failed:
            raise httpcore.ConnectError(f"{host} cannot be resolved") from failed[0]
        if not found:
            raise httpcore.ConnectTimeout(f"{host} is not resolved in time")
        return found[0]

    def _left(self, timeout: float | None) -> float:
        left = self._deadline - self._clock()
        if left <= 0:
            raise httpcore.ReadTimeout("the time for the whole request is over")
        return left if timeout is None else min(timeout, left)


class _Bounded(httpcore.NetworkStream):
    """A stream whose every operation ends by the deadline."""

    def __init__(
        self, stream: httpcore.NetworkStream, left: Callable[[float | None], float]
    ) -> None:
        self._stream = stream
        self._left = left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._left(timeout))
        return _Bounded(stream, self._left)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
