"""What ingest remembers of each source, in SQL: who polls it now, when next, what it sent.

A poll is claimed by moving `last_attempt_at`, which only one process can do from the value
it read. The same value is the claim's token: a process that lost its claim stores nothing.
While a poll runs its process renews the lease; when that process is killed the lease ends
and another takes over. What a poll found goes into the outbox in the transaction that
remembers it as seen, so a crash anywhere forgets both or neither.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from statistics import median
from typing import Any

from sqlalchemy import Connection, Engine, Row, select, update

from pipeline.documents import Document, validated
from pipeline.errors import Rejected
from pipeline.feeds import schedule, seen
from pipeline.feeds.feed import FeedState, Poll, SourceConfig
from pipeline.stores.database import reading, writing
from pipeline.stores.feed_tables import feed_state
from workers.findings import archived, editions, insert_new, put

log = logging.getLogger(__name__)

# Renewed every third of it while a poll runs: one unrenewed belongs to a process that died.
LEASE = timedelta(seconds=90)

Complete = Callable[[Sequence[Document]], Sequence[Document]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to poll one source now, and what was known of it when it was claimed."""

    config: SourceConfig
    at: datetime
    state: FeedState
    seen: tuple[str, ...]
    pace: timedelta
    failures_in_a_row: int = 0
    answered: bool = False
    last_item_at: datetime | None = None
    last_published_at: datetime | None = None
    usual_gap: timedelta | None = None
    gaps: int = 0

    @property
    def source(self) -> str:
        return self.config.source


class Intake:
    """The table `feed_state` and, for what is found, the outbox. Every method raises
    `Unavailable` when the database does not answer."""

    def __init__(
        self, engine: Engine, random: Random | None = None, lease: timedelta = LEASE
    ) -> None:
        self._engine = engine
        self.lease = lease
        self._random = random or Random()  # noqa: S311 - spreads polls

    def register(self, sources: Sequence[SourceConfig], now: datetime) -> None:
        """Make the sources of the feed file known, and those it no longer names retired."""
        names = [source.source for source in sources]
        with writing(self._engine) as connection:
            for source in sources:
                self._insert(connection, source, now)
                silence = schedule.silence_allowed(source).total_seconds()
                connection.execute(
                    update(feed_state)
                    .where(feed_state.c.source == source.source)
                    .values(silent_after_seconds=silence, retired_at=None)
                )
            connection.execute(
                update(feed_state)
                .where(feed_state.c.source.not_in(names), feed_state.c.retired_at.is_(None))
                .values(retired_at=now)
            )

    def due_at(self, source: SourceConfig) -> datetime | None:
        """When `source` may be polled again; None at once."""
        with reading(self._engine) as connection:
            row = self._row(connection, source.source)
            return None if row is None else due_at(row, source)

    def claim(self, source: SourceConfig, now: datetime) -> Claim | None:
        """The right to poll `source`; None when it is not due or somebody polls it now."""
        with writing(self._engine) as connection:
            row = self._row(connection, source.source)
            if row is None:
                self._insert(connection, source, now)
                row = self._row(connection, source.source)
                assert row is not None
            due = due_at(row, source)
            if due is not None and due > now:
                return None
            # behind the last one by any clock, so that no two claims have one token
            at = now
            if row.last_attempt_at is not None:
                at = max(now, row.last_attempt_at + timedelta(microseconds=1))
            before = feed_state.c.last_attempt_at
            won = connection.execute(
                update(feed_state)
                .where(feed_state.c.source == source.source)
                .where(before.is_not_distinct_from(row.last_attempt_at))
                .values(
                    last_attempt_at=at,
                    leased_until=now + self.lease,
                    retired_at=None,
                    silent_after_seconds=schedule.silence_allowed(source).total_seconds(),
                )
            )
            if won.rowcount != 1:
                return None
        return Claim(
            config=source,
            at=at,
            state=FeedState(etag=row.etag, last_modified=row.last_modified),
            seen=tuple(row.seen),
            pace=schedule.paced(source, _seconds(row.pace_seconds)),
            failures_in_a_row=row.failures_in_a_row,
            answered=row.last_success_at is not None,
            last_item_at=row.last_item_at,
            last_published_at=row.last_published_at,
            usual_gap=_seconds(row.usual_gap_seconds),
            gaps=row.gaps,
        )

    def renew(self, claims: Iterable[Claim], now: datetime) -> None:
        """These polls still run: nobody takes them over yet."""
        for claim in claims:
            with writing(self._engine) as connection:
                self._update(connection, claim, {"leased_until": now + self.lease})

    def record(
        self, claim: Claim, poll: Poll, now: datetime, complete: Complete = tuple
    ) -> list[Document]:
        """Remember what the poll gave and put what is new or edited into the outbox: those
        documents, an edited one with a `version` above 1.

        `complete` is the feed's: what it leaves out stays unknown, and the next poll is made
        to show it again. Nothing is stored, and nothing returned, when the claim was lost
        meanwhile.
        """
        before = seen.read(claim.seen)
        new = [one for one in poll.documents if seen.mark(one.id) not in before]
        changed = seen.edited(poll.documents, before)
        wanted = [*new, *changed]
        completed = {one.id: one for one in complete(wanted)} if wanted else {}
        left = {one.id for one in wanted} - completed.keys()
        fresh = _valid([completed[one.id] for one in new if one.id not in left], now)
        changed = _valid([completed[one.id] for one in changed if one.id not in left], now)
        with writing(self._engine) as connection:
            values: dict[str, object] = {
                # without them the source cannot answer that nothing changed
                "etag": None if left else poll.state.etag,
                "last_modified": None if left else poll.state.last_modified,
                "last_success_at": now,
                "failures_in_a_row": 0,
            }
            if not self._finish(connection, claim, values):
                return []
            # archived before our memory began, or by another process since
            held = archived(connection, [one.id for one in fresh])
            fresh = [one for one in fresh if one.id not in held]
            pace = schedule.paced(claim.config, claim.pace, bool(fresh))
            values = _facts(claim, fresh, now) | {
                "pace_seconds": pace.total_seconds(),
                "next_poll_at": now + self._spread(pace),
            }
            if not poll.unchanged:
                shown = {
                    seen.mark(one.id): seen.words(one)
                    for one in poll.documents
                    if one.id not in left
                }
                values["seen"] = seen.written(seen.remembered(before, shown))
            self._update(connection, claim, values)
            fresh += editions(connection, changed, now)
            put(connection, fresh, now)
        return fresh

    def fail(
        self, claim: Claim, reason: str, now: datetime, retry_after: timedelta | None = None
    ) -> None:
        """Remember that the poll failed; what was remembered of the source stays."""
        failures = claim.failures_in_a_row + 1
        pause = self._spread(schedule.pause_after_failures(claim.pace, failures))
        with writing(self._engine) as connection:
            self._finish(
                connection,
                claim,
                {
                    "last_error_at": now,
                    "last_error": reason[:500],
                    "errors": feed_state.c.errors + 1,
                    "failures_in_a_row": failures,
                    "next_poll_at": now + max(pause, retry_after or pause),
                },
            )

    def put_off(self, claim: Claim, now: datetime, wait: timedelta) -> None:
        """The source was not asked, and nobody failed: it is due again after `wait`."""
        with writing(self._engine) as connection:
            self._finish(connection, claim, {"next_poll_at": now + wait})

    def _spread(self, pause: timedelta) -> timedelta:
        return schedule.spread(pause, self._random.random())

    def _finish(self, connection: Connection, claim: Claim, values: Mapping[str, object]) -> bool:
        done = self._update(connection, claim, {"leased_until": None, **values})
        if not done:
            log.warning(
                "feed %s: another process polls it by now, this poll is dropped", claim.source
            )
        return done

    def _update(self, connection: Connection, claim: Claim, values: Mapping[str, object]) -> bool:
        done = connection.execute(
            update(feed_state)
            .where(feed_state.c.source == claim.source)
            .where(feed_state.c.last_attempt_at == claim.at)
            .values(dict(values))
        )
        return done.rowcount == 1

    def _row(self, connection: Connection, source: str) -> Row[Any] | None:
        found = connection.execute(select(feed_state).where(feed_state.c.source == source))
        return found.one_or_none()

    def _insert(self, connection: Connection, source: SourceConfig, now: datetime) -> None:
        row = {"source": source.source, "seen": [], "known_since": now}
        connection.execute(insert_new(connection, feed_state), [row])


def due_at(row: Row[Any], source: SourceConfig) -> datetime | None:
    """When the source of `row` may be polled again; None at once."""
    due: datetime | None = row.next_poll_at
    if due is None and row.leased_until is None and row.last_attempt_at is not None:
        due = row.last_attempt_at + source.interval
    answered = row.last_success_at is not None and row.last_attempt_at <= row.last_success_at
    if due is not None and not row.failures_in_a_row and answered:
        # the feed file may have been changed to ask sooner since that was reckoned; what its host
        # put off is not due before that is over
        slowest = schedule.bounds(source)[1]
        due = min(due, row.last_success_at + schedule.spread(slowest, 1.0))
    if row.leased_until is not None:
        due = row.leased_until if due is None else max(due, row.leased_until)
    return due


def _facts(claim: Claim, fresh: Sequence[Document], now: datetime) -> dict[str, object]:
    """What a poll says about how its source fares."""
    if not fresh:
        return {}
    newest = max(one.published_at for one in fresh)
    facts: dict[str, object] = {
        "items": feed_state.c["items"] + len(fresh),
        "last_item_at": now,
        "last_published_at": max(newest, claim.last_published_at or newest),
    }
    if claim.last_item_at is not None:
        gap = schedule.usual_gap(claim.usual_gap, claim.gaps, now - claim.last_item_at)
        facts |= {"usual_gap_seconds": gap.total_seconds(), "gaps": claim.gaps + 1}
    late = lag(fresh, now) if claim.answered else None
    if late is not None:
        facts["lag_seconds"] = late.total_seconds()
    return facts


def lag(fresh: Sequence[Document], now: datetime) -> timedelta | None:
    """From publication to `now`, the median of what says when it was published."""
    dated = [one for one in fresh if one.extra.get("dated") != "fetched"]
    if not dated:
        return None
    return timedelta(seconds=median((now - one.published_at).total_seconds() for one in dated))


def _seconds(value: float | None) -> timedelta | None:
    return None if value is None else timedelta(seconds=value)


def _valid(found: Sequence[Document], now: datetime) -> list[Document]:
    """Those that the next stage would take; the rest is told, as the source may mend it."""
    valid = []
    for document in found:
        try:
            valid.append(validated(document, now))
        except Rejected as error:
            log.warning("feed %s: an item is left out: %s", document.source, error.reason)
    return valid
