"""The form for matching: plain characters in the same places."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.matching import matching_form


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Ｔｅｓｌａ　１２３％", "Tesla 123%"),
        ("貴州茅臺股價大跌", "贵州茅台股价大跌"),
        ("贵州茅台股价大跌", "贵州茅台股价大跌"),
        ("𝗕𝘂𝘆 ＄ＡＡＰＬ ²", "Buy $AAPL 2"),
        ("Société générale", "Société générale"),
        ("㈱トヨタ™", "㈱トヨタ™"),
        ("ｿﾆｰ", "ソニー"),
    ],
)
def test_forms_of_one_character_become_plain(text: str, form: str) -> None:
    assert matching_form(text) == form


@given(st.text())
def test_every_character_keeps_its_place(text: str) -> None:
    assert len(matching_form(text)) == len(text)


@given(st.text())
def test_a_form_is_its_own_form(text: str) -> None:
    assert matching_form(matching_form(text)) == matching_form(text)


# beyond it are radicals, whose plain forms may be traditional characters
@given(st.text(st.characters(max_codepoint=0x2DFF)))
def test_what_is_plain_already_stays(text: str) -> None:
    plain = unicodedata.normalize("NFKC", text)
    kept = [
        (given, form)
        for given, form in zip(plain, matching_form(plain), strict=True)
        if given != form
    ]
    assert kept == []


def test_a_long_chinese_article_takes_a_millisecond_or_so() -> None:
    article = "貴州茅臺公布第三季度業績，營收同比增長。" * 250
    matching_form(article)
    began = time.process_time()
    matching_form(article)
    assert time.process_time() - began < 0.05
