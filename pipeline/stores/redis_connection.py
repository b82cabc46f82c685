"""Connecting to Redis, and the one place that says which of its errors pass by themselves."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files

import redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    BusyLoadingError,
    ClusterDownError,
    ConnectionError,
    ReadOnlyError,
    ResponseError,
    TimeoutError,
)
from redis.retry import Retry

from pipeline.errors import ConfigurationError, Unavailable

CONNECT_SECONDS = 3
READ_SECONDS = 10
HEALTH_CHECK_SECONDS = 15

# Replies of a server that is up and cannot serve us now: out of memory, starting, a replica
# that lost its master, a full disk, a script of somebody else running, a failover.
_NOT_NOW = (
    "OOM ",
    "LOADING ",
    "MASTERDOWN ",
    "MISCONF ",
    "BUSY ",
    "NOREPLICAS ",
    "TRYAGAIN ",
    "READONLY ",
)


def connect_redis(url: str) -> redis.Redis:
    """A client for `url` (`redis://`, `rediss://`, `unix://`); nothing is opened yet.

    Answers are bytes. A command that finds its pooled connection closed is sent once more
    on a new one; every script here gives the same answer when it runs twice. Raises
    `ConfigurationError` for a URL that cannot work.
    """
    try:
        return redis.Redis.from_url(
            url,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=READ_SECONDS,
            socket_keepalive=True,
            health_check_interval=HEALTH_CHECK_SECONDS,
            retry=Retry(NoBackoff(), 1),
            client_name="bellwether",
        )
    except ValueError as error:
        # the URL may hold a password, so it is not repeated
        raise ConfigurationError(
            "BELLWETHER_REDIS cannot be read: use redis://[:password@]host:port/db"
        ) from error


def script(name: str) -> str:
    """The text of a Lua script of this package."""
    return files("pipeline.stores").joinpath(f"{name}.lua").read_text(encoding="utf-8")


@contextmanager
def redis_unavailable() -> Iterator[None]:
    """Turns Redis's "not now" into `Unavailable`; a wrong command or type stays a crash."""
    try:
        yield
    except (
        BusyLoadingError,
        ClusterDownError,
        ConnectionError,
        ReadOnlyError,
        TimeoutError,
        OSError,
    ) as error:
        raise Unavailable(f"Redis: {_one_line(error)}") from error
    except ResponseError as error:
        # within a script the reply stands behind the script's own words
        message = str(error)
        if any(message.startswith(reply) or f"-{reply}" in message for reply in _NOT_NOW):
            raise Unavailable(f"Redis: {_one_line(error)}") from error
        # redis-py strips the code of replies it knows
        if "maxmemory" in message:
            raise Unavailable(f"Redis is out of memory: {_one_line(error)}") from error
        raise


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
