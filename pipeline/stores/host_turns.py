"""Turns at hosts in SQL: one row a host, so that all processes together stay polite."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from pipeline.feeds.politeness import granted
from pipeline.stores.database import writing
from pipeline.stores.feed_tables import feed_hosts

# A host whose times are so long past has nothing to remember; looked for now and then.
_FORGET_AFTER = timedelta(days=2)
_FORGET_EVERY = 1_000


class SqlTurns:
    """`Turns` in the table `feed_hosts`; `clock` gives the time. Raises `Unavailable` too."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock
        self._turns = 0

    def turn(self, host: str, gap: timedelta, patience: timedelta) -> timedelta:
        with writing(self._engine) as connection:
            kind = postgresql.Insert if connection.dialect.name == "postgresql" else sqlite.Insert
            now = self._clock()
            connection.execute(
                kind(feed_hosts).values(host=host, free_at=now).on_conflict_do_nothing()
            )
            chosen = feed_hosts.c.host == host
            # locked until the end: two processes never get the same turn
            row = connection.execute(select(feed_hosts).where(chosen).with_for_update()).one()
            at = max(now, row.free_at)
            wait = granted(host, (row.held_until or now) - now, at - now, patience)
            connection.execute(update(feed_hosts).where(chosen).values(free_at=at + gap))
            self._turns += 1
            if self._turns % _FORGET_EVERY == 0:
                long_past = feed_hosts.c.free_at < now - _FORGET_AFTER
                connection.execute(delete(feed_hosts).where(long_past))
        return wait

    def hold(self, host: str, wait: timedelta) -> None:
        with writing(self._engine) as connection:
            now = self._clock()
            held = feed_hosts.c.held_until
            connection.execute(
                update(feed_hosts)
                .where(feed_hosts.c.host == host)
                .where(held.is_(None) | (held < now + wait))
                .values(held_until=now + wait)
            )
