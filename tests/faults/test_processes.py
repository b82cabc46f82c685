"""Processes die, join and leave while 5,000 documents pass."""

import signal
from collections.abc import Callable
from datetime import timedelta
from threading import Thread

import pytest

from benchmarks.load import Plan
from tests.cluster import STREAM
from tests.faults.conftest import World

PER_SECOND = 700.0


def during(world: World, plan: Plan, fault: Callable[[], None], per_second: float = PER_SECOND):
    """Publish the plan; `fault` happens once a third of it is archived."""
    errors: list[BaseException] = []

    def publish() -> None:
        try:
            world.cluster.publish(plan.records(), per_second)
        except BaseException as error:  # shown in the test, not lost with the thread
            errors.append(error)

    sending = Thread(target=publish)
    sending.start()
    try:
        world.cluster.until(
            lambda: world.cluster.archived(plan.run) > plan.documents // 5, 90, "a fifth archived"
        )
        fault()
    finally:
        sending.join(150)
    assert not errors, errors


@pytest.mark.parametrize("stage", STREAM)
def test_a_killed_stage_is_restarted_and_nothing_is_lost(world: World, stage: str):
    plan = world.plan()

    def kill() -> None:
        for process in world.cluster.of(stage):
            process.kill()
        for process in world.cluster.of(stage):
            process.start()

    during(world, plan, kill)
    world.assert_whole(plan)
    if stage != "notify":  # a crash between send and record may repeat one there
        world.assert_no_repeats()


def test_two_of_three_classifiers_die_with_batches_in_flight(world: World):
    third = world.cluster.add("classify")
    plan = world.plan()
    victims = [world.cluster.of("classify")[0], third]

    def kill() -> None:
        for process in victims:
            process.kill()
        if world.embedded:
            # this broker never expires a member that died (docs/decisions.md, 2): nobody
            # takes over, the dead have to come back
            for process in victims:
                process.start()

    try:
        during(world, plan, kill)
        world.assert_whole(plan)
        world.assert_no_repeats()
    finally:
        if third.running:
            third.terminate(12)
        world.cluster.remove(third)
        if not victims[0].running:
            victims[0].start()


def test_a_third_classifier_joins_and_leaves_during_load(world: World):
    plan = world.plan()
    statuses: list[int] = []

    def join_and_leave() -> None:
        third = world.cluster.add("classify")
        world.cluster.until(
            lambda: "running" in third.log.read_text() and third.running, 30, "the third classifier"
        )
        world.cluster.until(
            lambda: world.cluster.archived(plan.run) > plan.documents // 2, 90, "half archived"
        )
        statuses.append(third.terminate(10))
        world.cluster.processes.remove(third)

    during(world, plan, join_and_leave, per_second=400)
    assert statuses == [0]
    world.assert_whole(plan)
    world.assert_no_repeats()


def test_classifiers_join_while_a_backlog_is_read_at_full_speed(world: World):
    """Every place on a batch's way is full when the partitions move."""
    first, second = world.cluster.of("classify")
    plan = world.plan(documents=10_000)
    assert [process.terminate(10) for process in (first, second)] == [0, 0]
    world.cluster.publish(plan.records(), 1e6)
    first.start()
    world.cluster.until(
        lambda: world.cluster.archived(plan.run) > plan.documents // 50, 90, "the first documents"
    )
    second.start()
    world.assert_whole(plan)
    world.assert_no_repeats()


def test_sigterm_drains_and_exits_with_status_0_within_10_seconds(world: World):
    plan = world.plan(documents=2000)
    statuses: dict[str, int] = {}

    def roll() -> None:
        for stage in (*STREAM, "housekeeping"):
            for process in world.cluster.of(stage):
                statuses[process.name] = process.terminate(10)
                process.start()

    during(world, plan, roll, per_second=200)
    assert set(statuses.values()) == {0}, statuses
    world.assert_whole(plan)
    world.assert_no_repeats()


def test_a_stopped_process_that_wakes_up_does_no_harm(world: World):
    """SIGSTOP past the session timeout: its partitions move, then it comes back."""
    plan = world.plan()
    sleeper = world.cluster.of("classify")[0]

    def sleep_and_wake() -> None:
        sleeper.send(signal.SIGSTOP)
        try:
            world.cluster.until(
                lambda: world.cluster.archived(plan.run) == plan.documents, 90, "all archived"
            )
        finally:
            sleeper.send(signal.SIGCONT)

    during(world, plan, sleep_and_wake)
    world.assert_whole(plan)
    world.assert_no_repeats()


def test_ten_minutes_of_disorder_change_nothing(world: World):
    plan = world.plan(disorder=timedelta(minutes=10))
    world.cluster.publish(plan.records(), PER_SECOND)
    world.assert_whole(plan)
    world.assert_no_repeats()
