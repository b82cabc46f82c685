import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.feeds.paragraphs import one_line, plain


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One.</p><p>Two.</p>", "One.\nTwo."),
        ("<div>One<br/>Two<br>Three</div>", "One\nTwo\nThree"),
        ("<p>One <b>bold</b> <a href='x'>link</a>.</p>", "One bold link."),
        ("<ul><li>a</li><li>b</li></ul>", "a\nb"),
        ("<p>a</p>\n\n\n<p>  b\n c </p>", "a\nb c"),
        ("<p>AT&amp;T fell 5&nbsp;% &#8212; &euro;3</p>", "AT&T fell 5 % — €3"),
        ("<script>alert(1)</script><p>News</p><style>p{}</style>", "News"),
        ("<iframe src='x'>fallback</iframe>News", "News"),
        ("<img src='x' alt='picture'>News", "News"),
        ("<!-- hidden -->News", "News"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a\nb"),
        ("No markup &amp; an entity", "No markup & an entity"),
        ("Line one\nstill one\n\nTwo", "Line one still one\nTwo"),
        ("Profit < loss and 3 > 2", "Profit < loss and 3 > 2"),
        ("<p>unclosed <b>tags", "unclosed tags"),
        ("<svg/><p>News</p>", "News"),
        ("<p>Profit x<5</p>", "Profit x<5"),
        ("", ""),
    ],
)
def test_html_becomes_the_paragraphs_a_reader_sees(html: str, text: str) -> None:
    assert plain(html) == text


def test_nothing_is_nothing() -> None:
    assert plain(None) == ""


def test_a_title_is_one_line() -> None:
    assert one_line("<b>Shares</b>\n of\n\n Acme") == "Shares of Acme"


@given(st.text(alphabet=st.sampled_from("<>/!-&;#pbrx \n\"'="), max_size=200))
def test_no_markup_breaks_the_reader(text: str) -> None:
    for paragraph in plain(text).split("\n"):
        assert paragraph == paragraph.strip()


@given(st.lists(st.text(alphabet="abc αβγ 股票", min_size=1).filter(str.strip), max_size=6))
def test_every_paragraph_is_kept_in_order(paragraphs: list[str]) -> None:
    html = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    assert plain(html) == "\n".join(" ".join(one.split()) for one in paragraphs)


@pytest.mark.parametrize("piece", ["<a ", "if a <b and ", "<!-- ", "<!x ", "<", "</", "<a b='"])
def test_markup_that_never_ends_takes_no_more_time_than_its_length(piece: str) -> None:
    begun = time.process_time()
    plain(piece * (400_000 // len(piece)))
    # what is quadratic takes minutes
    assert time.process_time() - begun < 10


def test_text_in_cdata_is_text() -> None:
    assert plain("<![CDATA[<p>Profit fell.</p>]]>") == "Profit fell."
    assert plain("News<!-- a <b> c") == "News"


@pytest.mark.parametrize("comment", ["<!--x-- >", "<!-->", "<!--->", "<!-- a --!>", "<!-- a -->"])
def test_a_comment_ends_where_a_browser_ends_it(comment: str) -> None:
    assert plain(f"<p>a</p>{comment}<p>The rest</p>") == "a\nThe rest"
    script = '<script>document.write("<!--")</script>'
    assert plain(f"<p>a</p>{script}<p>The rest</p>") == "a\nThe rest"
