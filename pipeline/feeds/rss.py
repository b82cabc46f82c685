"""A feed's items as documents: identity, text, address, author and time of each."""

import hashlib
import re
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urljoin, urlsplit
from zoneinfo import ZoneInfo

from pipeline.documents import MAX_SHORT, Document, DocumentId, document_id
from pipeline.feeds.dates import parsed
from pipeline.feeds.feed import FeedState, Poll, SourceConfig
from pipeline.feeds.fetch import Fetcher, Page
from pipeline.feeds.formats import Item, read_items
from pipeline.feeds.paragraphs import one_line, plain

ACCEPT = (
    "application/rss+xml, application/atom+xml, application/rdf+xml, application/feed+json;q=0.9,"
    " application/xml;q=0.8, text/xml;q=0.8, */*;q=0.1"
)
# An article's first pages say what it is about; a record must stay far below a broker's limit.
_MOST_TEXT = 100_000
_MOST_TITLE = 1_000
_MOST_ITEMS = 1_000
_WORDS = re.compile(r"\w+")
_EMAIL = re.compile(r"[^\s()<>]+@[^\s()<>]+")


class RssFeed:
    """One RSS, RDF, Atom or JSON feed behind `Feed`."""

    def __init__(self, source: SourceConfig, fetcher: Fetcher) -> None:
        self.source = source
        self._fetcher = fetcher

    def poll(self, state: FeedState, now: datetime) -> Poll:
        """Ask conditionally; the documents of the answer. Raises `Unavailable`."""
        page = self._fetcher.fetch(
            self.source.url,
            etag=state.etag,
            last_modified=state.last_modified,
            allow_private=self.source.allow_private,
            accept=ACCEPT,
            headers=self.source.headers,
            robots=self.source.robots,
        )
        if page.unchanged:
            return Poll(documents=(), state=state, unchanged=True)
        documents, skipped = documents_of(page, self.source, now)
        return Poll(
            documents=documents,
            state=FeedState(etag=page.etag, last_modified=page.last_modified),
            skipped=skipped,
        )


def documents_of(
    page: Page, source: SourceConfig, fetched_at: datetime
) -> tuple[tuple[Document, ...], int]:
    """The documents in `page`, in its order and each once, and how many items held no text.

    Raises `Unavailable` when the page is no feed.
    """
    found = read_items(page)
    home = _absolute(found.home, page.url)
    documents: dict[DocumentId, Document] = {}
    skipped = 0
    for item in found.items:
        document = _document(item, source, page.url, home, found.lang, fetched_at)
        if document is None:
            skipped += 1
        else:
            documents.setdefault(document.id, document)
        if len(documents) >= _MOST_ITEMS:
            break
    return tuple(documents.values()), skipped


def _document(
    item: Item,
    source: SourceConfig,
    base: str,
    home: str | None,
    lang: str | None,
    fetched_at: datetime,
) -> Document | None:
    title = one_line(item.title)[:_MOST_TITLE].strip() or None
    text = plain(item.text)[:_MOST_TEXT].strip() or None
    origin = one_line(item.publisher)[:MAX_SHORT] or None
    if title and origin:
        # an aggregator's "Headline - Publisher": without it, copies tell the same story
        title = title.removesuffix(f" - {origin}").strip() or title
    publisher = origin or source.publisher
    if title and text and _repeats(text, title, publisher):
        text = None
    if title is None and text is None:
        return None
    link = _absolute(item.link, base)
    guid = (item.guid or "").strip() or link
    if not guid:
        # nothing names the item, so its words do; its date is left out: some feeds put the
        # time of the request there
        guid = hashlib.sha256(f"{title}\n{text}".encode()).hexdigest()[:32]
    zone = ZoneInfo(source.zone)
    published_at, dated = fetched_at, "fetched"
    for name, written in item.dates:
        at = parsed(written, zone)
        if at is not None:
            published_at, dated = at, name
            break
    extra: dict[str, Any] = {"guid": guid[:MAX_SHORT], "dated": dated, "tier": source.tier}
    if source.publisher_family:
        extra["publisher_family"] = source.publisher_family
    document = Document(
        source=source.source,
        publisher=publisher,
        author=_author(item.author),
        # an item without a link was seen at least here
        url=link or home or base,
        title=title,
        text=text,
        lang=source.lang or lang,
        published_at=published_at,
        fetched_at=fetched_at,
        extra=extra,
    )
    return replace(document, id=document_id(document))


def _repeats(text: str, title: str, publisher: str | None) -> bool:
    """True when the text says nothing but the title again, with or without the publisher."""
    words = _WORDS.findall(text.casefold())
    said = _WORDS.findall(title.casefold())
    return words in (said, said + _WORDS.findall((publisher or "").casefold()))


def _absolute(link: str | None, base: str) -> str | None:
    """The link as an absolute http(s) URL, None for anything else."""
    if not link or len(link) > 4_000:
        return None
    try:
        url = urljoin(base, "".join(link.split()))
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.netloc else None


def _author(author: str | None) -> str | None:
    """The name; of `jane@example.com (Jane Doe)` or `Jane Doe <jane@…>` without the address."""
    if not author:
        return None
    email = _EMAIL.search(author)
    name = one_line(_EMAIL.sub("", author).replace("<>", "")).strip(" ()")
    if not name and email is not None:
        name = email[0].partition("@")[0]
    return name[:MAX_SHORT].strip() or None
