"""What is missing or wrong, one line each: the checks behind `bellwether doctor`."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.errors import BellwetherError
from workers.settings import Settings

Verdict = Literal["ok", "warning", "wrong"]

# The scripts use commands and options of this version.
LEAST_REDIS = (6, 2)
LEAST_FREE_BYTES = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Check:
    """One line: what was looked at, the verdict and, unless ok, what to do."""

    name: str
    verdict: Verdict
    detail: str


def examine(settings: Settings) -> Iterator[Check]:
    """Every check in order; one that fails does not keep the next from being made."""
    for name, looking in (
        ("broker", _broker),
        ("topics", _topics),
        ("redis", _redis),
        ("database", _database),
        ("model", _model),
        ("rules", _rules),
        ("subscriptions", _subscriptions),
        ("feeds", _feeds),
        ("disk", _disk),
    ):
        yield from _guarded(name, looking, settings)


def _guarded(
    name: str, looking: Callable[[Settings], Iterator[Check]], settings: Settings
) -> Iterator[Check]:
    try:
        yield from looking(settings)
    except BellwetherError as error:
        yield Check(name, "wrong", str(error))


def redis_verdict(version: str) -> Check:
    """Whether this Redis is new enough."""
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < LEAST_REDIS:
        return Check("redis", "wrong", f"version {version}: 6.2 or newer is needed")
    return Check("redis", "ok", f"version {version}")


def _broker(settings: Settings) -> Iterator[Check]:
    settings.require("KAFKA")
    from workers.broker import admin_client, broker_errors

    with admin_client(settings.kafka, 5.0) as client, broker_errors(settings.kafka, "asking"):
        client.list_topics()
    yield Check("broker", "ok", f"{settings.kafka.servers} answers")


def _topics(settings: Settings) -> Iterator[Check]:
    if not settings.kafka.servers:
        return
    from workers.topics import State, inspect_topics

    for finding in inspect_topics(settings.kafka):
        if finding.state is State.MISSING:
            yield Check(finding.topic, "wrong", "missing: run `bellwether topics create`")
        elif finding.state is State.DIFFERS:
            yield Check(finding.topic, "wrong", finding.detail)
        else:
            yield Check(finding.topic, "ok", "as configured")


def _redis(settings: Settings) -> Iterator[Check]:
    settings.require("REDIS")
    from pipeline.stores.redis_connection import connect_redis, redis_unavailable

    with closing(connect_redis(settings.redis)) as client, redis_unavailable():
        info = client.info()
    yield redis_verdict(str(info["redis_version"]))
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if int(info.get("maxmemory", 0)) and policy != "noeviction":
        yield Check(
            "redis",
            "wrong",
            f"maxmemory-policy {policy} drops counts: set noeviction",
        )
    if not int(info.get("aof_enabled", 0)):
        yield Check(
            "redis",
            "warning",
            "no append-only file: after a restart run `bellwether db rebuild-redis`",
        )


def _database(settings: Settings) -> Iterator[Check]:
    settings.require("DATABASE")
    from pipeline.stores.database import connect
    from pipeline.stores.migrate import head, revision

    engine = connect(settings.database)
    try:
        at = revision(engine)
    finally:
        engine.dispose()
    if at == head():
        yield Check("database", "ok", f"{engine.dialect.name}, revision {at}")
    else:
        yield Check(
            "database",
            "wrong",
            f"{engine.dialect.name}, revision {at or 'none'}, {head()} is needed: "
            "run `bellwether db upgrade`",
        )


def _model(settings: Settings) -> Iterator[Check]:
    from models.languages import running
    from models.load import load_classifier

    classifier = load_classifier(
        settings.model,
        settings.model_base,
        settings.model_labels,
        settings.model_languages,
        settings.model_runtime,
    )
    ways = ", ".join(
        f"{one.lang} by {one.model_version} ({one.runtime} on {one.device})"
        for one in running(classifier)
    )
    yield Check("model", "ok", f"{settings.model}: {ways}")


def _rules(settings: Settings) -> Iterator[Check]:
    from alerts.rules import load_rules

    rules = load_rules(settings.rules).rules
    yield Check("rules", "ok", f"{settings.rules or 'the rules that ship'}: {len(rules)} rules")


def _subscriptions(settings: Settings) -> Iterator[Check]:
    from workers.wiring import receivers

    told, channels = receivers(settings)
    ways = " and ".join(sorted({one.channel for one in told}))
    yield Check(
        "subscriptions",
        "ok",
        f"{settings.subscriptions or 'none given'}: alerts go to {ways or 'nobody'}"
        + ("" if "webhook" in channels else "; no webhook is set"),
    )


def _feeds(settings: Settings) -> Iterator[Check]:
    path = Path(settings.feeds)
    if not path.exists():
        yield Check(
            "feeds", "warning", f"no file {path}: ingest needs one, BELLWETHER_FEEDS names it"
        )
        return
    from workers.feed_file import feed_file

    yield Check("feeds", "ok", f"{path}: {len(feed_file(settings).sources)} sources")


def _disk(settings: Settings) -> Iterator[Check]:
    folder = settings.data.resolve()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    verdict: Verdict = "ok" if free >= LEAST_FREE_BYTES else "wrong"
    yield Check("disk", verdict, f"{free / 1024**3:.1f} GiB free at {folder}")
