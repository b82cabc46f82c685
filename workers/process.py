"""One process of the cluster: signals, logging, health, and the stages it was asked to run."""

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from time import monotonic

from pipeline.errors import BellwetherError, ConfigurationError
from workers.agents import StageRunner
from workers.children import give_memory_back
from workers.health import Health, serve_health
from workers.logs import set_up_logging
from workers.settings import Settings
from workers.topics import State, ensure_topics
from workers.wiring import STREAM_STAGES, build_stage

log = logging.getLogger(__name__)

STAGES = (*STREAM_STAGES, "ingest", "housekeeping", "web")
# The supervisor kills after 10 s; leave in order before that, whatever hangs.
HARD_EXIT_SECONDS = 9.0
# Batches of many sizes on several threads leave the C heap in holes; see `give_memory_back`.
TRIM_SECONDS = 20.0

Service = Callable[[Settings, threading.Event, Health], None]


def run_stages(stages: Sequence[str], settings: Settings) -> int:
    """Run the named stages until SIGTERM or SIGINT; the exit status.

    0 after a signal, 1 when a stage failed (nothing acknowledged that was not done), 3 when
    a stage stalled. Raises `ConfigurationError` on settings or names that cannot work.
    """
    unknown = [stage for stage in stages if stage not in STAGES]
    if unknown:
        raise ConfigurationError(
            f"no stage {unknown[0]!r}: the stages are {', '.join(STAGES)} and all"
        )
    set_up_logging(settings)
    health = Health(settings.stall)
    for stage in stages:
        health.expect(stage)
    try:
        server = serve_health(health, settings.health_host, settings.health_port)
    except OSError as error:
        # perhaps the process before this one is still ending: tried again by who watches us
        place = f"{settings.health_host}:{settings.health_port}"
        log.error("health cannot be served on %s: %s", place, error.strerror or error)
        return 1
    log.info(
        "running %s, health on http://%s:%d/health/ready",
        " ".join(stages),
        settings.health_host,
        server.server_port,
    )
    # What start-up made lives as long as the process, and a batch makes many short-lived
    # values and no cycles: collecting less often is worth a tenth of the throughput.
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    status = asyncio.run(_run(stages, settings, health))
    log.info("ended with status %d", status)
    logging.shutdown()
    sys.stdout.flush()
    # Everything that must be durable is. Threads of third parties that do not end must not
    # keep a process that has left its group.
    os._exit(status)


async def _run(stages: Sequence[str], settings: Settings, health: Health) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    signalled: list[float] = []

    def on_signal() -> None:
        if not signalled:
            signalled.append(monotonic())
            loop.call_later(HARD_EXIT_SECONDS, _hard_exit)
        stop.set()

    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, on_signal)
    tasks = [
        asyncio.ensure_future(_stream(name, settings, health, stop))
        if name in STREAM_STAGES
        else asyncio.ensure_future(_service(name, settings, health, stop))
        for name in stages
    ]
    watchdog = asyncio.ensure_future(_watchdog(health, stop))
    await asyncio.wait([*tasks, watchdog], return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    failures = [
        result
        for result in await asyncio.gather(*tasks, return_exceptions=True)
        if isinstance(result, BaseException)
    ]
    stalled = await watchdog
    for failure in failures:
        if isinstance(failure, ConfigurationError):
            raise failure
        if isinstance(failure, BellwetherError):
            log.error("%s", failure)
        else:
            log.error("a stage failed, nothing of its batch was acknowledged", exc_info=failure)
    if stalled:
        return 3
    return 1 if failures or not signalled else 0


def _hard_exit() -> None:
    log.warning("not everything stopped in time; what was not acknowledged is read again")
    logging.shutdown()
    os._exit(0)


async def _stream(name: str, settings: Settings, health: Health, stop: asyncio.Event) -> None:
    await asyncio.to_thread(_check_topics, settings)
    if stop.is_set():
        return
    stage = await asyncio.to_thread(build_stage, name, settings)
    if not stop.is_set():
        await StageRunner(stage, settings, health).run(stop)


def _check_topics(settings: Settings) -> None:
    """Wait for the broker, create what is missing, report what differs and go on."""
    settings.require("KAFKA")
    for finding in ensure_topics(settings.kafka, settings.outage):
        if finding.state is State.DIFFERS:
            log.warning("%s", finding)


async def _service(name: str, settings: Settings, health: Health, stop: asyncio.Event) -> None:
    """Run a stage that reads no topic on its own thread; it ends when its event is set."""
    ended = threading.Event()

    async def relay() -> None:
        await stop.wait()
        ended.set()

    relaying = asyncio.ensure_future(relay())
    try:
        await asyncio.to_thread(_service_of(name), settings, ended, health)
    finally:
        relaying.cancel()


def _service_of(name: str) -> Service:
    # imported here: a classify process needs neither a web server nor a scheduler
    if name == "ingest":
        from workers.ingest import run_ingest

        return run_ingest
    if name == "web":
        from workers.web.server import run_web

        return run_web
    from workers.housekeeping import run_housekeeping

    return run_housekeeping


async def _watchdog(health: Health, stop: asyncio.Event) -> bool:
    """Look at the health once a second; True, and an end to everything, on a stall."""
    trimmed_at = monotonic()
    while not stop.is_set():
        if monotonic() - trimmed_at > TRIM_SECONDS:
            trimmed_at = monotonic()
            give_memory_back()
        for stage in health.check():
            if stage.stalled:
                log.error(
                    "%s stalled: %d records wait and none was done for %.0f s; ending, the "
                    "supervisor starts it again",
                    stage.stage,
                    stage.lag,
                    stage.quiet_seconds,
                )
                return True
        try:
            await asyncio.wait_for(stop.wait(), 1.0)
        except TimeoutError:
            continue
    return False
