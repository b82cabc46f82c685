"""Ten minutes of everything at once: `make soak`."""

import random
import signal
from threading import Thread

import pytest

from tests.cluster import Process
from tests.faults.conftest import World

DOCUMENTS = 60_000
PER_SECOND = 100.0


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [1])
def test_nothing_is_lost_in_ten_minutes_of_random_faults(world: World, seed: int):
    """Every few seconds something is killed, stopped, put to sleep or taken away."""
    chance = random.Random(seed)
    cluster = world.cluster
    plan = world.plan(documents=DOCUMENTS, surges=2)
    errors: list[BaseException] = []

    def publish() -> None:
        try:
            cluster.publish(plan.records(), PER_SECOND)
        except BaseException as error:  # shown below, not lost with the thread
            errors.append(error)

    sending = Thread(target=publish)
    sending.start()

    def idle(seconds: float) -> None:
        """Supervise for so long."""
        rounds = [max(1, round(seconds / 0.25))]

        def over() -> bool:
            rounds[0] -= 1
            return rounds[0] < 0

        cluster.until(over, seconds + 30, "time to pass")

    def kill(process: Process) -> None:
        process.kill()
        idle(chance.uniform(0, 5))
        process.start()

    def roll(process: Process) -> None:
        assert process.terminate(10) == 0
        process.start()

    def sleep(process: Process) -> None:
        process.send(signal.SIGSTOP)
        idle(chance.uniform(2, 15))
        process.send(signal.SIGCONT)

    def redis_away(_process: Process) -> None:
        world.redis.stop()
        idle(chance.uniform(1, 8))
        world.redis.start()
        world.redis.wait_ready()

    def database_away(_process: Process) -> None:
        world.database.stop()
        idle(chance.uniform(1, 8))
        world.database.start()

    def broker_away(_process: Process) -> None:
        world.broker.kill()
        idle(chance.uniform(1, 8))
        world.broker.start()
        world.broker.wait_ready(60)

    try:
        while sending.is_alive():
            idle(chance.uniform(3, 12))
            process = chance.choice([one for one in cluster.processes if one.running])
            fault = chance.choice([kill, kill, roll, sleep, redis_away, database_away, broker_away])
            fault(process)
    finally:
        sending.join(300)
    assert not errors, errors
    world.settle(plan, seconds=300)
    assert cluster.archived(plan.run) == DOCUMENTS
    assert cluster.letters(plan.run) == set()
    for surge in range(plan.surges):
        world.assert_alerted(plan.subject(surge))
