"""How a series' hours are learned: half forgotten after a week, and a loud one only in part."""

HALF_LIFE_HOURS = 7 * 24.0
DECAY = 2.0 ** (-1.0 / HALF_LIFE_HOURS)


def ceiling(hours: list[int], learned: float) -> float:
    """The most an hour may teach, given the counts of its neighbours `hours` (with their
    zeros) and the `learned` mean: a burst must not become the new normal, a new normal
    that lasts half a day must."""
    base = learned
    if 2 * hours.count(0) < len(hours):
        base = max(base, float(sorted(hours)[len(hours) // 2]))
    return float(base + 3.0 * (base + 0.5 * base * base) ** 0.5 + 2.0)
