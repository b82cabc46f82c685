"""The verbs on memory twins: every input ends in the output or is rejected by itself."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from pipeline.documents import Classification, Document, Sentiment, Subject, SubjectId
from pipeline.errors import Unavailable
from pipeline.ports import ClassifierInput, Linked
from pipeline.stages import Aggregate, ArchiveDocuments, Classify
from pipeline.stores.memory import MemoryArchive, MemoryTrendStore
from pipeline.stores.memory_stories import MemoryStoryIndex
from pipeline.trends import ALLOWED_LATENESS
from pipeline.wire import CLASSIFIED, DOCUMENTS, TRENDS, Outgoing, Record

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)


class Linker:
    """Every given ticker is a subject."""

    def read(self, document: Document) -> Linked:
        subjects = tuple(Subject(id=SubjectId(name), tickers=(name,)) for name in document.subjects)
        return Linked(subjects=subjects, mentions={one.id: one.tickers for one in subjects})


class Words:
    """Negative when the text says so; raises on `boom`, is away on `away`."""

    version = "words"

    def classify(self, inputs: Sequence[ClassifierInput]) -> list[Classification]:
        if any("boom" in one.text for one in inputs):
            raise ValueError("cannot read this")
        if any("away" in one.text for one in inputs):
            raise Unavailable("the model's server")
        bad, calm = Sentiment(0.9, 0.05, 0.05), Sentiment(0.1, 0.8, 0.1)
        return [
            Classification(
                model_version=self.version,
                topic="T",
                sentiment=bad if "bad" in one.text else calm,
                subject_sentiments={SubjectId("SPARED"): calm} if "SPARED" in one.text else {},
            )
            for one in inputs
        ]


def record(number: int, text: str = "calm", minute: int = 0, *subjects: str) -> Record:
    document = Document(
        source="test",
        text=text,
        published_at=AT + timedelta(minutes=minute),
        subjects=subjects,
        author=f"author {number}",
        extra={"guid": str(number)},
    )
    return raw(number, DOCUMENTS.encode(document).value)


def raw(number: int, value: bytes) -> Record:
    at = AT + timedelta(hours=2)
    return Record(topic="documents", partition=0, offset=number, at=at, key=None, value=value)


def classify() -> Classify:
    return Classify(Words(), Linker(), MemoryStoryIndex())


def again(outgoing: Sequence[Outgoing]) -> list[Record]:
    return [
        Record(topic="next", partition=0, offset=number, at=AT, key=one.key, value=one.value)
        for number, one in enumerate(outgoing)
    ]


def test_classify_keeps_order_and_rejects_singly():
    records = [record(0), raw(1, b"{"), record(2, "boom"), record(3, "bad news")]
    handled = classify()(records)
    answers = [CLASSIFIED.decode(one.value) for one in handled.outgoing]
    assert [one.document.extra["guid"] for one in answers] == ["0", "3"]
    assert answers[1].classification.sentiment == Sentiment(0.9, 0.05, 0.05)
    reasons = {one.offset: error.reason for one, error in handled.rejected}
    assert reasons.keys() == {1, 2}
    assert "ValueError" in reasons[2]


def test_a_text_that_breaks_the_linker_is_rejected_alone(caplog):
    class Breaks(Linker):
        def read(self, document: Document) -> Linked:
            if "odd" in (document.text or ""):
                raise ZeroDivisionError("no letters")
            return super().read(document)

    stage = Classify(Words(), Breaks(), MemoryStoryIndex())
    handled = stage([record(1), record(2, "odd"), record(3)])
    assert len(handled.outgoing) == 2
    ((broken, reason),) = handled.rejected
    assert broken.offset == 2
    assert "ZeroDivisionError" in str(reason)


def test_a_document_stays_in_the_partition_it_came_from():
    """Event time is kept in order within one; hashing the id would scatter a replay."""
    records = [replace(record(number), partition=2) for number in range(5)]
    assert {one.partition for one in classify()(records).outgoing} == {2}


def test_classify_holds_the_whole_batch_when_the_model_is_away():
    with pytest.raises(Unavailable):
        classify()([record(0), record(1, "away")])


def test_classify_gives_the_sentiment_towards_a_subject():
    handled = classify()([record(0, "bad for SPARED", 0, "SPARED", "HIT")])
    (found,) = [CLASSIFIED.decode(one.value) for one in handled.outgoing]
    towards = {subject.id: subject.sentiment for subject in found.subjects}
    assert towards == {"SPARED": Sentiment(0.1, 0.8, 0.1), "HIT": None}


def test_a_copy_tells_the_same_story_and_a_redelivery_is_no_copy():
    stage = classify()
    copies = [
        record(0, "Shares of X fall by 5 percent https://t.co/a"),
        record(1, "RT @someone: shares of X fall by 5 percent https://t.co/b"),
    ]
    first = [CLASSIFIED.decode(one.value).story for one in stage(copies).outgoing]
    assert [story.position for story in first] == [0, 1]
    assert first[0].id == first[1].id
    assert [CLASSIFIED.decode(one.value).story for one in stage(copies).outgoing] == first


def test_classify_says_what_came_too_late_and_which_languages_count_apart():
    """Late is by what this process read before it, in order, also within one batch."""
    stage = Classify(Words(), Linker(), MemoryStoryIndex(), languages_apart={"zh"})
    lateness = int(ALLOWED_LATENESS.total_seconds() // 60)
    english = [record(1, minute=lateness), record(2, minute=0), record(3, minute=-1)]
    chinese = record(4, "公司利润大幅下降，股价暴跌，投资者恐慌", minute=lateness)
    found = [
        CLASSIFIED.decode(one.value)
        for part in (english[:2], [english[2], chinese])
        for one in stage(part).outgoing
    ]
    assert [one.late for one in found] == [False, False, True, False]
    assert [one.lang for one in found][-1] == "zh"
    assert [one.lang_apart for one in found] == [False, False, False, True]


def test_aggregate_counts_once_and_sends_totals_again():
    store = MemoryTrendStore()
    records = again(classify()([record(0, "bad"), record(1, "calm")]).outgoing)
    first = Aggregate(store)(records)
    second = Aggregate(store)(records)
    assert [one.value for one in first.outgoing] == [one.value for one in second.outgoing]
    totals = {
        str(point.series): point.bucket.totals
        for point in (TRENDS.decode(one.value) for one in first.outgoing)
    }
    assert totals["*"].documents == 2
    assert totals["*"].negative == 1


def test_a_point_carries_the_watermark_of_its_last_document_not_of_the_batch():
    records = again(
        classify()([record(n, f"text {word}", n) for n, word in enumerate("abc")]).outgoing
    )
    whole = Aggregate(MemoryTrendStore())(records).outgoing
    stage = Aggregate(MemoryTrendStore())
    single: list[Outgoing] = []
    for one in records:
        single.extend(stage([one]).outgoing)
    assert [one.value for one in whole] == [one.value for one in single]
    watermarks = [TRENDS.decode(one.value).watermark for one in whole]
    assert watermarks == sorted(watermarks)
    assert watermarks[0] == AT


def test_archive_stores_each_document_once():
    archive = MemoryArchive()
    stage = ArchiveDocuments(archive, lambda: AT)
    records = again(classify()([record(0), record(1)]).outgoing)
    handled = stage([*records, *records, raw(9, b"nonsense")])
    assert archive.counts() == 2
    assert [one.offset for one, _ in handled.rejected] == [9]


def test_what_classify_sends_is_json_with_its_version():
    (sent,) = classify()([record(0)]).outgoing
    value = msgspec.json.decode(sent.value)
    assert value["v"] == 1
    assert sent.key.decode() == value["document"]["id"]
