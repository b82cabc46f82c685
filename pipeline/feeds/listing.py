"""HTML pages that list articles, behind `Feed`: where a site has no feed, by CSS selectors."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigurationError, Unavailable
from pipeline.feeds.feed import Feed, FeedState, Poll, SourceConfig
from pipeline.feeds.fetch import Fetches
from pipeline.feeds.html_tree import read_tree, shown_text
from pipeline.feeds.items import Item, Items, documents_of

if TYPE_CHECKING:
    from lxml.html import HtmlElement

ACCEPT = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"
PARTS = ("item", "title", "link", "text", "time", "author")
# what nearly every list has
_DEFAULTS = {"link": "a@href", "title": "h1, h2, h3, h4, a", "time": "time@datetime"}
_MOST_ITEMS = 300


class ListingFeed(Feed):
    """One list; `select` names the selector of each entry and, within it, of its parts."""

    def __init__(self, source: SourceConfig, fetcher: Fetches) -> None:
        self.source = source
        self._fetcher = fetcher
        self._select = selectors_of(source.options)

    def poll(self, state: FeedState, now: datetime) -> Poll:
        """Ask conditionally; the entries of the list. Raises `Unavailable` also where the
        selector of an entry finds none: the page was made anew."""
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
        tree = read_tree(page)
        entries = tree.cssselect(self._select["item"])[:_MOST_ITEMS]
        if not entries:
            raise Unavailable(f"the selector {self._select['item']!r} finds nothing on the page")
        items = Items(items=tuple(map(self._item, entries)), lang=tree.get("lang"))
        # `Last-Modified` is the list's, not an entry's
        documents, skipped = documents_of(items, page, self.source, now)
        return Poll(
            documents=documents,
            state=FeedState(etag=page.etag, last_modified=page.last_modified),
            skipped=skipped,
        )

    def _item(self, entry: "HtmlElement") -> Item:
        link = self._part(entry, "link")
        return Item(
            guid=link,
            link=link,
            title=self._part(entry, "title"),
            text=self._part(entry, "text"),
            author=self._part(entry, "author"),
            dates=(("published", self._part(entry, "time")),),
            is_text=True,
        )

    def _part(self, entry: "HtmlElement", name: str) -> str | None:
        selector, _, attribute = self._select.get(name, "").partition("@")
        if not selector:
            return None
        # the entry itself may be the link
        for element in [*entry.cssselect(selector), *(entry,) * (entry.tag == selector)]:
            told = element.get(attribute) if attribute else None
            told = told or (None if attribute and name == "link" else shown_text(element))
            if told and told.strip():
                return str(told).strip()
        return None


def selectors_of(options: Mapping[str, Any]) -> Mapping[str, str]:
    """The selectors by part. Raises `ConfigurationError`, `select: what is wrong`."""
    from cssselect import GenericTranslator, SelectorError

    select = options.get("select")
    if not isinstance(select, Mapping) or "item" not in select:
        raise ConfigurationError("select: item is needed, the CSS selector of an entry")
    for part, selector in select.items():
        if part not in PARTS:
            raise ConfigurationError(f"select: {part}: is not one of {', '.join(PARTS)}")
        try:
            GenericTranslator().css_to_xpath(str(selector).partition("@")[0])
        except SelectorError as error:
            raise ConfigurationError(f"select: {part}: {selector!r}: {error}") from error
    return {**_DEFAULTS, **{str(part): str(selector) for part, selector in select.items()}}
