import time
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.feeds.robots import MOST_BYTES, read


def allowed(robots: str, *paths: str) -> list[bool]:
    found = read(robots.encode())
    return [found.allows(path) for path in paths]


def test_the_group_that_names_us_applies_and_the_one_for_all_does_not() -> None:
    text = "User-agent: *\nDisallow: /\n\nUser-Agent: BellWether/1.0\nDisallow: /private\n"
    assert allowed(text, "/feed", "/private/x") == [True, False]


def test_the_group_for_all_applies_where_none_names_us() -> None:
    text = "User-agent: Googlebot\nAllow: /\n\nUser-agent: *\nDisallow: /a"
    assert allowed(text, "/a", "/b") == [False, True]


def test_several_names_share_their_rules_and_groups_of_one_name_are_joined() -> None:
    text = (
        "user-agent: other\nuser-agent: bellwether\ndisallow: /a\n"
        "user-agent: third\ndisallow: /\nuser-agent: bellwether\ndisallow: /b"
    )
    assert allowed(text, "/a", "/b", "/c") == [False, False, True]


def test_the_longest_match_decides_and_allow_wins_a_draw() -> None:
    # the example of the RFC, and its neighbours
    text = (
        "User-Agent: *\nAllow: /example/page/\n"
        "Disallow: /example/page/disallowed.gif\nDisallow: /draw\nAllow: /draw"
    )
    assert allowed(text, "/example/page/", "/example/page/disallowed.gif", "/draw") == [
        True,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/", "/anything", True),
        ("/fish", "/fish.html?x=1", True),
        ("/fish", "/Fish", False),
        ("/fish*", "/fishheads", True),
        ("/fish/", "/fish", False),
        ("/*.php", "/folder/file.php?x", True),
        ("/*.php$", "/file.php?x", False),
        ("/*.php$", "/file.php", True),
        ("/a$", "/a", True),
        ("/a$", "/ab", False),
        ("/a*b*c$", "/aXbXc", True),
        ("/ab*b$", "/ab", False),
        ("*/rss", "/x/rss", True),
        ("/foo/bar?baz=http://foo.bar", "/foo/bar?baz=http://foo.bar", True),
        ("/foo/bar/ツ", "/foo/bar/%E3%83%84", True),
        ("/foo/bar/%E3%83%84", "/foo/bar/%e3%83%84", True),
        ("/foo/bar/%62%61%7A", "/foo/bar/baz", True),
        ("/a%2Fb", "/a/b", False),
    ],
)
def test_patterns_match_as_the_rfc_says(pattern: str, path: str, matches: bool) -> None:
    assert allowed(f"user-agent: *\ndisallow: {pattern}", path) == [not matches]


def test_an_empty_disallow_a_page_and_nothing_forbid_nothing() -> None:
    for text in ("", "user-agent: *\ndisallow:", "<html>Not found: sorry</html>", "disallow: /"):
        assert allowed(text, "/feed") == [True]


def test_robots_txt_itself_may_always_be_asked_for() -> None:
    assert allowed("user-agent: *\ndisallow: /", "/robots.txt", "/") == [True, False]


def test_comments_spaces_line_ends_and_a_byte_order_mark_do_not_matter() -> None:
    text = "\ufeffUSER-AGENT : * # all\r\n  Disallow :/a  # this\rDisallow: /b"
    assert allowed(text, "/a", "/b", "/c") == [False, False, True]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("10", 10.0), ("0.5", 0.5), ("-1", 0.0), ("soon", 0.0), ("999999", 3600.0), ("1e9", 0.0)],
)
def test_a_crawl_delay_is_kept_up_to_an_hour(value: str, seconds: float) -> None:
    found = read(f"user-agent: *\ncrawl-delay: {value}\ndisallow: /x".encode())
    assert found.delay == timedelta(seconds=seconds)
    assert not found.allows("/x")


def test_what_comes_behind_the_limit_is_not_read() -> None:
    text = "user-agent: *\n" + "#" * MOST_BYTES + "\ndisallow: /"
    assert allowed(text, "/feed") == [True]


def test_a_line_that_the_limit_cuts_does_not_count() -> None:
    line = "\ndisallow: /private"
    text = "user-agent: *\n" + "#" * (MOST_BYTES - 14 - len(line) + 7) + line
    assert allowed(text, "/feed") == [True]


def test_a_hostile_file_costs_no_time() -> None:
    stars = "user-agent: *\n" + "\n".join("disallow: /" + "a*" * 900 + "b$" for _ in range(250))
    began = time.process_time()
    assert allowed(stars, "/" + "a" * 3_000) == [True]
    assert time.process_time() - began < 2


@given(st.binary(max_size=400), st.text(max_size=50))
def test_no_bytes_and_no_path_make_it_fail(content: bytes, path: str) -> None:
    read(b"user-agent: *\ndisallow: " + content).allows("/" + path)
