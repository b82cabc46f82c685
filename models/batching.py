"""Batches by padded cost: short texts together, so that no row pays for a long neighbour."""

from collections.abc import Iterator, Sequence


def token_batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Places of texts, grouped so that longest × rows stays within `budget` tokens.

    Every place comes exactly once, the longest texts first (what will not fit in memory
    fails at once, not at the end). A text over the budget travels alone.
    """
    order = sorted(range(len(lengths)), key=lambda place: (-lengths[place], place))
    batch: list[int] = []
    longest = 0
    for place in order:
        if batch and longest * (len(batch) + 1) > budget:
            yield batch
            batch = []
        if not batch:
            longest = max(1, lengths[place])
        batch.append(place)
    if batch:
        yield batch
