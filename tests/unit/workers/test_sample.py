"""The bundled sample is what its docstring says it is."""

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from models.lexicon_topics import TOPICS
from models.load import load_classifier
from pipeline.copies import wording
from pipeline.documents import Classification, Document, SubjectId, validated
from pipeline.languages import language_of
from pipeline.ports import ClassifierInput
from pipeline.stores.memory_stories import MemoryStoryIndex
from pipeline.stories import telling
from pipeline.wire import DOCUMENTS, encode_json
from workers.sample import DECOYS, EXPECTED, LENGTH, SEED, Planted, sample_documents
from workers.sample_companies import COMPANIES
from workers.sample_stories import POSITIVE_DAY, REPOSTS, SPAM

ENDS_AT = datetime(2026, 3, 4, 16, 27, 41, tzinfo=UTC)


@pytest.fixture(scope="module")
def records() -> list[dict[str, Any]]:
    return list(sample_documents(ends_at=ENDS_AT))


@pytest.fixture(scope="module")
def documents(records: list[dict[str, Any]]) -> list[Document]:
    return [validated(DOCUMENTS.decode(encode_json(record)), ENDS_AT) for record in records]


@pytest.fixture(scope="module")
def answers(documents: list[Document]) -> list[Classification]:
    return load_classifier("baseline").classify(
        [
            ClassifierInput(
                title=one.title or "", text=one.text or "", lang=language_of(one), mentions={}
            )
            for one in documents
        ]
    )


def within(planted: Planted, documents: list[Document]) -> list[Document]:
    starts, ends = planted.window(ENDS_AT)
    ticker = planted.subject.removeprefix("ticker:")
    return [
        one for one in documents if ticker in one.subjects and starts <= one.published_at < ends
    ]


def test_it_holds_about_six_thousand_documents_of_forty_companies(
    documents: list[Document],
) -> None:
    assert 5_500 <= len(documents) <= 6_500
    assert len(COMPANIES) == 40
    written_about = {ticker for one in documents for ticker in one.subjects}
    assert written_about == {company.ticker for company in COMPANIES}


def test_every_record_is_a_valid_document_with_its_own_id(
    records: list[dict[str, Any]], documents: list[Document]
) -> None:
    assert len({one.id for one in documents}) == len(records)
    for record, document in zip(records, documents, strict=True):
        # validation changed nothing: no clamped time, no made-up id
        assert document.id == record["id"]
        assert document.published_at == datetime.fromisoformat(record["published_at"])


def test_every_record_says_that_it_is_synthetic(records: list[dict[str, Any]]) -> None:
    assert all(record["extra"] == {"synthetic": True} for record in records)


def test_time_runs_forward_over_the_48_hours_before_the_end(documents: list[Document]) -> None:
    times = [one.published_at for one in documents]
    assert times == sorted(times)
    assert ENDS_AT - LENGTH <= times[0] < ENDS_AT - LENGTH + timedelta(hours=1)
    assert ENDS_AT - timedelta(hours=1) < times[-1] <= ENDS_AT


def test_the_same_seed_gives_the_same_sample_and_another_seed_another(
    records: list[dict[str, Any]],
) -> None:
    assert list(sample_documents(SEED, ends_at=ENDS_AT)) == records
    other = list(sample_documents(SEED + 1, ends_at=ENDS_AT))
    assert [one.get("text") for one in other] != [one.get("text") for one in records]


def test_the_end_moves_the_sample_without_changing_its_words(
    records: list[dict[str, Any]],
) -> None:
    later = ENDS_AT.astimezone(timezone(timedelta(hours=5))) + timedelta(days=3)
    moved = list(sample_documents(ends_at=later))
    shift = {
        datetime.fromisoformat(two["published_at"]) - datetime.fromisoformat(one["published_at"])
        for one, two in zip(records, moved, strict=True)
    }
    assert shift == {timedelta(days=3)}
    assert [one.get("text") for one in moved] == [one.get("text") for one in records]
    # a second replay is new documents, not the old ones again
    assert not {one["id"] for one in moved} & {one["id"] for one in records}


def test_reposts_name_a_document_that_came_before(records: list[dict[str, Any]]) -> None:
    seen: set[str] = set()
    reposts = 0
    for record in records:
        if "repost_of" in record:
            reposts += 1
            assert record["repost_of"] in seen
        seen.add(record["id"])
    assert reposts >= 100


def test_days_have_a_rhythm(documents: list[Document]) -> None:
    first_day = [one for one in documents if one.published_at < ENDS_AT - timedelta(hours=24)]
    by_hour = Counter(
        (one.published_at - (ENDS_AT - LENGTH)) // timedelta(hours=3) for one in first_day
    )
    assert max(by_hour.values()) > 3 * min(by_hour.values())


def test_all_topics_three_languages_and_many_voices_speak(
    documents: list[Document], answers: list[Classification]
) -> None:
    assert {one.topic for one in answers} - {None} == set(TOPICS)
    assert {language_of(one) for one in documents} == {"en", "zh", "fr"}
    assert len({one.source for one in documents}) >= 8
    assert len({one.publisher for one in documents if one.publisher}) >= 5
    assert len({one.voice for one in documents}) >= 1_000


def test_ordinary_news_has_its_natural_share_of_bad_news(
    documents: list[Document], answers: list[Classification]
) -> None:
    first_day = [
        answer.sentiment.label
        for one, answer in zip(documents, answers, strict=True)
        if one.published_at < ENDS_AT - timedelta(hours=24) and answer.sentiment
    ]
    assert 0.10 <= first_day.count("negative") / len(first_day) <= 0.15


def test_the_planted_surges_are_negative_in_many_different_words(
    documents: list[Document], answers: list[Classification]
) -> None:
    read = {one.id: answer for one, answer in zip(documents, answers, strict=True)}
    for planted in EXPECTED:
        texts = within(planted, documents)
        negative = [
            one for one in texts if (felt := read[one.id].sentiment) and felt.label == "negative"
        ]
        assert len({wording(one).template for one in negative}) >= 25, planted.kind
        assert len({one.voice for one in negative}) >= 20, planted.kind


def test_the_supplier_is_named_wherever_its_customer_is_hit(documents: list[Document]) -> None:
    hit = next(one for one in EXPECTED if one.related)
    other = hit.related[0].removeprefix("ticker:")
    both = [one for one in within(hit, documents) if other in one.subjects]
    assert len(both) >= 40


def test_spam_and_reposts_are_many_documents_but_one_story(documents: list[Document]) -> None:
    for planted in (SPAM, REPOSTS):
        tellings = [
            telling(one, [SubjectId(name) for name in one.subjects])
            for one in within(planted, documents)
        ]
        told = Counter(story.id for story in MemoryStoryIndex().place(tellings))
        ((_, copies),) = told.most_common(1)
        assert copies >= 140, planted.kind


def test_the_positive_day_is_loud_and_good(
    documents: list[Document], answers: list[Classification]
) -> None:
    read = {one.id: answer for one, answer in zip(documents, answers, strict=True)}
    labels = Counter(
        sentiment.label
        for one in within(POSITIVE_DAY, documents)
        if (sentiment := read[one.id].sentiment)
    )
    assert labels.total() >= 150
    assert labels["positive"] > 3 * labels["negative"]


def test_everything_planted_lies_in_the_second_day_on_subjects_of_its_own() -> None:
    planted = EXPECTED + DECOYS
    for one in planted:
        starts, ends = one.window(ENDS_AT)
        assert ENDS_AT - timedelta(hours=24) < starts < ends <= ENDS_AT
    assert len({one.subject for one in planted}) == len(planted) == 6
