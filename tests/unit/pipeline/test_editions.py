"""Which edition of a document is the newest."""

from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pipeline.editions import OLDEST, edition, newest_of
from tests.contracts.streams import T0, document

LATER = T0 + timedelta(milliseconds=1)


def test_an_edited_text_is_newer_than_any_classification_of_what_it_said_before():
    ranked = [
        OLDEST,
        edition(1, None, "a"),
        edition(1, T0, "a"),
        edition(1, LATER, "a"),
        edition(2, None, "a"),
        edition(2, T0, "a"),
        edition(300, T0, "a"),
        edition(1_000_000, T0, "a"),
    ]
    assert all(one < other for one, other in pairwise(ranked))


def test_the_classification_made_last_is_the_newest_whichever_model_made_it():
    first = document("a", model="b@2", classified_at=T0)
    back = document("a", model="a@1", classified_at=LATER)
    assert list(newest_of([first, back]).values()) == [back]
    assert list(newest_of([back, first]).values()) == [back]


def test_of_equal_editions_the_first_is_kept():
    one, same = document("a", topic="Earnings"), document("a", topic="M&A")
    assert list(newest_of([one, same]).values()) == [one]


@given(
    st.integers(1, 1_000_000),
    st.none() | st.datetimes(timezones=st.just(T0.tzinfo)).filter(lambda at: at.year >= 1970),
    st.text(),
)
def test_every_edition_is_sixteen_bytes_and_newer_than_none(version, at, model):
    assert len(edition(version, at, model)) == len(OLDEST) == 16
    assert edition(version, at, model) > OLDEST
