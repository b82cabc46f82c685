"""How batches for the counting script are cut and named."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ports import CountedDocument
from pipeline.stores.trend_packing import Batch, batches, day_name, day_start, from_micros, micros
from pipeline.trends import EVERYTHING
from tests.contracts.streams import T0, counted, document

DAY = timedelta(days=1)


def cut(documents: Sequence[CountedDocument], most: int) -> list[Batch]:
    return list(batches(documents, 8 * DAY, DAY, most))


def test_a_batch_never_holds_more_contributions_than_allowed_unless_one_document_does():
    small = counted([document(f"d{n}") for n in range(10)])  # five contributions each
    large = counted([document("large", subjects=tuple("ABCDEFGH"))])
    sizes = [len(msgspec.msgpack.decode(batch.arguments[0])[2]) for batch in cut(small + large, 12)]
    assert sizes == [2, 2, 2, 2, 2, 1]


def test_no_documents_are_no_batch():
    assert cut([], 100) == []


def test_a_bucket_touched_by_many_documents_is_asked_for_once():
    (batch,) = cut(counted([document(f"d{n}") for n in range(10)]), 100)
    assert batch.buckets.count((EVERYTHING, T0)) == 1
    assert len(batch.buckets) == 5


def test_a_bucket_of_another_day_than_its_document_is_refused():
    (one,) = counted([document("a")])
    with pytest.raises(ValueError, match="counts in a bucket of"):
        cut([replace(one, at=one.at + DAY)], 100)


def test_a_bucket_that_does_not_begin_with_a_minute_is_refused():
    (one,) = counted([document("a")])
    (first, *_) = one.contributions
    late = replace(first, bucket=replace(first.bucket, start=T0 + timedelta(seconds=1)))
    with pytest.raises(ValueError, match="begins at"):
        cut([replace(one, contributions=(late,))], 100)


@given(
    st.datetimes(
        min_value=datetime(1970, 1, 1),  # noqa: DTZ001
        max_value=datetime(2199, 12, 31),  # noqa: DTZ001
        timezones=st.just(UTC),
    )
)
def test_times_and_days_come_back_exactly_and_fit_a_double(at):
    assert from_micros(micros(at)) == at
    assert float(micros(at)) == micros(at)
    assert day_start(day_name(at)) <= at < day_start(day_name(at)) + DAY
