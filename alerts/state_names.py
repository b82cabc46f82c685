"""Under which names what the watch remembers is kept (`pipeline.ports.SeriesStates`)."""

from pipeline.trends import SeriesKey

BEGINNING = "stream:since"
WEEK = "stream:week"
REBUILT = "stream:rebuilt"
"""The latest rebuild: whoever holds states of before in memory drops them."""


def state_name(key: SeriesKey) -> str:
    """A series' state."""
    return f"series:{key}"


def fleet_name(partition: int) -> str:
    """What a partition's series count for. Versions before this one count each for one, under
    another name: neither adds to the other's sum."""
    return f"stream:fleet:{partition}"


def mood_name(key: SeriesKey) -> str:
    """A series' sentiment, where a rule asks for it."""
    return f"mood:{key}"
