"""A turn is one process's for as long as its work lasts."""

import time
from datetime import timedelta

import pytest
from redis import Redis

from workers.job_lock import job_lock

HELD = timedelta(milliseconds=150)


def taken(client: Redis) -> bool:
    with job_lock(client, "turn", HELD) as mine:
        return mine


def test_a_turn_is_kept_while_its_work_lasts_and_then_the_next_ones(redis_client: Redis) -> None:
    end = time.monotonic() + 4 * HELD.total_seconds()
    with job_lock(redis_client, "turn", HELD) as mine:
        assert mine
        while time.monotonic() < end:
            assert not taken(redis_client)
    assert taken(redis_client)


def test_work_that_fails_gives_its_turn_back(redis_client: Redis) -> None:
    with pytest.raises(ZeroDivisionError), job_lock(redis_client, "turn", HELD):
        raise ZeroDivisionError
    assert taken(redis_client)


def test_the_turn_of_a_process_that_was_killed_is_over_soon(redis_client: Redis) -> None:
    redis_client.set("turn", "of somebody else", px=HELD)
    end = time.monotonic() + 10.0
    while not taken(redis_client):
        assert time.monotonic() < end


def test_a_turn_that_was_lost_is_not_taken_back(redis_client: Redis) -> None:
    with job_lock(redis_client, "turn", HELD) as mine:
        assert mine
        redis_client.set("turn", "of somebody else")
    assert redis_client.get("turn") == b"of somebody else"
