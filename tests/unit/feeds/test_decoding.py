import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Unavailable
from pipeline.feeds.decoding import Inflater, decoded


def feed(title: str, encoding: str, declared: str | None) -> bytes:
    prolog = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    return f"{prolog}<rss><title>{title}</title></rss>".encode(encoding)


@pytest.mark.parametrize(
    ("title", "encoding", "declared", "header"),
    [
        ("Café 테스트", "utf-8", "utf-8", None),
        ("Café 테스트", "utf-8", None, None),
        # the prolog is wrong, the bytes are UTF-8
        ("Café 테스트", "utf-8", "ISO-8859-1", None),
        ("Café 테스트", "utf-8", "invalid", None),
        ("Café 테스트", "utf-8", "utf-16", None),
        ("Café 테스트", "utf-8", "zip", None),
        ("Euro €", "windows-1252", "windows-1252", None),
        ("Euro € “quoted”", "windows-1252", "ISO-8859-1", None),
        ("Euro €", "windows-1252", "utf-8", None),
        ("Euro €", "windows-1252", None, None),
        ("Пример ленты", "koi8-r", "KOI8-R", None),
        ("Пример ленты", "windows-1251", "windows-1251", None),
        ("上证指数下跌", "gb18030", "gb2312", None),
        ("上证指数下跌", "gbk", "GBK", "text/xml"),
        ("騰訊控股", "big5hkscs", "big5", None),
        ("日経平均", "shift_jis", "Shift_JIS", None),
        ("日経平均", "euc_jp", "EUC-JP", None),
        ("日経平均", "iso2022_jp", "ISO-2022-JP", None),
        # the header speaks for the transport and comes first
        ("Пример ленты", "koi8-r", None, "application/rss+xml; charset=KOI8-R"),
        ("Пример ленты", "windows-1251", "koi8-r", 'text/xml; charset="windows-1251"'),
        ("Café", "utf-16", "utf-16", None),
        ("Café", "utf-16-le", "utf-16", None),
        ("Café", "utf-16-be", None, None),
        ("Café", "utf-8-sig", "ISO-8859-1", None),
    ],
)
def test_a_feed_is_read_in_the_encoding_it_is_in(
    title: str, encoding: str, declared: str | None, header: str | None
) -> None:
    assert decoded(feed(title, encoding, declared), header) == f"<rss><title>{title}</title></rss>"


@pytest.mark.parametrize(
    ("words", "encoding"),
    [("贵州茅台股价下跌百分之五", "gb2312"), ("國泰航空股價下跌，分析師下調評級", "big5")],
)
@pytest.mark.parametrize("claim", [None, "utf-8", "iso-8859-1"])
def test_scripts_and_english_around_them_do_not_hide_chinese_words(
    words: str, encoding: str, claim: str | None
) -> None:
    declared = f'<meta charset="{claim}">' if claim else ""
    script = "<script>var settings = {mode: 1, name: 'player'};</script>" * 60
    page = f"<html><head>{declared}{script}<title>{words}</title></head><body>{words}</body></html>"
    assert f"<title>{words}</title>" in decoded(page.encode(encoding), "text/html")


@pytest.mark.parametrize("words", ["Ça va très bien, à bientôt — où ça ? Là-bas, déjà âgé.",
                                   "• • • • ———————— Preis 5 € “größer” … … …"])  # fmt: skip
def test_accents_and_rows_of_dashes_are_no_chinese(words: str) -> None:
    assert words in decoded(f"<p>{words}</p>".encode("cp1252"))


def test_a_damaged_byte_does_not_turn_utf_8_into_something_else() -> None:
    body = feed("上证指数", "utf-8", "utf-8").replace(b"</title>", b"\xff</title>")
    assert decoded(body) == "<rss><title>上证指数\ufffd</title></rss>"


def test_characters_illegal_in_xml_are_left_out() -> None:
    assert decoded(b"<rss>a\x00b\x08c\x1fd\te\n</rss>") == "<rss>abcd\te\n</rss>"


@given(st.binary(max_size=300), st.text(max_size=40))
def test_any_bytes_are_some_text(body: bytes, header: str) -> None:
    decoded(body, header).encode("utf-8")


@given(st.lists(st.binary(max_size=2000), max_size=8), st.integers(1, 50))
def test_what_was_compressed_comes_back_whatever_the_pieces(
    members: list[bytes], size: int
) -> None:
    # a gzip file may be several, one after another
    packed = b"".join(gzip.compress(member) for member in members)
    inflater = Inflater("gzip", 100_000)
    for start in range(0, len(packed), size):
        inflater.add(packed[start : start + size])
    assert inflater.finish() == b"".join(members)


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_not_one_byte_more_than_the_limit_is_taken(length: int, limit: int) -> None:
    inflater = Inflater("gzip", limit)
    packed = gzip.compress(bytes(length))
    if length <= limit:
        inflater.add(packed)
        assert len(inflater.finish()) == length
    else:
        with pytest.raises(Unavailable, match="longer"):
            inflater.add(packed)
