"""Batches by padded cost."""

from hypothesis import given
from hypothesis import strategies as st

from models.batching import token_batches

LENGTHS = st.lists(st.integers(0, 600), max_size=200)


@given(LENGTHS, st.integers(1, 4096))
def test_every_text_travels_exactly_once(lengths: list[int], budget: int) -> None:
    places = [place for batch in token_batches(lengths, budget) for place in batch]
    assert sorted(places) == list(range(len(lengths)))


@given(LENGTHS, st.integers(1, 4096))
def test_no_batch_costs_more_than_the_budget_unless_one_text_does(
    lengths: list[int], budget: int
) -> None:
    for batch in token_batches(lengths, budget):
        cost = max(lengths[place] for place in batch) * len(batch)
        assert cost <= budget or len(batch) == 1


def test_short_texts_do_not_pay_for_a_long_neighbour() -> None:
    assert list(token_batches([500, 4, 4, 4], budget=512)) == [[0], [1, 2, 3]]
