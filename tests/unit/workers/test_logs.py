"""What reaches the log, and how often."""

import json
import logging
from dataclasses import dataclass

import pytest

from workers.logs import _CHATTY, _TELLTALE, JsonFormatter, OncePerWhile, set_up_logging
from workers.settings import read_settings


def said(name: str, text: str) -> logging.LogRecord:
    return logging.LogRecord(name, logging.ERROR, "file", 1, text, ("node 1",), None)


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_third_party_repeats_itself_once_in_a_while():
    clock = Clock()
    sparing = OncePerWhile(30, clock)
    away = said("aiokafka.conn", "Unable to connect to %s")
    assert sparing.filter(away)
    assert not sparing.filter(away)
    assert sparing.filter(said("aiokafka.conn", "Something else about %s"))
    clock.now = 31
    assert sparing.filter(away)


def test_our_own_lines_are_never_held_back():
    sparing = OncePerWhile(30, Clock())
    ours = said("workers.delivery", "rejected %s")
    assert sparing.filter(ours)
    assert sparing.filter(ours)


def test_json_lines_hold_the_formatted_message():
    line = json.loads(JsonFormatter().format(said("workers", "about %s")))
    assert line["message"] == "about node 1"
    assert line["level"] == "ERROR"


def test_no_level_lets_a_library_write_passwords_and_addresses_with_tokens(restored_levels):
    for level in ("DEBUG", "INFO"):
        set_up_logging(read_settings({"BELLWETHER_LOG_LEVEL": level}))
        for name in ("httpx", "httpcore.http11", "aiokafka.conn", "kafka.conn"):
            assert not logging.getLogger(name).isEnabledFor(logging.INFO)
        assert logging.getLogger("workers").isEnabledFor(logging.DEBUG) == (level == "DEBUG")


@pytest.fixture
def restored_levels():
    names = [None, *_CHATTY, *_TELLTALE]
    before = {name: logging.getLogger(name).level for name in names}
    handlers = logging.getLogger().handlers[:]
    yield
    logging.getLogger().handlers[:] = handlers
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)
