"""What reaches the log, and how often."""

import json
import logging
from dataclasses import dataclass

from workers.logs import JsonFormatter, OncePerWhile


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
