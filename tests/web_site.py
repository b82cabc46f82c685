"""A small site to test the web stage on: a database file, counts in memory, and builders.

Event time begins at `DAWN`; the site's clock stands still at `NOON`.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Queue

import msgspec
from sqlalchemy import delete, insert
from sqlalchemy.engine import Engine
from starlette.applications import Starlette

from alerts.arithmetic import Arithmetic
from alerts.lifecycle import (
    Alert,
    AlertEvidence,
    AlertSeries,
    Fingerprint,
    State,
)
from pipeline.documents import (
    Classification,
    ClassifiedDocument,
    Document,
    DocumentId,
    Sentiment,
    Story,
    Subject,
    SubjectId,
)
from pipeline.ports import CountedDocument
from pipeline.stores.archive import SqlArchive
from pipeline.stores.database import connect, writing
from pipeline.stores.memory import MemoryTrendStore
from pipeline.stores.migrate import upgrade
from pipeline.stores.tables import alert_events, trend_buckets
from pipeline.stores.tables import alerts as alerts_table
from pipeline.trends import TOTALS_FIELDS, SeriesKey, Totals, contributions
from workers.web.app import create_app
from workers.web.events import Pace
from workers.web.handlers import Sources
from workers.web.learning import LearningUntil, nothing_learns
from workers.web.overview import StreamFigures
from workers.web.serving import serve

DAWN = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
NOON = DAWN + timedelta(hours=12)

NEGATIVE = Sentiment(0.9, 0.08, 0.02)
NEUTRAL = Sentiment(0.1, 0.8, 0.1)
POSITIVE = Sentiment(0.03, 0.07, 0.9)

QUICK = Pace(poll_seconds=0.02, heartbeat_seconds=0.2, retry_seconds=0.1, readers_at_most=3)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def news(
    name: str,
    at: datetime = NOON,
    *,
    title: str | None = "Results are out",
    text: str | None = None,
    url: str | None = "https://news.example/1",
    sentiment: Sentiment | None = NEUTRAL,
    topic: str | None = "Earnings",
    subjects: Sequence[str] = ("AAPL",),
    source: str = "rss:wire",
    lang: str = "en",
    position: int = 0,
) -> ClassifiedDocument:
    """A classified document."""
    return ClassifiedDocument(
        document=Document(
            id=DocumentId(name),
            source=source,
            publisher="The Wire",
            author=None,
            url=url,
            title=title,
            text=text,
            lang=lang,
            published_at=at,
            fetched_at=at,
        ),
        lang=lang,
        subjects=tuple(
            Subject(id=SubjectId(one), tickers=(one,), relevance=0.9) for one in subjects
        ),
        story=Story(id=f"story-{name}", position=position),
        classification=Classification(
            model_version="test-1",
            topic=topic,
            topic_probability=0.7,
            sentiment=sentiment,
            reason=None if sentiment else "no model for 'xx'",
        ),
    )


def arithmetic(observed: float = 14, at: datetime = NOON) -> Arithmetic:
    """Sums that belong together well enough to be shown."""
    return Arithmetic(
        detector="negative-binomial",
        signal="novel_negative",
        at=at,
        window_seconds=3600,
        observed=observed,
        expected=1.8,
        interval=(0.0, 5.0),
        dispersion=0.4,
        statistic=8.5,
        p_value=3.2e-9,
        threshold=5.0,
        close_threshold=2.0,
        documents=17,
        share=0.82,
        usual_share=0.18,
        stories=11,
        voices=12,
    )


def alarm(
    name: str = "f1",
    *,
    state: State = "firing",
    subject: str | None = "AAPL",
    topic: str | None = None,
    severity: int = 60,
    opened_at: datetime = NOON,
    updated_at: datetime | None = None,
    revision: int = 1,
    observed: float = 14,
    evidence: Sequence[AlertEvidence] = (),
    rule: str = "company",
) -> Alert:
    """An alert as the wire carries it."""
    updated_at = updated_at or opened_at
    return Alert(
        fingerprint=Fingerprint(name),
        rule=rule,
        rule_version="abc123",
        series=AlertSeries(
            subject=None if subject is None else SubjectId(subject),
            topic=topic,
            tickers=(subject,) if subject else (),
        ),
        state=state,
        severity=severity,
        opened_at=opened_at,
        updated_at=updated_at,
        firing_at=opened_at if state != "pending" else None,
        resolved_at=updated_at if state == "resolved" else None,
        arithmetic=arithmetic(observed, updated_at),
        peak=arithmetic(observed, updated_at),
        evidence=tuple(evidence),
        model_version="test-1",
        revision=revision,
    )


@dataclass
class Site:
    """The web stage over stores that a test fills."""

    engine: Engine
    store: MemoryTrendStore = field(default_factory=lambda: MemoryTrendStore(clock=lambda: 0.0))
    figures: StreamFigures = field(default_factory=StreamFigures)
    synthetic: bool = False
    learning: LearningUntil = nothing_learns
    pace: Pace = QUICK

    def app(self, allowed_hosts: frozenset[str] | None = None) -> Starlette:
        sources = Sources(
            engine=self.engine,
            store=self.store,
            clock=lambda: NOON,
            synthetic=self.synthetic,
            figures=lambda: self.figures,
            learning=self.learning,
        )
        return create_app(sources, pace=self.pace, allowed_hosts=allowed_hosts)

    def publish(self, *documents: ClassifiedDocument, archived_at: datetime = NOON) -> None:
        """Archive and count, as the stages do."""
        SqlArchive(self.engine).store(documents, archived_at)
        self.count(*documents)

    def count(self, *documents: ClassifiedDocument) -> None:
        self.store.add(
            [
                CountedDocument(
                    document=one.id, at=one.document.published_at, contributions=contributions(one)
                )
                for one in documents
            ]
        )

    def remember(self, key: SeriesKey, start: datetime, totals: Totals) -> None:
        """Write one minute of the history."""
        row = dict(zip(TOTALS_FIELDS, totals.row(), strict=True), revision=totals.documents)
        with writing(self.engine) as connection:
            connection.execute(
                insert(trend_buckets).values(
                    series=str(key),
                    start=start,
                    width_seconds=60,
                    subject=key.subject,
                    topic=key.topic,
                    source=key.source,
                    lang=key.lang,
                    **row,
                )
            )

    def alert(self, alert: Alert, *, event_id: int | None = None) -> None:
        """The alert as it now is, and the change in its history."""
        record = msgspec.to_builtins(alert)
        same = {
            "fingerprint": alert.fingerprint,
            "opened_at": alert.opened_at,
            "revision": alert.revision,
            "state": alert.state,
            "severity": alert.severity,
            "record": record,
        }
        key = SeriesKey(subject=alert.series.subject, topic=alert.series.topic)
        with writing(self.engine) as connection:
            connection.execute(
                delete(alerts_table).where(
                    alerts_table.c.fingerprint == alert.fingerprint,
                    alerts_table.c.opened_at == alert.opened_at,
                )
            )
            connection.execute(
                insert(alerts_table).values(
                    **same,
                    rule=alert.rule,
                    rule_version=alert.rule_version,
                    series=str(key),
                    subject=key.subject,
                    topic=key.topic,
                    source=None,
                    lang=None,
                    tickers=list(alert.series.tickers),
                    updated_at=alert.updated_at,
                    firing_at=alert.firing_at,
                    resolved_at=alert.resolved_at,
                    acknowledged_by=alert.acknowledged_by,
                )
            )
            event = {**same, "at": alert.updated_at}
            if event_id is not None:
                event["id"] = event_id
            connection.execute(insert(alert_events).values(event))

    @contextmanager
    def served(self, port: int = 0) -> Iterator[str]:
        """The site on a thread until the block ends; its address. Port 0 is a free one."""
        stop = threading.Event()
        address: Queue[str] = Queue()
        thread = threading.Thread(
            target=serve, args=(self.app(), "127.0.0.1", port, stop, address.put), daemon=True
        )
        thread.start()
        try:
            yield address.get(timeout=10)
        finally:
            stop.set()
            thread.join(timeout=10)
            assert not thread.is_alive(), "the web server did not stop"


@contextmanager
def new_site(folder: Path) -> Iterator[Site]:
    """A site over an empty database in `folder`."""
    engine = connect(f"sqlite:///{folder / 'web.db'}")
    upgrade(engine)
    try:
        yield Site(engine)
    finally:
        engine.dispose()
