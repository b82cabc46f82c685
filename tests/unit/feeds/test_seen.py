from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from pipeline.documents import Document, DocumentId
from pipeline.feeds.seen import edited, mark, read, remembered, words, written

DOCUMENT = Document(
    source="rss:a",
    published_at=datetime(2026, 3, 8, tzinfo=UTC),
    id=DocumentId("a"),
    title="Shares of Acme fall",
    text="By a tenth.",
)


@given(st.lists(st.lists(st.integers(0, 3000).map(str), unique=True, max_size=30), max_size=20))
def test_what_a_feed_shows_is_never_forgotten_and_memory_is_bounded(
    polls: list[list[str]],
) -> None:
    seen: dict[str, str] = {}
    for shown in polls:
        seen = remembered(seen, dict.fromkeys(shown, "w"))
        assert set(shown) <= seen.keys()
        assert len(seen) <= 1000


def test_a_feed_that_shows_more_than_the_memory_is_still_remembered_whole() -> None:
    shown = {str(number): "" for number in range(3000)}
    assert remembered(remembered({}, shown), shown) == shown
    assert len(remembered(shown, {f"new {n}": "" for n in range(3000)})) == 6000


@given(st.dictionaries(st.integers(0, 99).map(lambda n: mark(str(n))), st.sampled_from(["", "ab"])))
def test_what_is_written_is_read_again(seen: dict[str, str]) -> None:
    assert read(written(seen)) == seen


def test_other_words_are_an_edit_and_other_spaces_or_times_are_none() -> None:
    seen = {mark(DOCUMENT.id): words(DOCUMENT)}
    later = datetime(2026, 3, 9, tzinfo=UTC)
    assert edited([DOCUMENT], seen) == []
    assert edited([replace(DOCUMENT, text=" By a  tenth.\n", published_at=later)], seen) == []
    corrected = replace(DOCUMENT, text="By a fifth.")
    assert edited([corrected], seen) == [corrected]


def test_what_was_never_shown_or_remembered_without_words_is_not_edited() -> None:
    assert edited([DOCUMENT], {}) == []
    assert edited([DOCUMENT], {mark(DOCUMENT.id): ""}) == []
