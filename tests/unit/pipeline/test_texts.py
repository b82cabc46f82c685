"""Languages and stories, from the text alone."""

from datetime import UTC, datetime

import pytest

from pipeline.documents import Document, DocumentId
from pipeline.languages import language_of
from pipeline.stories import fingerprint

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


@pytest.mark.parametrize(
    "copy",
    [
        "RT @desk: Acme shares fall after warning https://t.co/x1",
        "acme SHARES fall after warning",
        "Acme shares fall after warning $ACME $XYZ #stocks 123",
        "Acme  shares fall, after warning!!",
    ],
)
def test_copies_share_a_fingerprint(copy: str):
    assert fingerprint(document(copy)) == fingerprint(document("Acme shares fall after warning"))


def test_other_words_are_another_story():
    assert fingerprint(document("Acme shares rise")) != fingerprint(document("Acme shares fall"))


def test_a_text_without_words_is_only_its_own_copy():
    link = "https://t.co/abc"
    assert fingerprint(document(link, name="a")) != fingerprint(document(link, name="b"))


def test_full_width_forms_are_the_same_words():
    assert fingerprint(document("ＡＣＭＥ shares")) == fingerprint(document("acme shares"))
