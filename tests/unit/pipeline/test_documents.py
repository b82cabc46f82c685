"""What a document may be, and what becomes of it when it arrives."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.documents import MAX_TEXT, Document, DocumentId, Sentiment, document_id, validated
from pipeline.errors import Rejected
from pipeline.wire import DOCUMENTS

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
PLAIN = Document(source="rss:test", published_at=AT - timedelta(hours=1), text="A text")


def test_a_plain_document_is_valid_and_gets_an_id():
    document = validated(PLAIN, AT)
    assert document.id.startswith("rss:test:")
    assert document.fetched_at == AT
    assert document.published_at == PLAIN.published_at


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"source": " "}, "source"),
        ({"source": "x" * 201}, "source"),
        ({"text": None}, "text"),
        ({"text": " \n"}, "text"),
        ({"text": "a\x00b"}, "text"),
        ({"title": "\x00"}, "title"),
        ({"text": "x" * (MAX_TEXT + 1)}, "text"),
        ({"published_at": datetime(1, 1, 1, tzinfo=UTC)}, "published_at"),
        ({"published_at": datetime(9999, 12, 31, tzinfo=UTC)}, "published_at"),
        (
            {"published_at": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))},
            "published_at",
        ),
        ({"published_at": datetime(2026, 1, 5)}, "published_at"),  # noqa: DTZ001
        ({"fetched_at": datetime(9999, 1, 1, tzinfo=UTC)}, "fetched_at"),
        ({"subjects": ("A\x00",)}, "subjects"),
        ({"subjects": ("A",) * 1001}, "subjects"),
        ({"v": 2}, "v"),
    ],
)
def test_what_cannot_be_is_rejected_by_field(change: dict[str, Any], field: str):
    with pytest.raises(Rejected) as refused:
        validated(replace(PLAIN, **change), AT)
    assert refused.value.reason.startswith(field)


def test_a_publication_time_in_the_future_is_held_to_the_arrival():
    document = validated(replace(PLAIN, published_at=AT + timedelta(days=1)), AT)
    assert document.published_at == AT


def test_a_fetch_time_in_the_future_does_not_excuse_one():
    late = AT + timedelta(days=1)
    document = validated(replace(PLAIN, published_at=late, fetched_at=late), AT)
    assert document.published_at == AT


def test_ids_follow_guid_then_url_then_text():
    by_text = document_id(PLAIN)
    with_url = replace(PLAIN, url="https://example.com/a")
    with_guid = replace(with_url, extra={"guid": "g1"})
    given_id = replace(with_guid, id=DocumentId("mine"))
    assert len({by_text, document_id(with_url), document_id(with_guid)}) == 3
    assert document_id(given_id) == "mine"
    # an edited text under the same url is the same document
    assert document_id(replace(with_url, text="Edited")) == document_id(with_url)


@given(
    st.builds(
        Document,
        source=st.text(min_size=1, max_size=20).filter(lambda s: s.strip() and "\x00" not in s),
        published_at=st.integers(86_400, 7_000_000_000).map(
            lambda seconds: datetime.fromtimestamp(seconds, UTC)
        ),
        text=st.text(min_size=1).filter(lambda s: s.strip() and "\x00" not in s),
        subjects=st.tuples(st.text(max_size=5).filter(lambda s: "\x00" not in s)),
    )
)
def test_validating_twice_changes_nothing_and_the_wire_keeps_it(document: Document):
    once = validated(document, AT)
    assert validated(once, AT) == once
    assert DOCUMENTS.decode(DOCUMENTS.encode(once).value) == once


@pytest.mark.parametrize(
    ("probabilities", "label"),
    [
        ((0.5, 0.3, 0.2), "negative"),
        ((0.2, 0.3, 0.5), "positive"),
        ((0.4, 0.2, 0.4), "neutral"),
        ((0.4, 0.4, 0.2), "neutral"),
    ],
)
def test_ties_go_to_the_less_exciting_label(probabilities, label: str):
    assert Sentiment(*probabilities).label == label
