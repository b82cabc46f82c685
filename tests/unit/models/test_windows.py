"""Long texts in windows: what each covers, and what it weighs."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.data import readable
from models.windows import HEADLINE, MOST_WINDOWS, pieces_of


@given(st.integers(0, 3_000), st.integers(1, 300))
def test_windows_of_one_length_cover_the_beginning_and_weigh_one(tokens: int, length: int) -> None:
    pieces = pieces_of(tokens, length)
    if not tokens:
        assert pieces == []
        return
    assert sum(weight for *_, weight in pieces) == pytest.approx(1.0)
    assert {end - start for start, end, _ in pieces} == {min(tokens, length)}
    assert pieces[0][0] == 0
    assert pieces[-1][1] == min(tokens, MOST_WINDOWS * length)
    assert all(after[0] <= before[1] for before, after in pairwise(pieces))
    assert pieces[0][2] >= HEADLINE


def test_a_full_stop_too_many_hardly_changes_an_answer() -> None:
    (_, _, first), (_, _, second) = pieces_of(95, 94)
    assert second == pytest.approx(1 / 95)
    assert first > 0.98


@given(st.text(alphabet="&amp;#380lgtx26 ht:/w.", max_size=60))
def test_text_that_was_read_once_stays_as_it_is(text: str) -> None:
    assert readable(readable(text)) == readable(text)


def test_what_was_encoded_twice_is_decoded() -> None:
    assert readable("Profit at AT&amp;amp;T &amp;lt; 3 %") == "Profit at AT&T < 3 %"
