"""One process at a time: a turn taken in Redis, and kept while its work lasts."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

from redis import Redis

from pipeline.errors import Unavailable
from pipeline.stores.redis_connection import redis_unavailable

log = logging.getLogger(__name__)


@contextmanager
def job_lock(client: Redis, key: str, held: timedelta) -> Iterator[bool]:
    """Whether it is this process's turn. It is taken for `held`, so that a process that was killed
    gives way soon, and again and again while the work lasts. Raises `Unavailable`."""
    token = uuid4().hex
    with redis_unavailable():
        mine = bool(client.set(key, token, nx=True, px=held))
    if not mine:
        yield False
        return
    over = threading.Event()
    keeper = threading.Thread(
        target=_keep, args=(client, key, token, held, over), name=f"keeps {key}", daemon=True
    )
    keeper.start()
    try:
        yield True
    finally:
        over.set()
        keeper.join()
        with redis_unavailable():
            if client.get(key) == token.encode():
                client.delete(key)


def _keep(client: Redis, key: str, token: str, held: timedelta, over: threading.Event) -> None:
    while not over.wait(held.total_seconds() / 3):
        try:
            with redis_unavailable():
                if client.get(key) == token.encode():
                    client.pexpire(key, held)
        except Unavailable as error:
            # the work needs Redis too, and will say so
            log.debug("the turn %s is not kept: %s", key, error.what)
