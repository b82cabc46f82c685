"""A single page behind `Feed`: one document, the same one as long as its address stays."""

from datetime import datetime
from zoneinfo import ZoneInfo

from pipeline.feeds.article import Article, read_article
from pipeline.feeds.feed import Feed, FeedState, Poll, SourceConfig
from pipeline.feeds.fetch import Fetches
from pipeline.feeds.items import Item, Items, documents_of

ACCEPT = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"


class PageFeed(Feed):
    """One article, notice or other page; an edit is the same document, newer."""

    def __init__(self, source: SourceConfig, fetcher: Fetches) -> None:
        self.source = source
        self._fetcher = fetcher

    def poll(self, state: FeedState, now: datetime) -> Poll:
        """Ask conditionally; the page's document. Raises `Unavailable`, with the reason where
        the page is a refusal instead of an article."""
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
        article = read_article(page, ZoneInfo(self.source.zone))
        items = Items(items=(item_of(article, self.source),), lang=article.lang)
        documents, skipped = documents_of(items, page, self.source, now)
        return Poll(
            documents=documents,
            state=FeedState(etag=page.etag, last_modified=page.last_modified),
            skipped=skipped,
        )


def item_of(article: Article, source: SourceConfig) -> Item:
    """The article as the one item of the source."""
    at = article.published_at
    return Item(
        guid=source.url,
        link=article.url,
        title=article.title,
        text=article.text,
        author=article.author,
        publisher=source.publisher or article.publisher,
        dates=((article.dated or "page", at.isoformat() if at else None),),
        is_text=True,
    )
