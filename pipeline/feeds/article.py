"""An article's page: its words and what it says of itself."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from urllib.parse import urlsplit

from pipeline.errors import Unavailable
from pipeline.feeds.dates import parsed
from pipeline.feeds.fetch import Page
from pipeline.feeds.html_tree import read_tree
from pipeline.feeds.page_facts import read_facts
from pipeline.feeds.page_text import article_text
from pipeline.feeds.refusals import refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One article as its page gives it.

    `dated` says where `published_at` is from: the `page`, which names at least the `day`,
    or the answer's `header`; both are None when nothing names a time.
    """

    url: str
    title: str | None
    text: str
    author: str | None = None
    publisher: str | None = None
    lang: str | None = None
    published_at: datetime | None = None
    dated: str | None = None


def read_article(page: Page, zone: tzinfo = UTC) -> Article:
    """The article in `page`. Raises `Unavailable` with the reason when it is no HTML, or a
    refusal, a consent wall or an empty shell in place of an article."""
    tree = read_tree(page)
    facts = read_facts(tree, page.url, zone)
    text = article_text(tree, facts)
    reason = refused(tree, facts, text)
    if reason is not None:
        raise Unavailable(reason)
    at, dated = None, None
    if facts.published is not None:
        at, dated = facts.published.at, "day" if facts.published.day_only else "page"
    elif page.last_modified and (modified := parsed(page.last_modified)):
        at, dated = modified, "header"
    return Article(
        url=facts.canonical or page.url,
        title=facts.title,
        text=text,
        author=facts.author,
        publisher=facts.publisher or _host(facts.canonical or page.url),
        lang=facts.lang,
        published_at=at,
        dated=dated,
    )


def _host(url: str) -> str | None:
    """The site's name where the page gives none; None for an address without one."""
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    return host if re.search(r"\.[a-z]{2,}$", host) else None
