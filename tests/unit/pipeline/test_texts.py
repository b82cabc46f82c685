"""Languages, voices and novelty."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        ("Les actions chutent après l'annonce", "fr", "fr"),
        ("贵州茅台股价大跌", "en", "zh"),
        ("$BABA 阿里巴巴 股价 下跌 earnings", None, "zh"),
        ("Alibaba (阿里) reports earnings for the third quarter", None, "en"),
        ("任天堂の株価が下落した", None, "ja"),
        ("삼성전자 주가 하락", None, "ko"),
        ("Die Aktie stürzt nach der Gewinnwarnung ab", "en", "de"),
        ("Las acciones caen tras el aviso de beneficios", None, "es"),
        ("O lucro da empresa cresce no terceiro trimestre", "pt", "pt"),
        ("Tesla shares tumble after the earnings call", "fr", "en"),
        ("12345 $AAPL $TSLA https://t.co/x", "fr", "fr"),
        ("12345 $AAPL $TSLA https://t.co/x", None, "en"),
        ("12345", "und-x", "en"),
        ("新鮮の毎日優惠股價大跌", None, "zh"),
        ("貴州茅臺股價大跌", "zh-Hant", "zh"),
        ("任天堂株価下落", "ja", "ja"),
        ("Gildersome Mining召开copper mine发布会", "zh", "zh"),
        ("\x00\ud800 \x01 shares", None, "en"),
        ("Shares fall", "??", "en"),
    ],
)
def test_the_text_decides_and_the_tag_is_a_hint(text, tag, language):
    assert language_of(document(text, tag)) == language


@given(st.text(), st.none() | st.text(max_size=10))
def test_any_text_with_any_tag_has_a_language(text, tag):
    found = language_of(document(text, tag))
    assert 2 <= len(found) <= 3
    assert found.isalpha()


@pytest.mark.parametrize("text", ["(・_・)", "・ +5%", "゛", "・"])
def test_a_text_of_signs_that_are_no_letters_has_a_language(text):
    assert language_of(document(text, None)) in ("en", "ja")


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
