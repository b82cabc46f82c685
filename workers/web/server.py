"""The web stage: its stores, the broker's figures, and the server, as one process runs them."""

import logging
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic

from alerts.rules import load_rules
from pipeline.stores.redis_connection import connect_redis
from workers.completion import flow
from workers.health import Health
from workers.settings import Settings
from workers.web.app import create_app
from workers.web.broker_figures import BrokerFigures
from workers.web.handlers import Sources, no_figures
from workers.web.learning import learning_by
from workers.web.serving import allowed_hosts, serve
from workers.wiring import database, series_states, trend_store

logger = logging.getLogger(__name__)


def run_web(settings: Settings, stop: threading.Event, health: Health) -> None:
    """Serve the read side until `stop` is set.

    Raises `ConfigurationError` when a setting is missing or the address is taken.
    """
    settings.require("REDIS", "DATABASE")
    engine = database(settings)
    client = connect_redis(settings.redis)
    broker = BrokerFigures(lambda: flow(settings.kafka)) if settings.kafka.servers else None
    sources = Sources(
        engine=engine,
        store=trend_store(settings, client),
        clock=lambda: datetime.now(UTC),
        synthetic=settings.synthetic,
        figures=broker.figures if broker else no_figures,
        learning=learning_by(load_rules(settings.rules), series_states(settings, client)),
    )
    app = create_app(sources, allowed_hosts=allowed_hosts(settings.web_host, settings.web_names))

    def started(address: str) -> None:
        logger.info("dashboard on %s", address)
        health.watch("web", _NoLag(), _Serving())

    try:
        if broker:
            broker.start(stop)
        serve(app, settings.web_host, settings.web_port, stop, started)
    finally:
        client.close()
        engine.dispose()


class _NoLag:
    """The web stage reads no topic, so it is never behind."""

    def lag(self) -> int:
        return 0

    def assignment(self) -> object:
        return ()


@dataclass(slots=True)
class _Serving:
    """Started is all the progress there is; without lag nothing else is asked."""

    progressed_at: float = field(default_factory=monotonic)
    holding: str | None = None
