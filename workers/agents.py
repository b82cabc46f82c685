"""The flow. Read this first.

::

    documents ─▶ classify ─▶ classified ─┬─▶ archive ─▶ SQL
                                         └─▶ aggregate ─▶ trends ─▶ watch ─▶ alerts ─▶ notify
    housekeeping ── sweeps quiet series into trends, writes trend_buckets, forgets the old
    ingest ─▶ documents            web ── reads SQL and Redis

Each stage that reads a topic is one Faust app with one agent and its own consumer group, so
any number of processes share its partitions. The agent is the edge only: it runs
`workers.delivery`, which calls the stage's handler from `workers.wiring`.
"""

import asyncio
import logging
import tempfile
from typing import Any, cast

import aiokafka.errors
import faust
from faust.exceptions import ConsumerNotStarted
from mode.supervisors import CrashingSupervisor

from workers.delivery import Delivery, Policy
from workers.health import Health
from workers.sending import Sender, faust_broker, faust_credentials, new_producer
from workers.settings import Settings
from workers.transport import BatchConsumer, BatchTransport
from workers.wiring import Stage

log = logging.getLogger(__name__)

# SIGTERM must end in 10 s (the supervisor kills after that): what is in flight has this long.
DRAIN_ON_STOP_SECONDS = 4.0
STOP_SECONDS = 3.0
MEASURE_SECONDS = 5.0


def build_app(stage: Stage, settings: Settings, folder: str) -> faust.App:
    """A Faust app for one stage: raw bytes, no tables, no leader, no web, no topic creation.

    The settings are those measured to survive (docs/delivery.md): a request timeout above
    the rebalance timeout, a poll interval nobody reaches, commits once a second.
    """
    kafka = settings.kafka
    instance = f"{stage.name}-{settings.instance}" if settings.instance else None
    app = faust.App(
        f"{kafka.prefix}{stage.name}",
        broker=faust_broker(kafka),
        broker_credentials=faust_credentials(kafka),
        broker_session_timeout=kafka.session_timeout_seconds,
        broker_heartbeat_interval=min(3.0, kafka.session_timeout_seconds / 3),
        broker_rebalance_timeout=kafka.rebalance_timeout_seconds,
        broker_request_timeout=kafka.request_timeout_seconds,
        broker_max_poll_interval=86_400.0,
        broker_max_poll_records=stage.batch_records,
        broker_commit_interval=1.0,
        broker_check_crcs=True,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=instance,
        processing_guarantee="at_least_once",
        topic_disable_leader=True,
        topic_allow_declare=False,
        stream_wait_empty=False,
        stream_publish_on_commit=False,
        stream_recovery_delay=0.0,
        producer_threaded=False,
        web_enabled=False,
        agent_supervisor=CrashingSupervisor,
        datadir=folder,
        store="memory://",
    )
    app.transport = BatchTransport(app.conf.broker_consumer, app)
    return app


class StageRunner:
    """One running stage: its Faust app, its delivery and its health."""

    def __init__(
        self,
        stage: Stage,
        settings: Settings,
        health: Health,
        measure_seconds: float = MEASURE_SECONDS,
    ) -> None:
        self._measure_seconds = measure_seconds
        self._stage = stage
        self._settings = settings
        self._health = health
        self._failure: BaseException | None = None
        self._ended = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then drain, commit and leave the group.

        Raises whatever made the stage end before that.
        """
        stage, kafka = self._stage, self._settings.kafka
        producer = new_producer(kafka, f"{kafka.prefix}{stage.name}")
        await producer.start()
        with tempfile.TemporaryDirectory(prefix="bellwether-") as folder:
            app = build_app(stage, self._settings, folder)
            topic = app.topic(
                f"{kafka.prefix}{stage.reads}",
                key_type=bytes,
                value_type=bytes,
                key_serializer="raw",
                value_serializer="raw",
                internal=False,
            )

            @app.agent(topic, name=stage.name, concurrency=1)
            async def agent(stream: Any) -> None:
                consumer = cast(BatchConsumer, app.consumer)
                delivery = Delivery(
                    stage.name,
                    consumer.line,
                    stage.handler,
                    Sender(producer, kafka),
                    Policy(
                        outage=self._settings.outage,
                        dead_letter_share=self._settings.dead_letter_share,
                    ),
                    forget=stage.forget,
                )
                self._health.watch(stage.name, consumer, delivery)
                try:
                    await delivery.run()
                except Exception as error:
                    self._failure = error
                    self._ended.set()
                    raise

            app.topics.add(topic)
            await app.start()
            try:
                await self._until(stop, app)
            finally:
                await self._leave(app, producer)
                stage.close()
        if self._failure is not None:
            raise self._failure

    async def _until(self, stop: asyncio.Event, app: Any) -> None:
        waits = [
            asyncio.ensure_future(event)
            for event in (
                stop.wait(),
                self._ended.wait(),
                app.wait_until_stopped(),
                _measure(
                    cast(BatchConsumer, app.consumer),
                    self._measure_seconds,
                    self._settings.kafka.request_timeout_seconds,
                ),
            )
        ]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if not stop.is_set() and self._failure is None:
            self._failure = app.crash_reason or RuntimeError(
                f"{self._stage.name}: Faust stopped by itself"
            )

    async def _leave(self, app: Any, producer: Any) -> None:
        """Finish what is in flight and commit it; then stop, for a bounded time each."""
        consumer = cast(BatchConsumer, app.consumer)
        if self._failure is None:
            done = await consumer.drain(DRAIN_ON_STOP_SECONDS)
            if not done:
                log.warning("%s: a batch was not done in time, it is read again", self._stage.name)
            try:
                await asyncio.wait_for(consumer.commit(), STOP_SECONDS)
            except TimeoutError:
                log.warning("%s: the last commit did not come through", self._stage.name)
        for name, stopping in (("Faust", app.stop()), ("producer", producer.stop())):
            try:
                await asyncio.wait_for(stopping, STOP_SECONDS)
            except (TimeoutError, asyncio.CancelledError):
                log.warning("%s: %s did not stop in time", self._stage.name, name)


async def _measure(consumer: BatchConsumer, every: float, within: float) -> None:
    """Keep the consumer's lag honest; a broker that does not answer is no news here.

    The answer may take longer than `every`: it waits for the fetch before it, which on a quiet
    partition is held back at the broker.
    """
    while True:
        await asyncio.sleep(every)
        try:
            await asyncio.wait_for(consumer.measure(), within)
        except (TimeoutError, ConsumerNotStarted, aiokafka.errors.KafkaError) as error:
            log.debug("the ends of the partitions are not known: %r", error)
