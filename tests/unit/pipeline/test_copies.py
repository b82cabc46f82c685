"""What is a copy of what, from the text alone."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.copies import BANDS, Wording, is_copy, wording
from pipeline.documents import Document, DocumentId

AT = datetime(2026, 1, 5, tzinfo=UTC)
TEXT = "Acme shares fall sharply after warning of weak demand in Europe"


def words_of(text: str, *subjects: str, name: str = "d") -> Wording:
    return wording(Document(source="s", published_at=AT, text=text, id=DocumentId(name)), subjects)


@pytest.mark.parametrize(
    "copy",
    [
        f"RT @desk: {TEXT} https://t.co/x1",
        TEXT.upper(),
        f"{TEXT} $ACME $XYZ #stocks 123",
        TEXT.replace(" ", "  ") + "!!",
        TEXT.replace("Europe", "Eur…"),
        f"I said so. RT @desk: {TEXT}",
        f'"@desk: {TEXT}" lol',
        f"//@desk: {TEXT}",
        "ＡＣＭＥ shares fall sharply after warning of weak demand in Europe",
        f"Update: {TEXT}, chief says",
    ],
)
def test_a_copy_is_a_copy(copy: str):
    one, other = words_of(TEXT, "ACME"), words_of(copy, "ACME")
    assert is_copy(one, other)
    assert one.exact == other.exact or set(one.bands) & set(other.bands)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (TEXT, "Acme shares rise after the company lifts its outlook for Europe"),
        ("Acme up 3% in early trading today", "Acme up 5% in early trading today"),
        ("贵州茅台股价大跌，市场担忧需求疲软", "五粮液公布三季度业绩，营收同比增长"),
        ("buy acme", "sell acme"),
        (
            "Acme staunched the bleeding of its subscribers in Q4",
            "Acme staunched the bleeding of its subscribers in Q2",
        ),
    ],
)
def test_another_text_is_no_copy(one: str, other: str):
    assert not is_copy(words_of(one, "ACME"), words_of(other, "ACME"))


def test_the_same_words_about_another_company_are_no_copy():
    text = "is up in early trading after results"
    assert not is_copy(words_of(f"$AAPL {text}", "AAPL"), words_of(f"$TSLA {text}", "TSLA"))
    assert not is_copy(words_of(f"Foo {text}"), words_of(f"Tesla {text}", "TSLA"))


def test_the_tickers_a_source_gives_speak_before_what_is_named():
    text = "Apple is up in early trading after results"
    one = Document(source="s", published_at=AT, text=text, subjects=("AAPL",))
    other = Document(source="s", published_at=AT, text=text, subjects=("MSFT", "TSLA"))
    assert not is_copy(wording(one, ["AAPL"]), wording(other, ["AAPL"]))
    cashtags = Document(source="s", published_at=AT, text=f"{text} $aapl")
    assert is_copy(wording(one, ["AAPL"]), wording(cashtags, ["AAPL"]))


def test_a_number_among_cashtags_is_only_what_makes_copies_of_a_long_text_differ():
    text = (
        "urgent {} $ACME is about to collapse as insiders are dumping everything so sell before "
        "it is too late and read this leaked report"
    )
    one, other = text.format("$A $B 123"), text.format("$C 55")
    assert is_copy(words_of(one, "ACME"), words_of(other, "ACME"))


def test_traditional_and_simplified_characters_are_the_same_words():
    one, other = (
        words_of("貴州茅臺股價大跌，市場擔憂需求"),
        words_of("贵州茅台股价大跌，市场担忧需求"),
    )
    assert one.exact == other.exact


def test_a_long_article_is_known_by_its_beginning():
    article = " ".join(f"word{n}" for n in range(400))
    assert is_copy(words_of(article), words_of(" ".join(article.split()[:70])))


def test_a_text_without_words_is_the_link_it_gives_or_only_itself():
    assert words_of("https://t.co/abc", name="a").exact == words_of("https://t.co/abc").exact
    assert words_of("https://t.co/abc").exact != words_of("https://t.co/xyz").exact
    assert words_of("!!!", name="a").exact != words_of("!!!", name="b").exact


def test_who_is_passed_on_is_credited():
    assert words_of(f"RT @Desk: {TEXT}").credited == "desk"
    assert words_of(TEXT).credited is None


def test_a_text_of_few_words_has_no_near_copies():
    assert words_of("acme falls").bands == ()
    assert len(words_of(TEXT).bands) == BANDS


@given(st.text(), st.text())
def test_any_text_has_a_wording_and_copies_go_both_ways(one: str, other: str):
    first, second = words_of(one or "x", "A"), words_of(other or "x", "A")
    assert is_copy(first, first)
    assert is_copy(first, second) == is_copy(second, first)
