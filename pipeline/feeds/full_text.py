"""A feed whose items are teasers, completed with the articles they lead to.

Only what is new is completed (`Feed.complete`), each article is one polite fetch, and all of
them together take bounded time: the rest has its turn at the next poll.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.documents import Document
from pipeline.errors import Unavailable
from pipeline.feeds.article import Article, read_article
from pipeline.feeds.feed import Feed, FeedState, Poll
from pipeline.feeds.fetch import Fetches
from pipeline.feeds.items import MOST_TEXT
from pipeline.feeds.page import ACCEPT
from pipeline.feeds.politeness import NotNow

# What comes late is late for all of them: the new items of a poll are sent together.
_SECONDS = 60.0


class FullText(Feed):
    """`feed`, with the text, author and time of each new item's own page.

    An item whose page cannot be read is kept as the feed gave it; `extra.full_text` says why.
    """

    def __init__(
        self, feed: Feed, fetcher: Fetches, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.source = feed.source
        self._feed = feed
        self._fetcher = fetcher
        self._clock = clock

    def poll(self, state: FeedState, now: datetime) -> Poll:
        """The feed's own answer. Raises `Unavailable`."""
        return self._feed.poll(state, now)

    def complete(self, documents: Sequence[Document]) -> Sequence[Document]:
        """The documents with their articles; those there was no time for are left out."""
        end = self._clock() + _SECONDS
        completed: list[Document] = []
        for document in self._feed.complete(documents):
            if completed and self._clock() >= end:
                break
            try:
                completed.append(self._completed(document))
            except NotNow:
                # its host wants to be left alone for now
                continue
        return completed

    def _completed(self, document: Document) -> Document:
        try:
            article = self._article(document)
        except NotNow:
            raise
        except Unavailable as error:
            return _noted(document, error.what)
        if not article.text:
            return _noted(document, "the page holds no text")
        text = article.text[:MOST_TEXT]
        # some feeds carry the whole article, and its page only the beginning
        if document.text and len(document.text) >= len(text):
            text = document.text
        extra: dict[str, Any] = {**document.extra, "full_text": "page"}
        published_at = document.published_at
        if extra.get("dated") in ("fetched", "header") and article.published_at is not None:
            published_at, extra["dated"] = article.published_at, article.dated
        return replace(
            document,
            # an address is a title only until there is a better one
            title=article.title or document.title
            if extra.pop("title", None) == "address"
            else document.title or article.title,
            text=text,
            author=document.author or article.author,
            publisher=document.publisher or article.publisher,
            lang=document.lang or article.lang,
            published_at=published_at,
            extra=extra,
        )

    def _article(self, document: Document) -> Article:
        if not document.url or document.extra.get("linked") is False:
            raise Unavailable("the item names no page")
        page = self._fetcher.fetch(
            document.url,
            allow_private=self.source.allow_private,
            # an item's link is the source's word, not the operator's
            private_origin=self.source.url,
            accept=ACCEPT,
            robots=self.source.robots,
        )
        return read_article(page, ZoneInfo(self.source.zone))


def _noted(document: Document, reason: str) -> Document:
    return replace(document, extra={**document.extra, "full_text": f"none: {reason}"[:300]})
