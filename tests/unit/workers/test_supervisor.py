"""Which children there are and when a failed one starts again."""

from itertools import pairwise

from workers.supervisor import restart_wait, stage_children

ENVIRONMENT = {"BELLWETHER_INSTANCE": "host-a", "PATH": "/bin"}


def test_waits_grow_and_stay_under_half_a_minute():
    waits = [restart_wait(failures) for failures in range(1, 40)]
    assert waits[0] == 0.5
    assert all(one <= next_one for one, next_one in pairwise(waits))
    assert max(waits) == 30.0


def test_every_child_has_a_name_and_an_instance_of_its_own():
    children = stage_children(("classify", "archive"), ENVIRONMENT, {"classify": 2})
    assert [child.name for child in children] == ["classify-1", "classify-2", "archive-1"]
    assert [child.environment["BELLWETHER_INSTANCE"] for child in children] == [
        "host-a-1",
        "host-a-2",
        "host-a-1",
    ]
    assert children[0].command[1:] == ("-m", "workers.cli", "run", "classify")
    assert all(child.environment["PATH"] == "/bin" for child in children)


def test_two_machines_do_not_claim_the_same_places_in_a_group():
    one = stage_children(("classify",), {"BELLWETHER_INSTANCE": "a"})
    other = stage_children(("classify",), {"BELLWETHER_INSTANCE": "b"})
    instances = {child.environment["BELLWETHER_INSTANCE"] for child in (*one, *other)}
    assert len(instances) == 2


def test_a_fixed_health_port_is_counted_up_from_child_to_child():
    children = stage_children(
        ("classify", "archive"), {**ENVIRONMENT, "BELLWETHER_HEALTH_PORT": "9100"}
    )
    ports = [child.environment["BELLWETHER_HEALTH_PORT"] for child in children]
    assert ports == ["9100", "9101"]


def test_without_a_fixed_health_port_each_child_finds_its_own():
    (child,) = stage_children(("classify",), ENVIRONMENT)
    assert child.environment.get("BELLWETHER_HEALTH_PORT", "0") == "0"
