"""Redis, the database and the broker go away while 5,000 documents pass."""

import shutil
import time

import pytest

from tests.faults.conftest import World
from tests.faults.test_processes import during

OUTAGE_SECONDS = 10.0


def wait_out(world: World) -> None:
    """Let the outage last: the cluster is supervised meanwhile, as it would be."""
    ends = time.monotonic() + OUTAGE_SECONDS
    world.cluster.until(lambda: time.monotonic() >= ends, OUTAGE_SECONDS + 5, "the outage's end")


def test_redis_away_ten_seconds_with_its_data(world: World):
    plan = world.plan()

    def away() -> None:
        world.redis.stop()
        wait_out(world)
        world.redis.start()
        world.redis.wait_ready()

    during(world, plan, away)
    world.assert_whole(plan)
    world.assert_no_repeats()


def test_redis_comes_back_empty_and_is_rebuilt_from_sql(world: World):
    plan = world.plan()

    def emptied() -> None:
        world.redis.kill()
        shutil.rmtree(world.redis.folder / world.redis.name)
        world.redis.start()
        world.redis.wait_ready()

    during(world, plan, emptied)
    cluster = world.cluster
    cluster.until(lambda: cluster.archived(plan.run) == plan.documents, 90, "all archived")
    cluster.run("db", "rebuild-redis")
    world.settle(plan)
    assert cluster.check()["redis_equals_sql"] is True
    assert cluster.letters(plan.run) == set()


def test_the_database_away_ten_seconds(world: World):
    plan = world.plan()

    def away() -> None:
        world.database.stop()
        wait_out(world)
        world.database.start()

    during(world, plan, away)
    world.assert_whole(plan)
    world.assert_no_repeats()


def needs_a_broker_that_keeps_its_log(world: World) -> None:
    if world.broker.__class__.__name__ == "AttachedBroker":
        pytest.fail("this broker is not ours to stop: run with --kafka=apache", pytrace=False)


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_the_broker_away_ten_seconds(world: World, how: str):
    """SIGTERM, and SIGKILL: what was acknowledged to the producer is there afterwards."""
    needs_a_broker_that_keeps_its_log(world)
    plan = world.plan()

    def away() -> None:
        getattr(world.broker, how)()
        wait_out(world)
        world.broker.start()
        world.broker.wait_ready(60)

    during(world, plan, away)
    world.assert_whole(plan)
    world.assert_no_repeats()
