"""The five topics: created with the configured settings, reported where they differ.

A topic that exists is never changed: more partitions would move keys to other partitions
and break their order, and less retention would delete what somebody still needs. Every
stage calls `ensure_topics` at start; any number of processes may do so at once.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any

import kafka
import kafka.admin
import kafka.errors

from pipeline.errors import ConfigurationError, Unavailable
from pipeline.wire import CLASSIFIED, DEAD_LETTERS, DOCUMENTS, TRENDS
from workers.broker import admin_client, broker_errors, kafka_client_config
from workers.settings import KafkaSettings

__all__ = [
    "MAX_DOCUMENT_BYTES",
    "TOPIC_NAMES",
    "State",
    "TopicFinding",
    "TopicPlan",
    "ensure_topics",
    "inspect_topics",
    "kafka_client_config",
    "topic_plans",
]

log = logging.getLogger(__name__)

ALERTS_NAME = "alerts"  # `alerts.lifecycle.ALERTS.name`, without importing the alerts
TOPIC_NAMES = (DOCUMENTS.name, CLASSIFIED.name, TRENDS.name, ALERTS_NAME, DEAD_LETTERS.name)

_MIB = 1024 * 1024
# Foreign producers send what they like: a 2 MB text must arrive to become a dead letter with
# a reason, instead of an error only its sender sees. What is derived from a document needs
# more room: base64 grows by a third, a classification adds subjects.
MAX_DOCUMENT_BYTES = 4 * _MIB
_MAX_DERIVED_BYTES = 6 * _MIB
_NOT_YET = 1.0


class State(Enum):
    """What was found out about one topic."""

    CREATED = "created"
    AS_CONFIGURED = "as configured"
    DIFFERS = "differs"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicPlan:
    """One topic as it is created; `max_message_bytes` None leaves the broker's default."""

    name: str
    partitions: int
    replication: int
    retention: timedelta
    max_message_bytes: int | None

    @property
    def config(self) -> dict[str, str]:
        config = {"retention.ms": str(round(self.retention.total_seconds() * 1000))}
        if self.max_message_bytes is not None:
            config["max.message.bytes"] = str(self.max_message_bytes)
        return config


@dataclass(frozen=True, slots=True)
class TopicFinding:
    """One topic's state, and in `detail` one line of what differs (else empty)."""

    topic: str
    state: State
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.topic}: {self.state.value}" + (f": {self.detail}" if self.detail else "")


def topic_plans(settings: KafkaSettings) -> tuple[TopicPlan, ...]:
    """The five topics as `settings` want them."""
    sizes = {
        DOCUMENTS.name: MAX_DOCUMENT_BYTES,
        CLASSIFIED.name: _MAX_DERIVED_BYTES,
        DEAD_LETTERS.name: _MAX_DERIVED_BYTES,
    }
    return tuple(
        TopicPlan(
            name=settings.prefix + name,
            partitions=settings.partitions,
            replication=settings.replication,
            retention=settings.retention,
            max_message_bytes=sizes.get(name),
        )
        for name in TOPIC_NAMES
    )


def differences(plan: TopicPlan, partitions: Sequence[Any], config: Mapping[str, str]) -> list[str]:
    """What an existing topic has otherwise than `plan`, one phrase each.

    `partitions` as `describe_topics` gives them, `config` the topic's settings by name.
    """
    found = []
    if len(partitions) != plan.partitions:
        found.append(f"{len(partitions)} partitions, {plan.partitions} are configured")
    replicas = {len(partition["replica_nodes"]) for partition in partitions}
    if replicas and replicas != {plan.replication}:
        counts = "/".join(str(count) for count in sorted(replicas))
        found.append(f"{counts} replicas, {plan.replication} are configured")
    wanted = plan.config["retention.ms"]
    retention = config.get("retention.ms", wanted)
    if retention != wanted:
        found.append(f"retention.ms {retention}, {wanted} is configured")
    size = config.get("max.message.bytes")
    if plan.max_message_bytes is not None and size and int(size) < plan.max_message_bytes:
        found.append(
            f"max.message.bytes {size}, {plan.max_message_bytes} is needed for large documents "
            "to reach the dead letters"
        )
    if "compact" in config.get("cleanup.policy", "delete"):
        found.append("cleanup.policy compact: records with a repeated key would disappear")
    return found


def ensure_topics(
    settings: KafkaSettings,
    wait: timedelta = timedelta(seconds=60),
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[TopicFinding, ...]:
    """Create what is missing and compare what exists, one finding per topic, in order.

    Waits up to `wait` for a broker that is not there yet. Raises `Unavailable` after that,
    `ConfigurationError` for what waiting cannot mend (permission, too few brokers).
    """
    deadline = clock() + wait.total_seconds()
    while True:
        remaining = deadline - clock()
        try:
            return _once(settings, max(1.0, min(remaining, 10.0)))
        except Unavailable:
            if clock() + _NOT_YET >= deadline:
                raise
            log.info("waiting for the broker at %s", settings.servers)
            sleep(_NOT_YET)


def inspect_topics(
    settings: KafkaSettings, timeout_seconds: float = 5.0
) -> tuple[TopicFinding, ...]:
    """The same findings without creating anything."""
    with admin_client(settings, timeout_seconds) as client, _reading(settings):
        return _compared(client, topic_plans(settings), frozenset())


def _once(settings: KafkaSettings, timeout_seconds: float) -> tuple[TopicFinding, ...]:
    plans = topic_plans(settings)
    with admin_client(settings, timeout_seconds) as client, _reading(settings):
        existing = {found["name"] for found in _described(client, plans)}
        missing = [plan for plan in plans if plan.name not in existing]
        created = _created(client, settings, missing) if missing else frozenset[str]()
        return _compared(client, plans, created)


def _reading(settings: KafkaSettings) -> Any:
    return broker_errors(settings, "topics")


def _created(client: Any, settings: KafkaSettings, missing: Sequence[TopicPlan]) -> frozenset[str]:
    """The names we created; those another process created meanwhile are left out."""
    answer = client.create_topics(
        {
            plan.name: {
                "num_partitions": plan.partitions,
                "replication_factor": plan.replication,
                "configs": plan.config,
            }
            for plan in missing
        },
        raise_errors=False,
    )
    created = []
    for topic in answer["topics"]:
        error = kafka.errors.for_code(topic["error_code"])
        if error is kafka.errors.NoError:
            created.append(topic["name"])
        elif error is kafka.errors.InvalidReplicationFactorError:
            # brokers may still be joining, so this is worth waiting for
            raise Unavailable(
                f"{topic['name']}: BELLWETHER_REPLICATION={settings.replication} needs as many "
                f"brokers as that: {topic['error_message']}"
            )
        elif issubclass(error, kafka.errors.RetriableError):
            raise Unavailable(f"creating {topic['name']}: {error.__name__}")
        elif error is not kafka.errors.TopicAlreadyExistsError:
            raise ConfigurationError(
                f"creating {topic['name']}: {error.__name__}: {topic['error_message']}"
            )
    client.wait_for_topics([plan.name for plan in missing])
    return frozenset(created)


def _described(client: Any, plans: Sequence[TopicPlan]) -> list[Any]:
    found = client.describe_topics([plan.name for plan in plans])
    refused = [topic for topic in found if topic["error_code"] not in (0, 3)]
    if refused:
        error = kafka.errors.for_code(refused[0]["error_code"])
        raise error(refused[0]["name"])
    return [topic for topic in found if topic["error_code"] == 0]


def _compared(
    client: Any, plans: Sequence[TopicPlan], created: frozenset[str]
) -> tuple[TopicFinding, ...]:
    described = {topic["name"]: topic["partitions"] for topic in _described(client, plans)}
    configs: Mapping[str, Mapping[str, Any]] = {}
    if described:
        resources = [
            kafka.admin.ConfigResource(kafka.admin.ConfigResourceType.TOPIC, name)
            for name in described
        ]
        configs = client.describe_configs(resources, config_filter="all").get("topic", {})
    findings = []
    for plan in plans:
        if plan.name in created:
            findings.append(TopicFinding(plan.name, State.CREATED))
        elif plan.name not in described:
            findings.append(TopicFinding(plan.name, State.MISSING))
        else:
            config = {
                name: str(entry["value"]) for name, entry in configs.get(plan.name, {}).items()
            }
            detail = "; ".join(differences(plan, described[plan.name], config))
            state = State.DIFFERS if detail else State.AS_CONFIGURED
            findings.append(TopicFinding(plan.name, state, detail))
    return tuple(findings)
