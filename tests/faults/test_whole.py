"""When every scenario is over: the whole archive, and everything Redis counted."""

from tests.faults.conftest import World


def test_everything_that_was_ever_published_is_archived_once_and_counted_once(world: World):
    cluster = world.cluster
    found = cluster.check()
    assert found["redis_equals_sql"] is True, found["differences"][:5]
    assert {run: cluster.archived(run) for run in world.settled} == world.settled
