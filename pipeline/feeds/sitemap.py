"""News sitemaps behind `Feed`: what a site published lately, as it tells search engines."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from pipeline.errors import Unavailable
from pipeline.feeds.dates import parsed
from pipeline.feeds.decoding import Inflater, decoded
from pipeline.feeds.feed import Feed, FeedState, Poll, SourceConfig
from pipeline.feeds.fetch import Fetches, Page
from pipeline.feeds.items import Item, Items, documents_of
from pipeline.feeds.xml_limits import check_xml
from pipeline.feeds.xml_mending import mended

if TYPE_CHECKING:
    from lxml.etree import _Element

ACCEPT = "application/xml, text/xml;q=0.9, */*;q=0.1"
# by the protocol a sitemap is up to 50 MB; the ones with news are far below
_MOST_BYTES = 20_000_000
# of an index: the newest few, whatever it lists
_MOST_MAPS = 3
_MOST_ITEMS = 1_000
_EXCHANGE = re.compile(r"^[A-Z]+:")


class SitemapFeed(Feed):
    """One sitemap or sitemap index, gzipped or not; its items are the newest first.

    Those of a sitemap without news carry the words of their address as a title, which
    `full_text` replaces.
    """

    def __init__(self, source: SourceConfig, fetcher: Fetches) -> None:
        self.source = source
        self._fetcher = fetcher

    def poll(self, state: FeedState, now: datetime) -> Poll:
        """Ask conditionally, and the newest sitemaps of an index. Raises `Unavailable`."""
        page = self._asked(self.source.url, state)
        if page.unchanged:
            return Poll(documents=(), state=state, unchanged=True)
        root = _read(page)
        items = _items(root)
        kept = FeedState(etag=page.etag, last_modified=page.last_modified)
        if _name(root) == "sitemapindex":
            # the index may stand still while a sitemap it names moves
            kept = FeedState()
            items += self._listed(_newest_maps(root))
        items.sort(key=_when, reverse=True)
        found = Items(items=tuple(items[:_MOST_ITEMS]))
        documents, skipped = documents_of(found, page, self.source, now)
        return Poll(documents=documents, state=kept, skipped=skipped)

    def _listed(self, addresses: Sequence[str]) -> list[Item]:
        """The items of those sitemaps that can be read; the last error where none can."""
        items: list[Item] = []
        failed: Unavailable | None = None
        broken = 0
        for address in addresses:
            try:
                items += _items(_read(self._asked(address, FeedState())))
            except Unavailable as error:
                failed, broken = error, broken + 1
        if failed is not None and broken == len(addresses):
            raise failed
        return items

    def _asked(self, url: str, state: FeedState) -> Page:
        return self._fetcher.fetch(
            url,
            etag=state.etag,
            last_modified=state.last_modified,
            allow_private=self.source.allow_private,
            private_origin=self.source.url,
            accept=ACCEPT,
            headers=self.source.headers if url == self.source.url else None,
            robots=self.source.robots,
        )


def _read(page: Page) -> "_Element":
    from lxml import etree

    content = page.content
    if content[:2] == b"\x1f\x8b":
        body = Inflater("gzip", _MOST_BYTES)
        body.add(content)
        content = body.finish()
    xml = mended(decoded(content, page.content_type)).encode("utf-8", errors="replace")
    check_xml(xml)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True
    )
    try:
        root = etree.fromstring(xml, parser)
    except (etree.LxmlError, ValueError) as error:
        raise Unavailable("not a sitemap but broken XML") from error
    if root is None or _name(root) not in ("urlset", "sitemapindex"):
        raise Unavailable("not a sitemap but something else")
    return root


def _items(root: "_Element") -> list[Item]:
    items = []
    for entry in root:
        if _name(entry) != "url":
            continue
        told = _told(entry)
        link, title = told.get("loc"), told.get("title")
        if not link:
            continue
        tickers = re.split(r"[,\s]+", told.get("stock_tickers") or "")
        items.append(
            Item(
                guid=link,
                link=link,
                title=title or _slug(link),
                text=None,
                publisher=told.get("name"),
                lang=told.get("language"),
                dates=(
                    ("published", told.get("publication_date")),
                    ("updated", told.get("lastmod")),
                ),
                subjects=tuple(_EXCHANGE.sub("", one) for one in tickers if one),
                extra={} if title else {"title": "address"},
            )
        )
    return items


def _newest_maps(root: "_Element") -> Sequence[str]:
    """The addresses of an index's newest sitemaps; those with news before others."""
    maps = []
    for entry in root:
        told = _told(entry)
        if _name(entry) == "sitemap" and (address := told.get("loc")):
            changed = parsed(told.get("lastmod"))
            maps.append(("news" in address.lower(), changed.timestamp() if changed else 0, address))
    return [address for *_, address in sorted(maps, reverse=True)[:_MOST_MAPS]]


def _told(entry: "_Element") -> dict[str, str | None]:
    """What an entry says of itself and of its news; pictures and videos have titles and
    addresses of their own."""
    news = [part for part in entry if _name(part) == "news"]
    parts = [*entry, *(inner for one in news for inner in one.iter("*"))]
    told: dict[str, str | None] = {}
    for part in parts:
        if said := _text(part):
            told.setdefault(_name(part), said)
    return told


def _when(item: Item) -> float:
    times = (parsed(written) for _, written in item.dates)
    return next((at.timestamp() for at in times if at is not None), 0.0)


def _slug(link: str) -> str | None:
    """The words of an address: `/2026/acme-recalls-anvils.html` says three."""
    try:
        path = urlsplit(link).path
    except ValueError:
        # "http://[x/…" is no address
        return None
    parts = [part for part in unquote(path).split("/") if part]
    words = re.sub(r"\.\w{2,5}$", "", max(parts, key=len, default=""))
    words = re.sub(r"[-_+]+", " ", words).strip()
    return words if re.search(r"[^\W\d]{3}", words) else None


def _name(element: "_Element") -> str:
    # a prefix that nobody declared stays part of the name
    tag = element.tag
    return tag.rpartition("}")[2].rpartition(":")[2] if isinstance(tag, str) else ""


def _text(element: "_Element") -> str | None:
    return (element.text or "").strip() or None
