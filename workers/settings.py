"""Settings: the environment, read once, validated together, in grouped frozen objects.

Every variable begins with `BELLWETHER_`. A secret may come from a file: `NAME_FILE` holds
its path. `SETTINGS` below is the one list; `docs/settings.md` is generated from it.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigurationError

PREFIX = "BELLWETHER_"


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable: its name without prefix, default, and what it means to an operator."""

    name: str
    default: str
    meaning: str
    secret: bool = False


SETTINGS = (
    Setting("KAFKA", "", "Brokers, `host:port[,host:port]`"),
    Setting("KAFKA_SECURITY", "PLAINTEXT", "`PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`"),
    Setting("KAFKA_SASL_MECHANISM", "SCRAM-SHA-512", "`PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`"),
    Setting("KAFKA_SASL_USERNAME", "", "User name for SASL"),
    Setting("KAFKA_SASL_PASSWORD", "", "Password for SASL", secret=True),
    Setting("KAFKA_SSL_CA", "", "File of the certificate authority; empty: the system's"),
    Setting("KAFKA_SESSION_TIMEOUT", "20", "Seconds without a heartbeat until a member is dead"),
    Setting("KAFKA_REBALANCE_TIMEOUT", "60", "Seconds members have to rejoin; 3 × the worst batch"),
    Setting("KAFKA_REQUEST_TIMEOUT", "90", "Seconds; must exceed the rebalance timeout"),
    Setting("TOPIC_PREFIX", "bellwether.", "Put before every topic name and consumer group"),
    Setting("PARTITIONS", "4", "Partitions of each topic when it is created"),
    Setting("REPLICATION", "1", "Replicas of each topic when it is created"),
    Setting("RETENTION_HOURS", "168", "Hours Kafka keeps records of the topics we create"),
    Setting("REDIS", "", "`redis://[:password@]host:port/db`", secret=True),
    Setting("DATABASE", "", "SQLAlchemy URL: `postgresql+psycopg://…` or `sqlite:///…`", True),
    Setting(
        "MODEL",
        "",
        "`shipped`, `baseline`, a directory or hub id, or `en=…,zh=…`; empty: "
        "`baseline` in the pipeline, `shipped` for `bellwether model`",
    ),
    Setting(
        "MODEL_BASE",
        "",
        "Directory of the base encoder, or several: `a:b`; empty: found as docs/model.md says",
    ),
    Setting("MODEL_LABELS", "", "`LABEL_0=negative,LABEL_1=neutral,…` where names do not tell"),
    Setting("MODEL_LANGUAGES", "en", "Languages the named model understands, by comma"),
    Setting("ALERT_WORDS", "1", "1: `watch` reads by the model which words made evidence negative"),
    Setting("MODEL_RUNTIME", "auto", "How an artifact runs: auto, openvino-bf16, onnx-int8, …"),
    Setting("INSTANCE", "", "Stable name of this process: static group membership"),
    Setting("HEALTH_PORT", "0", "Port of `/health/*` and `/metrics`; 0: a free one"),
    Setting("HEALTH_HOST", "127.0.0.1", "Address the health port listens on"),
    Setting("WEB_HOST", "127.0.0.1", "Address the web stage listens on"),
    Setting("WEB_PORT", "8080", "Port the web stage listens on; 0: a free one"),
    Setting("WEB_NAMES", "", "Host names browsers may use, by comma; empty: as docs/api.md says"),
    Setting("SYNTHETIC", "0", "1: the data is made up, the page says so; the demo sets it"),
    Setting(
        "RULES",
        "",
        "Rule file, the same for `watch` and `housekeeping`; empty: the rules that ship",
    ),
    Setting("FEEDS", "feeds.yaml", "Feed file of the ingest stage"),
    Setting("RESEND_SECONDS", "120", "What ingest sent and is not archived by then is sent again"),
    Setting("SUBJECTS", "", "Additional subject catalogue, YAML or CSV; read anew when changed"),
    Setting("SUBSCRIPTIONS", "", "Subscription file; empty: the webhook below, and the log"),
    Setting("WEBHOOK_URL", "", "Where alerts are posted", secret=True),
    Setting("WEBHOOK_SECRET", "", "Signs webhook bodies (HMAC-SHA256)", secret=True),
    Setting("TREND_RETENTION_DAYS", "8", "Days Redis keeps a bucket after its last change"),
    Setting("SQL_RETENTION_DAYS", "400", "Days SQL keeps documents and closed alerts"),
    Setting(
        "TREND_LANGUAGES",
        "",
        "Languages that also count apart, such as `en,zh`; up to twice the counts each",
    ),
    Setting("SWEEP_SECONDS", "5", "How often series with open alerts are looked at again"),
    Setting("PERSIST_SECONDS", "60", "How often `trend_buckets` is brought up to date"),
    Setting(
        "BATCH_DOCUMENTS",
        "500",
        "Most records of a batch; `watch` takes twice, `classify` by word lists four times as many",
    ),
    Setting("OUTAGE_SECONDS", "300", "How long a stage waits for a dependency before it exits"),
    Setting("STALL_SECONDS", "120", "Lag without progress for so long ends the stage"),
    Setting("DEAD_LETTER_SHARE", "0.5", "A stage stops when more of its input is rejected"),
    Setting("LOG_LEVEL", "INFO", "`DEBUG`, `INFO`, `WARNING`, `ERROR`"),
    Setting("LOG_FORMAT", "text", "`text` or `json`"),
    Setting("DATA", ".bellwether", "Folder of the embedded services' data"),
    Setting("CACHE", "~/.cache/bellwether", "Folder where backtests keep classifications"),
)


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """Where the broker is and how groups behave. FAUST's rules: request > rebalance timeout."""

    servers: str
    security: str
    sasl_mechanism: str
    sasl_username: str
    sasl_password: str
    ssl_ca: str
    session_timeout_seconds: float
    rebalance_timeout_seconds: float
    request_timeout_seconds: float
    prefix: str
    partitions: int
    replication: int
    retention: timedelta

    def __repr__(self) -> str:
        return f"KafkaSettings(servers={self.servers!r}, security={self.security!r})"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a process may need to know. `repr` hides secrets."""

    kafka: KafkaSettings
    redis: str
    database: str
    model: str
    model_measured: str
    """What `bellwether model` is about, where it is not told."""
    model_base: str
    model_labels: str
    model_languages: tuple[str, ...]
    model_runtime: str
    alert_words: bool
    instance: str
    health_host: str
    health_port: int
    web_host: str
    web_port: int
    web_names: tuple[str, ...]
    synthetic: bool
    rules: str
    feeds: str
    resend: timedelta
    subjects: str
    subscriptions: str
    webhook_url: str
    webhook_secret: str
    trend_retention: timedelta
    sql_retention: timedelta
    trend_languages: tuple[str, ...]
    sweep_every: timedelta
    persist_every: timedelta
    batch_documents: int
    outage: timedelta
    stall: timedelta
    dead_letter_share: float
    log_level: str
    log_format: str
    data: Path
    cache: Path

    def __repr__(self) -> str:
        hidden = {"webhook_url", "webhook_secret"}
        shown = []
        for field in fields(self):
            value: Any = getattr(self, field.name)
            if field.name in hidden and value:
                value = "…"
            elif field.name in {"redis", "database"}:
                value = without_password(value)
            shown.append(f"{field.name}={value!r}")
        return f"Settings({', '.join(shown)})"

    def require(self, *names: str) -> None:
        """Raise `ConfigurationError` naming each of `KAFKA`, `REDIS`, `DATABASE` not set."""
        values = {"KAFKA": self.kafka.servers, "REDIS": self.redis, "DATABASE": self.database}
        missing = [PREFIX + name for name in names if not values[name]]
        if missing:
            raise ConfigurationError(
                f"{' and '.join(missing)} not set: name the service's address, or use "
                "`bellwether demo` or `bellwether up`, which bring their own"
            )


def without_password(url: str) -> str:
    """The URL as it may be logged: user and password left out."""
    # by hand: a password may hold what makes an address no address
    scheme, slashes, rest = url.partition("://")
    _, at, place = rest.rpartition("@")
    place, question, _ = place.partition("?")
    return scheme + slashes + ("…@" if at else "") + place + ("?…" if question else "")


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings in `environment` (default: the process's own).

    Raises `ConfigurationError` naming the variable, its value and what is allowed.
    """
    source = os.environ if environment is None else environment
    known = {setting.name: setting for setting in SETTINGS}
    values = {name: setting.default for name, setting in known.items()}
    for variable, value in source.items():
        if not variable.startswith(PREFIX):
            continue
        name = variable.removeprefix(PREFIX)
        if name in known:
            values[name] = value.strip()
        elif name.endswith("_FILE") and name.removesuffix("_FILE") in known:
            values[name.removesuffix("_FILE")] = _from_file(variable, value)
    return _checked(values)


def _checked(values: Mapping[str, str]) -> Settings:
    kafka = KafkaSettings(
        servers=_servers(values["KAFKA"]),
        security=_one_of(
            values, "KAFKA_SECURITY", ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
        ),
        sasl_mechanism=_one_of(
            values, "KAFKA_SASL_MECHANISM", ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
        ),
        sasl_username=values["KAFKA_SASL_USERNAME"],
        sasl_password=values["KAFKA_SASL_PASSWORD"],
        ssl_ca=values["KAFKA_SSL_CA"],
        session_timeout_seconds=_number(values, "KAFKA_SESSION_TIMEOUT", 1, 1800),
        rebalance_timeout_seconds=_number(values, "KAFKA_REBALANCE_TIMEOUT", 1, 3600),
        request_timeout_seconds=_number(values, "KAFKA_REQUEST_TIMEOUT", 2, 7200),
        prefix=values["TOPIC_PREFIX"],
        partitions=_whole(values, "PARTITIONS", 1, 10_000),
        replication=_whole(values, "REPLICATION", 1, 100),
        retention=timedelta(hours=_number(values, "RETENTION_HOURS", 0.01, 1e6)),
    )
    if kafka.request_timeout_seconds <= kafka.rebalance_timeout_seconds:
        raise ConfigurationError(
            "BELLWETHER_KAFKA_REQUEST_TIMEOUT must exceed BELLWETHER_KAFKA_REBALANCE_TIMEOUT "
            f"({kafka.request_timeout_seconds:g} against {kafka.rebalance_timeout_seconds:g}): "
            "otherwise a join request times out before the group can form, for ever"
        )
    if kafka.security.startswith("SASL") and not kafka.sasl_username:
        raise ConfigurationError(
            f"BELLWETHER_KAFKA_SECURITY={kafka.security} needs BELLWETHER_KAFKA_SASL_USERNAME "
            "and BELLWETHER_KAFKA_SASL_PASSWORD (or BELLWETHER_KAFKA_SASL_PASSWORD_FILE)"
        )
    _url(values, "REDIS", ("redis", "rediss", "unix"))
    if _number(values, "SQL_RETENTION_DAYS", 1, 36500) <= _number(
        values, "TREND_RETENTION_DAYS", 1, 3650
    ):
        raise ConfigurationError(
            "BELLWETHER_SQL_RETENTION_DAYS must exceed BELLWETHER_TREND_RETENTION_DAYS: "
            "what Redis counts is checked against, and rebuilt from, SQL"
        )
    if values["DATABASE"] and "://" not in values["DATABASE"]:
        raise ConfigurationError(
            "BELLWETHER_DATABASE is not an SQLAlchemy URL: use postgresql+psycopg://user@host/name "
            "or sqlite:///path/file.db"
        )
    _url(values, "WEBHOOK_URL", ("http", "https"))
    return Settings(
        kafka=kafka,
        redis=values["REDIS"],
        database=values["DATABASE"],
        model=values["MODEL"] or "baseline",
        model_measured=values["MODEL"] or "shipped",
        model_base=values["MODEL_BASE"],
        model_labels=values["MODEL_LABELS"],
        model_languages=_names(values["MODEL_LANGUAGES"]),
        model_runtime=values["MODEL_RUNTIME"] or "auto",
        alert_words=_one_of(values, "ALERT_WORDS", ("0", "1")) == "1",
        instance=values["INSTANCE"],
        health_host=values["HEALTH_HOST"],
        health_port=_whole(values, "HEALTH_PORT", 0, 65535),
        web_host=values["WEB_HOST"],
        web_port=_whole(values, "WEB_PORT", 0, 65535),
        web_names=_names(values["WEB_NAMES"]),
        synthetic=_one_of(values, "SYNTHETIC", ("0", "1")) == "1",
        rules=values["RULES"],
        feeds=values["FEEDS"],
        resend=timedelta(seconds=_number(values, "RESEND_SECONDS", 1, 86400)),
        subjects=values["SUBJECTS"],
        subscriptions=values["SUBSCRIPTIONS"],
        webhook_url=values["WEBHOOK_URL"],
        webhook_secret=values["WEBHOOK_SECRET"],
        trend_retention=timedelta(days=_number(values, "TREND_RETENTION_DAYS", 1, 3650)),
        sql_retention=timedelta(days=_number(values, "SQL_RETENTION_DAYS", 1, 36500)),
        trend_languages=_names(values["TREND_LANGUAGES"]),
        sweep_every=timedelta(seconds=_number(values, "SWEEP_SECONDS", 0.1, 3600)),
        persist_every=timedelta(seconds=_number(values, "PERSIST_SECONDS", 0.1, 86400)),
        batch_documents=_whole(values, "BATCH_DOCUMENTS", 1, 100_000),
        outage=timedelta(seconds=_number(values, "OUTAGE_SECONDS", 1, 86400)),
        stall=timedelta(seconds=_number(values, "STALL_SECONDS", 1, 86400)),
        dead_letter_share=_number(values, "DEAD_LETTER_SHARE", 0, 1),
        log_level=_one_of(values, "LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR")),
        log_format=_one_of(values, "LOG_FORMAT", ("text", "json"), upper=False),
        data=Path(values["DATA"]),
        cache=Path(values["CACHE"] or "~/.cache/bellwether").expanduser(),
    )


def _names(value: str) -> tuple[str, ...]:
    return tuple(part.strip().lower() for part in value.split(",") if part.strip())


def _from_file(variable: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"{variable}: cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{variable}: {path}: not UTF-8 at byte {error.start}") from error


def _number(values: Mapping[str, str], name: str, least: float, most: float) -> float:
    try:
        number = float(values[name])
    except ValueError:
        number = float("nan")
    if not least <= number <= most:
        raise ConfigurationError(
            f"{PREFIX}{name}={values[name]!r}: a number from {least:g} to {most:g} is needed"
        )
    return number


def _whole(values: Mapping[str, str], name: str, least: int, most: int) -> int:
    number = _number(values, name, least, most)
    if number != int(number):
        raise ConfigurationError(f"{PREFIX}{name}={values[name]!r}: a whole number is needed")
    return int(number)


def _one_of(
    values: Mapping[str, str], name: str, allowed: tuple[str, ...], upper: bool = True
) -> str:
    value = values[name].upper() if upper else values[name].lower()
    if value not in allowed:
        raise ConfigurationError(f"{PREFIX}{name}={value!r}: one of {', '.join(allowed)}")
    return value


def _servers(value: str) -> str:
    for server in filter(None, value.split(",")):
        host, separator, port = server.strip().rpartition(":")
        if not separator or not host or not port.isdigit():
            raise ConfigurationError(
                f"BELLWETHER_KAFKA={value!r}: {server.strip()!r} is not host:port"
            )
    return ",".join(part.strip() for part in value.split(",") if part.strip())


def _url(values: Mapping[str, str], name: str, schemes: tuple[str, ...]) -> None:
    value = values[name]
    if value and value.partition("://")[0].lower() not in schemes:
        # the value may hold a password, so it is not repeated
        raise ConfigurationError(
            f"{PREFIX}{name}: must begin with {' or '.join(s + '://' for s in schemes)}"
        )
