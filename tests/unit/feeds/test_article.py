import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Unavailable
from pipeline.feeds import json_ld
from pipeline.feeds.article import Article, read_article
from pipeline.feeds.fetch import Page
from tests.unit.feeds.samples import expected_article, sample_page, token_f1

URL = "https://news.example/2026/story"
BODY = (
    "<p>Shares of Acme fell 12 percent on Monday after the maker of anvils said that it would"
    " recall forty thousand of them.</p><p>The recall will cost about 90 million dollars, the"
    " company said, and it took back its forecast for the year.</p>"
)


def read(content: bytes | str, url: str = URL, zone: str = "UTC") -> Article:
    body = content.encode() if isinstance(content, str) else content
    return read_article(Page(url=url, content=body), ZoneInfo(zone))


def page(head: str = "", body: str = BODY, title: str = "Acme recalls anvils") -> str:
    return (
        f"<html lang=en><head><title>{title}</title>{head}</head><body><article>"
        f"<h1>{title}</h1>{body}</article></body></html>"
    )


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("name", "expected", "version"),
    [
        ("fundus__BusinessInsider_2024_02_14.html.gz", "fundus__BusinessInsider", "V1"),
        ("fundus__CNBC_2023_04_28.html.gz", "fundus__CNBC", "V1"),
        ("fundus__Reuters_2024_03_07.html.gz", "fundus__Reuters", "V1_1"),
    ],
)
def test_a_described_page_gives_its_title_its_minute_and_its_words(
    name: str, expected: str, version: str
) -> None:
    title, text, at = expected_article(f"{expected}.expected.json", version)
    article = read(sample_page(name))
    assert article.title == title
    assert article.published_at is not None
    assert abs(article.published_at - at) < timedelta(minutes=1)
    assert token_f1(article.text, text) >= 0.95


PAGES = {
    "fundus__FinancialPost_2026_06_06.html.gz": (
        "'Ends recession debate': economists weigh in on the latest jobs report",
        "Financial Post",
        utc(2026, 6, 5, 20, 43, 49),
    ),
    "newspaper3k__businessinsider.com1.html": (
        "Argentina's Huge Fighter Jet Purchase Could Raise Tensions With Britain",
        "Business Insider",
        utc(2014, 12, 29, 22, 4),
    ),
    "newspaper3k__businessweek.com1.html": (
        "Afghanistan's New Millionaires",
        "Businessweek.com",
        utc(2014, 12, 18, 10, 58, 52),
    ),
    "newspaper3k__fool.com1.html": (
        "7 Top Stocks to Buy for 2015",
        None,
        utc(2014, 12, 23, 1, 15),
    ),
    "newspaper3k__foxbusiness.com1.html": (
        "7 Powerful Ways to Convert Neutral Traffic into Paying Customers",
        "Fox Small Business Center",
        utc(2014, 12, 16, 16, 45, 18),
    ),
    "newspaper3k__reuters.com1.html": (
        "Sensex ends flat; weaker Asian markets offset reform hopes",
        None,
        utc(2014, 12, 30, 11, 3),
    ),
    "newspaper3k__reuters.com3.html": (
        "Bodies, debris from missing AirAsia plane pulled from sea off Indonesia",
        None,
        utc(2014, 12, 30, 23, 44, 40),
    ),
    "postlight__fortune.com.html": (
        "Here Are 6 Can’t-Miss Gadgets Powered By Amazon’s Alexa Assistant",
        "Fortune",
        utc(2016, 12, 15, 14, 57),
    ),
    "postlight__www.bloomberg.com--graphics.html": (
        "Americans Are Paying Apple Millions to Shelter Overseas Profits",
        "Bloomberg.com",
        utc(2016, 12, 7, 10),
    ),
    "postlight__www.bloomberg.com.html": (
        "Air Force One Costs Billions of Dollars Because It’s a Flying White House",
        "Bloomberg.com",
        utc(2016, 12, 7, 10, 0, 0, 11000),
    ),
    "postlight__www.cnbc.com.html": (
        "Coal's big US stronghold is losing steam, even as Trump aims for a revival",
        "CNBC",
        utc(2016, 12, 20, 15, 32, 57),
    ),
    # its meta element has the UTC clock under the local zone, its markup the right one
    "postlight__www.investmentexecutive.com.html": (
        "IMF dims outlook for 2023 global economy amid Ukraine war",
        "Investment Executive",
        utc(2022, 10, 11, 19, 11, 5),
    ),
    "trafilatura__economictimes.indiatimes.com.slideshow.html": (
        "The iPhone SE is in India, here's all we know",
        "The Economic Times",
        utc(2020, 6, 9, 9, 2),
    ),
    "trafilatura__latimes.com.bloomberg.html": (
        "As his first debate nears, Bloomberg is having to answer about his past",
        "Los Angeles Times",
        utc(2020, 2, 19, 12, 0, 10, 372000),
    ),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_real_page_gives_title_publisher_time_and_clean_text(name: str) -> None:
    title, publisher, at = PAGES[name]
    article = read(sample_page(name))
    assert (article.title, article.published_at, article.dated) == (title, at, "page")
    assert publisher is None or article.publisher == publisher
    assert len(article.text) > 1_000
    lines = article.text.split("\n")
    assert lines[0] != title
    for noise in ("Our Standards:", "Share this", "Sign up", "cookie", "<", "Advertisement"):
        assert not any(line.startswith(noise) for line in lines), noise


DATED = "2026-03-08T23:58:37Z"


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (f"<meta property='article:published_time' content='{DATED}'>", BODY),
        (f"<meta name=parsely-pub-date content={DATED}>", BODY),
        (f'<meta name=parsely-page content=\'{{"pub_date": "{DATED}"}}\'>', BODY),
        (f"<meta itemprop=datePublished content={DATED}>", BODY),
        (f"<meta name=DC.date.issued content={DATED}>", BODY),
        ("<meta name=pubdate content='Sun Mar 8 23:58:37 UTC 2026'>", BODY),
        (
            '<script type="application/ld+json">{"@graph": [{"@type": "WebPage"}, {"@type":'
            f'["NewsArticle"], "headline": "Acme recalls anvils", "datePublished": "{DATED}",}}]}}'
            "</script>",
            BODY,
        ),
        ("", f"<time datetime={DATED}>Sunday</time>{BODY}"),
        ("", f"<span itemprop=datePublished content={DATED}>Sunday</span>{BODY}"),
        ("", f"<div class=post-date>Published Mar 8, 2026 7:58:37 PM EDT</div>{BODY}"),
        ("", f"<div class=x1>Updated: March 8, 2026 19:58:37 ET</div>{BODY}"),
        # the day alone, where something else says the minute
        (
            "<meta name=date content=2026-03-08>",
            f"<p class=byline>By Jane Doe, March 8, 2026, 11:58:37 PM UTC</p>{BODY}",
        ),
        # no zone, where something else names it
        (
            "<meta property='article:published_time' content=2026-03-08T23:58:37>",
            f"<time datetime={DATED}></time>{BODY}",
        ),
    ],
)
def test_the_time_of_publication_is_read_wherever_a_page_has_it(head: str, body: str) -> None:
    article = read(page(head, body))
    assert (article.published_at, article.dated) == (utc(2026, 3, 8, 23, 58, 37), "page")


def test_a_page_that_names_a_day_is_dated_by_the_day_in_the_zone_of_its_source() -> None:
    article = read(page("<meta name=date content=2026-03-08>"), zone="Asia/Shanghai")
    assert (article.published_at, article.dated) == (utc(2026, 3, 7, 16), "day")
    assert read(page(), "https://news.example/2026/03/08/acme").published_at == utc(2026, 3, 8)


def test_the_time_is_the_pages_else_the_headers_else_unknown() -> None:
    modified = "Sun, 08 Mar 2026 10:00:00 GMT"

    def at(head: str, header: str | None) -> tuple[datetime | None, str | None]:
        answer = Page(url=URL, content=page(head).encode(), last_modified=header)
        article = read_article(answer)
        return article.published_at, article.dated

    meta = f"<meta name=pubdate content={DATED}>"
    assert at(meta, modified) == (utc(2026, 3, 8, 23, 58, 37), "page")
    assert at("", modified) == (utc(2026, 3, 8, 10), "header")
    assert at("<meta name=pubdate content=soon>", None) == (None, None)


def test_times_of_other_articles_on_the_page_are_not_taken() -> None:
    others = "<aside><time datetime=2026-05-05T10:00:00Z></time></aside>"
    assert read(page(body=BODY + others)).published_at is None


@pytest.mark.parametrize(
    ("told", "title"),
    [
        ("Acme recalls anvils", "Acme recalls anvils"),
        ("Acme recalls anvils | Example News", "Acme recalls anvils"),
        ("Acme recalls 40,000 anvils", "Acme recalls 40,000 anvils"),
        ("Example News - Acme recalls more", "Acme recalls more"),
        ("AT&amp;amp;T recalls anvils", "AT&T recalls anvils"),
    ],
)  # fmt: skip
def test_the_title_is_the_headline_without_the_sites_name(told: str, title: str) -> None:
    site = "<meta property=og:site_name content='Example News'>"
    assert read(page(f"<meta property=og:title content='{told}'>{site}")).title == title


def test_a_title_alone_loses_the_name_of_its_host() -> None:
    content = f"<title>Acme recalls anvils - The Example</title><body>{BODY}"
    assert read(content, "https://www.example.com/a").title == "Acme recalls anvils"


@pytest.mark.parametrize(
    ("head", "author"),
    [
        ("<meta name=author content='By Jane Doe'>", "Jane Doe"),
        (
            "<meta property=article:author content='https://news.example/jane'>"
            "<meta name=parsely-author content='Jane Doe'>",
            "Jane Doe",
        ),
        (
            '<script type="application/ld+json">[{"@type": "NewsArticle", "headline": "A",'
            ' "author": [{"name": "Jane Doe"}, {"name": "Max Roe"}]}]</script>',
            "Jane Doe, Max Roe",
        ),
        ("", None),
    ],
)
def test_the_author_is_who_the_page_names(head: str, author: str | None) -> None:
    assert read(page(head)).author == author


def test_a_page_filled_by_a_script_gives_the_text_of_its_json_ld() -> None:
    text = "Acme will recall forty thousand anvils, it said on Monday. " * 5
    content = (
        '<html><head><script type="application/ld+json">{"@type": "NewsArticle", "headline":'
        f' "Acme recalls anvils", "articleBody": "{text}"}}</script></head>'
        "<body><div id=root></div></body></html>"
    )
    article = read(content)
    assert (article.title, article.text) == ("Acme recalls anvils", text.strip())


def test_furniture_credits_and_repetitions_are_left_out() -> None:
    body = (
        BODY + "<div class=pullquote>forty thousand of them</div><ul><li><a href=/1>Another story"
        "</a></li><li><a href=/2>And one more</a></li></ul><p>Advertisement</p><p>Investors had"
        " expected a small profit, and the whole sector fell with Acme on Monday.</p>"
        "<p>Reporting by Jane Doe; Editing by Max Roe</p><p>Our Standards: The Principles.</p>"
    )
    assert [line.split()[0] for line in read(page(body=body)).text.split("\n")] == [
        "Shares",
        "The",
        "Investors",
    ]


def test_a_page_in_another_encoding_than_it_claims_is_read() -> None:
    chinese = (
        "<html><head><meta charset=iso-8859-1><title>上证指数下跌</title></head><body><p>"
        "上海证券交易所周一表示，将对违规行为加强监管，贵州茅台股价下跌百分之三。</p></body></html>"
    )
    assert read(chinese.encode("gb18030")).title == "上证指数下跌"


def hostile(name: str) -> bytes:
    return {
        "deep nesting": b"<html><body>" + b"<div>" * 50_000 + b"x",
        "many tags": b"<html><body>" + b"<p>x<p>" * 500_000,
        "as many tags as are read": b"<html><body>" + b"<h1>Acme</h1><time>x</time>" * 20_000,
        "many attributes": b"<html><p " + b" ".join(b'a%d="1"' % n for n in range(100_000)) + b">",
        "open comments": b"<html>" + b"<!--" * 400_000,
        "open brackets": b"<" * 2_000_000,
        "a long title": b"<html><title>" + b" - a" * 500_000 + b"</title>",
        "deep json": b"<html><script type=application/ld+json>" + b"[" * 100_000 + b"</script>",
        "nested lists": b"<html>" + b"<ul><li>" * 90 + b"<a href=x>text</a>" * 20_000,
    }[name]


@pytest.mark.parametrize(
    "name",
    [
        "deep nesting",
        "many tags",
        "as many tags as are read",
        "many attributes",
        "open comments",
        "open brackets",
        "a long title",
        "deep json",
        "nested lists",
    ],
)
def test_a_hostile_page_costs_little(name: str) -> None:
    content = hostile(name)
    began = time.process_time()
    with suppress(Unavailable):
        assert len(read(content).text) < 400_000
    # generous: the point is seconds instead of hours
    assert time.process_time() - began < 15


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(content: bytes) -> None:
    try:
        read(b"<html><body><p>Shares of Acme fell on Monday, it said." + content)
    except Unavailable as error:
        assert error.what


@pytest.mark.parametrize(
    "script",
    [
        '<!-- {"a": 1} -->',
        '//<![CDATA[\n{"a": 1}\n//]]>',
        '<![CDATA[{"a": 1}]]>',
        '/* by a plugin */ {"a": 1} ;',
        '{"a": 1,}',
    ],
)
def test_what_json_ld_is_wrapped_in_is_taken_off(script: str) -> None:
    assert json_ld._read(script) == {"a": 1}


def test_a_page_of_spaces_in_json_ld_takes_no_time() -> None:
    begun = time.process_time()
    assert json_ld._read('{"a":' + " " * 300_000 + "1}" + "\n" * 300_000) == {"a": 1}
    assert json_ld._read("/*" * 200_000) is None
    assert time.process_time() - begun < 10
