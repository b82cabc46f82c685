"""Readiness measures progress against lag; a stall is lag without progress or excuse."""

from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from pipeline import metrics
from workers.health import Health, serve_health


@dataclass
class Consumer:
    waiting: int = 0

    def lag(self) -> int:
        return self.waiting

    def assignment(self) -> object:
        return ()


@dataclass
class Work:
    progressed_at: float
    holding: str | None = None


def watched(lag: int, quiet: float, holding: str | None = None) -> Health:
    health = Health(timedelta(seconds=60))
    health.watch("classify", Consumer(lag), Work(monotonic() - quiet, holding))
    health.check()
    return health


def test_a_quiet_stage_with_nothing_to_do_is_ready():
    assert watched(lag=0, quiet=3600).ready


def test_a_busy_stage_that_gets_on_is_ready_however_large_its_lag():
    assert watched(lag=1_000_000, quiet=1).ready


def test_lag_without_progress_is_a_stall():
    health = watched(lag=1, quiet=61)
    assert not health.ready
    assert health.check()[0].stalled


def test_waiting_for_a_dependency_is_not_ready_and_no_stall():
    health = watched(lag=1, quiet=61, holding="redis")
    assert not health.ready
    assert not health.check()[0].stalled


def test_progress_counts_from_when_there_was_something_to_do():
    health, consumer = Health(timedelta(seconds=60)), Consumer(0)
    health.watch("classify", consumer, Work(monotonic() - 3600))
    health.check()
    consumer.waiting = 5
    assert not health.check()[0].stalled


def test_a_stage_that_is_not_up_yet_is_not_ready():
    health = Health(timedelta(seconds=60))
    health.expect("classify")
    assert not health.ready
    health.watch("classify", Consumer(), Work(monotonic()))
    assert health.ready


def test_serves_liveness_readiness_and_metrics():
    health = watched(lag=1, quiet=61)
    server = serve_health(health, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.server_port}"
    try:
        with urlopen(f"{base}/health/live", timeout=5) as answer:
            assert answer.status == 200
        with pytest.raises(HTTPError) as refused:
            urlopen(f"{base}/health/ready", timeout=5)
        assert refused.value.code == 503
        refused.value.close()
        with urlopen(f"{base}/metrics", timeout=5) as answer:
            assert b"bellwether_lag_records" in answer.read()
    finally:
        server.shutdown()
        server.server_close()


def test_what_every_stage_waits_for_is_a_metric_too():
    """Also of the stages that read nothing from the broker: their rule must be able to fire."""
    gauge = metrics.HOLDING.labels("classify")
    watched(lag=0, quiet=1, holding="kafka")
    assert gauge._value.get() == 1
    watched(lag=0, quiet=1)
    assert gauge._value.get() == 0
