"""How many different names a tally tells."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.distinct import SLOTS, Tally, distinct, negative, tally_of, together

names = st.lists(st.text(max_size=3), max_size=30)


def tally(some: Iterable[str]) -> Tally:
    return together(tally_of(name) for name in some)


@given(names, names, names)
def test_tallies_add_in_any_order_and_grouping(one, two, three):
    assert together((tally(one), tally(two))) == together((tally(two), tally(one)))
    assert together((together((tally(one), tally(two))), tally(three))) == together(
        (tally(one), together((tally(two), tally(three))))
    )
    assert together((tally(one), tally(two), tally(three))) == tally(one + two + three)


@given(names, names)
def test_what_was_added_can_be_taken_out(one, two):
    assert together((tally(one + two), negative(tally(two)))) == tally(one)


def test_nobody_is_none_and_one_name_is_one_however_often():
    assert distinct(()) == 0
    assert distinct(tally(["Ann"] * 1_000)) == 1


@pytest.mark.parametrize(
    ("different", "within"), [(2, 0), (10, 1), (30, 2), (100, 6), (1_000, 80), (5_000, 800)]
)
def test_different_names_are_told_closely(different, within):
    found = distinct(tally(f"voice {number}" for number in range(different)))
    assert abs(found - different) <= within


def test_more_than_can_be_told_is_still_a_number_and_bounded():
    full = tally(f"voice {number}" for number in range(50_000))
    assert len(full) == SLOTS
    assert distinct(full) == round(SLOTS * 6.931471805599453)
