"""Settings are read once and refuse what cannot work, naming the variable."""

from pathlib import Path

import pytest

from pipeline.errors import ConfigurationError
from workers.settings import SETTINGS, read_settings, without_password


def test_the_defaults_stand_by_themselves():
    settings = read_settings({})
    assert settings.kafka.prefix == "bellwether."
    assert settings.model == "baseline"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("KAFKA", "localhost"),
        ("KAFKA", "localhost:9092,other"),
        ("KAFKA_SECURITY", "TLS"),
        ("PARTITIONS", "none"),
        ("PARTITIONS", "1.5"),
        ("PARTITIONS", "0"),
        ("WEB_PORT", "70000"),
        ("REDIS", "http://localhost"),
        ("DATABASE", "localhost/db"),
        ("WEBHOOK_URL", "ftp://example.com"),
        ("LOG_FORMAT", "xml"),
        ("DEAD_LETTER_SHARE", "nan"),
    ],
)
def test_a_wrong_value_is_refused_by_name(variable: str, value: str):
    with pytest.raises(ConfigurationError, match=f"BELLWETHER_{variable}"):
        read_settings({f"BELLWETHER_{variable}": value})


def test_the_request_timeout_must_exceed_the_rebalance_timeout():
    with pytest.raises(ConfigurationError, match="REQUEST_TIMEOUT must exceed"):
        read_settings({"BELLWETHER_KAFKA_REQUEST_TIMEOUT": "60"})


def test_sql_must_be_kept_longer_than_redis():
    with pytest.raises(ConfigurationError, match="SQL_RETENTION_DAYS must exceed"):
        read_settings({"BELLWETHER_SQL_RETENTION_DAYS": "8"})


def test_sasl_needs_a_user():
    with pytest.raises(ConfigurationError, match="SASL_USERNAME"):
        read_settings({"BELLWETHER_KAFKA_SECURITY": "SASL_SSL"})


def test_a_secret_may_come_from_a_file(tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("hush\n")
    settings = read_settings({"BELLWETHER_WEBHOOK_SECRET_FILE": str(secret)})
    assert settings.webhook_secret == "hush"
    with pytest.raises(ConfigurationError, match="WEBHOOK_SECRET_FILE"):
        read_settings({"BELLWETHER_WEBHOOK_SECRET_FILE": str(tmp_path / "absent")})


def test_no_secret_is_in_the_representation():
    settings = read_settings(
        {
            "BELLWETHER_REDIS": "redis://user:pa55word@host:6379/0",
            "BELLWETHER_DATABASE": "postgresql+psycopg://user:pa55word@host/db",
            "BELLWETHER_WEBHOOK_URL": "https://host/pa55word",
            "BELLWETHER_WEBHOOK_SECRET": "pa55word",
            "BELLWETHER_KAFKA_SECURITY": "SASL_SSL",
            "BELLWETHER_KAFKA_SASL_USERNAME": "user",
            "BELLWETHER_KAFKA_SASL_PASSWORD": "pa55word",
        }
    )
    assert "pa55word" not in repr(settings)
    assert "pa55word" not in repr(settings.kafka)
    assert "host:6379" in repr(settings)


def test_a_missing_address_names_the_variable():
    with pytest.raises(ConfigurationError, match="BELLWETHER_KAFKA and BELLWETHER_REDIS not set"):
        read_settings({}).require("KAFKA", "REDIS")


def test_a_url_without_a_password_stays_as_it_is():
    assert without_password("redis://localhost:6379/0") == "redis://localhost:6379/0"
    assert without_password("redis://:secret@localhost/0") == "redis://…@localhost/0"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:p[secret]w@h:6379/0", "redis://…@h:6379/0"),
        ("postgresql+psycopg://u:pa/ss@h/db", "postgresql+psycopg://…@h/db"),
        ("postgresql+psycopg://h/db?user=u&password=secret", "postgresql+psycopg://h/db?…"),
        ("redis://h:6379/0?password=secret", "redis://h:6379/0?…"),
    ],
)
def test_no_part_of_a_password_is_shown_however_odd_it_is(url, shown):
    assert without_password(url) == shown


def test_a_bracket_in_a_password_is_no_mistake():
    settings = read_settings({"BELLWETHER_REDIS": "redis://:p[w@localhost:6379/0"})
    assert settings.redis == "redis://:p[w@localhost:6379/0"
    assert "p[w" not in repr(settings)


def test_a_file_of_a_secret_that_is_no_text_is_named(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match=r"BELLWETHER_REDIS_FILE: .*not UTF-8"):
        read_settings({"BELLWETHER_REDIS_FILE": str(path)})


def test_every_setting_says_what_it_means():
    assert all(setting.meaning for setting in SETTINGS)
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)
