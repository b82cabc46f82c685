"""Languages, voices and novelty."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.documents import (
    Classification,
    ClassifiedDocument,
    Document,
    DocumentId,
    Story,
)
from pipeline.languages import language_of
from pipeline.stories import novelty

AT = datetime(2026, 1, 5, tzinfo=UTC)


def document(text: str, lang: str | None = None, name: str = "d") -> Document:
    return Document(source="s", published_at=AT, text=text, lang=lang, id=DocumentId(name))


@pytest.mark.parametrize(
    ("text", "tag", "language"),
    [
        ("Shares fall", None, "en"),
        ("Shares fall", "en-US", "en"),
        ("Les actions chutent", "fr", "fr"),
        ("贵州茅台股价大跌", "en", "zh"),
        ("$BABA 阿里巴巴 股价 下跌 earnings", None, "zh"),
        ("Alibaba (阿里) reports earnings for the third quarter", None, "en"),
        ("任天堂の株価が下落した", None, "ja"),
        ("삼성전자 주가 하락", None, "ko"),
        ("12345", "und-x", "und"),
        ("Shares fall", "??", "en"),
    ],
)
def test_the_script_decides_and_the_tag_is_a_hint(text, tag, language):
    assert language_of(document(text, tag)) == language


def test_a_publishers_family_speaks_before_its_authors():
    one = replace(document("text"), author="Jane", publisher="The Daily")
    assert one.voice == "Jane"
    assert replace(one, extra={"publisher_family": "Example Group"}).voice == "Example Group"
    assert replace(one, extra={"publisher_family": 7}).voice == "Jane"
    assert replace(one, author=None).voice == "The Daily"


def classified(story: Story) -> ClassifiedDocument:
    return ClassifiedDocument(
        document=replace(document("text"), author="Jane"),
        lang="en",
        subjects=(),
        story=story,
        classification=Classification(model_version="m"),
    )


def test_a_copy_speaks_with_the_voice_of_who_told_it_first():
    assert classified(Story(id="x")).voice == "Jane"
    assert classified(Story(id="x", position=3, voice="Reporter")).voice == "Reporter"


def test_only_the_first_telling_that_is_no_spam_is_novel():
    assert classified(Story(id="x")).novel
    assert not classified(Story(id="x", position=1)).novel
    assert not classified(Story(id="x", suspected_spam=True)).novel


def test_novelty_falls_with_every_telling_and_with_age():
    assert [novelty(n, timedelta(0)) for n in range(5)] == [100, 75, 56, 42, 32]
    assert novelty(0, timedelta(hours=24)) == 50
    assert novelty(1, timedelta(hours=48)) == 19
    assert novelty(10**9, timedelta(days=10**6)) == 0
    assert novelty(0, timedelta(hours=-5)) == 100
