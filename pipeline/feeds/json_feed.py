"""JSON APIs behind `Feed`: an answer or a few pages of them, by a preset or a mapping."""

import logging
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from pipeline.documents import Document
from pipeline.errors import Unavailable
from pipeline.feeds import json_paths
from pipeline.feeds.decoding import decoded
from pipeline.feeds.feed import Feed, FeedState, Poll, SourceConfig
from pipeline.feeds.fetch import Fetches, Page
from pipeline.feeds.items import Items, documents_of
from pipeline.feeds.json_mapping import Next, item_of, read_json, records
from pipeline.feeds.mapping_options import mapping_of

log = logging.getLogger(__name__)

ACCEPT = "application/json, */*;q=0.1"


class JsonFeed(Feed):
    """One API; `options` of the source hold the preset or the mapping."""

    def __init__(self, source: SourceConfig, fetcher: Fetches) -> None:
        self.source = source
        self._fetcher = fetcher
        self._mapping = mapping_of(source.options)

    def poll(self, state: FeedState, now: datetime) -> Poll:
        """Ask conditionally; the documents of the answer and of the pages it leads to.

        Raises `Unavailable`; a later page that fails ends the reading without an error.
        """
        page = self._asked(self.source.url, state)
        if page.unchanged:
            return Poll(documents=(), state=state, unchanged=True)
        kept = FeedState(etag=page.etag, last_modified=page.last_modified)
        documents: dict[str, Document] = {}
        skipped = 0
        for number in range(1, self._mapping.pages + 1):
            value = read_json(decoded(page.content, page.content_type))
            found, empty = self._documents(value, page, now)
            if not found and not empty and not _lists_something(value):
                raise Unavailable(f"the answer holds no records but {_named(value)}")
            new = [document for document in found if document.id not in documents]
            documents |= {document.id: document for document in new}
            skipped += empty
            url = following(page.url, value, self._mapping.next)
            if number == self._mapping.pages or not new or url is None:
                break
            try:
                page = self._asked(url, FeedState())
            except Unavailable as error:
                # without a state, so that the next poll asks for all pages again
                log.warning("feed %s: page %d: %s", self.source.source, number + 1, error.what)
                kept = FeedState()
                break
        return Poll(documents=tuple(documents.values()), state=kept, skipped=skipped)

    def _asked(self, url: str, state: FeedState) -> Page:
        return self._fetcher.fetch(
            url,
            etag=state.etag,
            last_modified=state.last_modified,
            allow_private=self.source.allow_private,
            private_origin=self.source.url,
            accept=ACCEPT,
            headers=self.source.headers,
            robots=self.source.robots,
        )

    def _documents(self, value: Any, page: Page, now: datetime) -> tuple[tuple[Document, ...], int]:
        items = tuple(item_of(record, self._mapping) for record in records(value, self._mapping))
        return documents_of(Items(items=items), page, self.source, now)


def _lists_something(value: Any) -> bool:
    """Whether an answer without records has at least a place for them: an empty list."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            return True
        if isinstance(one, dict):
            waiting.extend(one.values())
    return False


def _named(value: Any) -> str:
    # the names alone: what an API says of a wrong key may repeat it
    if isinstance(value, dict) and value:
        return ", ".join(str(key)[:40] for key in list(value)[:5])
    return "an empty object" if isinstance(value, dict) else "a single value"


def following(url: str, value: Any, how: Next | None) -> str | None:
    """The address of the page after the one at `url`; None after the last, and for another
    host's, to which this source's credentials must not go."""
    if how is None:
        return None
    if how.url is not None:
        told = json_paths.text(value, how.url)
        onward = urljoin(url, told) if told else None
    else:
        cursor = json_paths.text(value, how.cursor or "")
        if not cursor or not how.param:
            return None
        parts = urlsplit(url)
        query = [(key, one) for key, one in parse_qsl(parts.query) if key != how.param]
        onward = urlunsplit(parts._replace(query=urlencode([*query, (how.param, cursor)])))
    if onward is None or urlsplit(onward)[:2] != urlsplit(url)[:2]:
        return None
    return onward
