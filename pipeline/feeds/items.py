"""Items as documents: identity, text, address, author and time of each.

Every kind of source reads its own format to items; what follows is the same for all.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from pipeline.documents import MAX_SHORT, MAX_SUBJECTS, Document, DocumentId, document_id
from pipeline.feeds.dates import parsed
from pipeline.feeds.feed import SourceConfig
from pipeline.feeds.fetch import Page
from pipeline.feeds.identity import Identities
from pipeline.feeds.links import absolute
from pipeline.feeds.paragraphs import one_line, plain

# An article's first pages say what it is about; a record must stay far below a broker's limit.
MOST_TEXT = 100_000
_MOST_TITLE = 1_000
_MOST_ITEMS = 1_000
_WORDS = re.compile(r"\w+")
_EMAIL = re.compile(r"[^\s()<>]+@[^\s()<>]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item as its format gave it, before it is judged.

    `dates` are names and texts, the best first; the name of the one taken becomes
    `extra.dated`. `repost_of` is the guid of the item it repeats, of the same source.
    `is_text` says that `title` and `text` are no HTML.
    """

    guid: str | None
    link: str | None
    title: str | None
    text: str | None
    author: str | None = None
    publisher: str | None = None
    lang: str | None = None
    dates: tuple[tuple[str, str | None], ...] = ()
    subjects: tuple[str, ...] = ()
    repost_of: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    is_text: bool = False


_FIELDS = fields(Item)


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """A source's items in its order, its language and home page as it states them."""

    items: tuple[Item, ...]
    lang: str | None = None
    home: str | None = None


@dataclass(frozen=True, slots=True)
class _Read:
    """An item's words as a reader sees them, and where it leads."""

    item: Item
    title: str | None
    text: str | None
    publisher: str | None
    link: str | None

    @property
    def words(self) -> str:
        return f"{self.title}\n{self.text}"


def documents_of(
    found: Items,
    page: Page,
    source: SourceConfig,
    fetched_at: datetime,
    most: int = _MOST_ITEMS,
    last_stands: bool = False,
) -> tuple[tuple[Document, ...], int]:
    """The documents of the items in `page`, in order and each once, and how many items held
    no text. Of two with one identity the first stands, as newest come first in feeds, or the
    last, as in logs."""
    home = absolute(found.home, page.url)
    sound = map(_sound, found.items)
    items = [one for item in sound if (one := _read(item, source, page)) is not None]
    identities = Identities(
        ((_guid(one), one.link, one.words) for one in items), (home, page.url, source.url)
    )
    documents: dict[DocumentId, Document] = {}
    for one in items:
        guid = identities.of(_guid(one), one.link, one.words)
        document = _document(one, guid, source, page, home, found.lang, fetched_at)
        if last_stands:
            documents.pop(document.id, None)
        documents.setdefault(document.id, document)
        if len(documents) >= most:
            break
    return tuple(documents.values()), len(found.items) - len(items)


def _sound(item: Item) -> Item:
    """The item without halves of characters, which no record can carry."""
    return cast(Item, _whole(item))


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        # the common case costs no copy
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, Item):
        return replace(value, **{one.name: _whole(getattr(value, one.name)) for one in _FIELDS})
    if isinstance(value, Mapping):
        return {_whole(key): _whole(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_whole(one) for one in value)
    return value


def _read(item: Item, source: SourceConfig, page: Page) -> _Read | None:
    title = _written(item.title, item.is_text, " ")[:_MOST_TITLE].strip() or None
    text = _written(item.text, item.is_text, "\n")[:MOST_TEXT].strip() or None
    origin = one_line(item.publisher)[:MAX_SHORT] or None
    if title and origin:
        # an aggregator's "Headline - Publisher": without it, copies tell the same story
        title = title.removesuffix(f" - {origin}").strip() or title
    publisher = origin or source.publisher
    if title and text and _repeats(text, title, publisher):
        text = None
    if title is None and text is None:
        return None
    return _Read(item, title, text, publisher, absolute(item.link, page.url))


def _guid(one: _Read) -> str | None:
    return (one.item.guid or "").strip() or None


def _document(
    one: _Read,
    guid: str,
    source: SourceConfig,
    page: Page,
    home: str | None,
    lang: str | None,
    fetched_at: datetime,
) -> Document:
    item = one.item
    zone = ZoneInfo(source.zone)
    published_at, dated = fetched_at, "fetched"
    # the header's is the time of the whole answer, and better than ours
    for name, written in (*item.dates, ("header", page.last_modified)):
        at = parsed(written, zone)
        if at is not None:
            published_at, dated = at, name
            break
    extra: dict[str, Any] = {
        **item.extra,
        "guid": guid[:MAX_SHORT],
        "dated": dated,
        "tier": source.tier,
    }
    if one.link is None:
        # `url` is where it was seen, not a page of its own
        extra["linked"] = False
    if source.publisher_family:
        extra["publisher_family"] = source.publisher_family
    document = Document(
        source=source.source,
        publisher=one.publisher,
        author=_author(item.author),
        # an item without a link was seen at least here
        url=one.link or home or page.url,
        title=one.title,
        text=one.text,
        lang=(source.lang or item.lang or lang or "")[:35] or None,
        published_at=published_at,
        fetched_at=fetched_at,
        subjects=tuple(dict.fromkeys(name[:100] for name in item.subjects))[:MAX_SUBJECTS],
        repost_of=_id(source, item.repost_of) if item.repost_of else None,
        extra=extra,
    )
    return replace(document, id=document_id(document))


def _id(source: SourceConfig, guid: str) -> DocumentId:
    """The id that an item of this source has by its guid."""
    named = Document(
        source=source.source,
        published_at=datetime(1970, 1, 1, tzinfo=UTC),
        extra={"guid": guid[:MAX_SHORT]},
    )
    return document_id(named)


def _written(text: str | None, is_text: bool, joint: str) -> str:
    if is_text:
        return joint.join(
            filter(None, (" ".join(line.split()) for line in (text or "").split("\n")))
        )
    return plain(text) if joint == "\n" else one_line(text)


def _repeats(text: str, title: str, publisher: str | None) -> bool:
    """True when the text says nothing but the title again, with or without the publisher."""
    words = _WORDS.findall(text.casefold())
    said = _WORDS.findall(title.casefold())
    return words in (said, said + _WORDS.findall((publisher or "").casefold()))


def _author(author: str | None) -> str | None:
    """The name; of `jane@example.com (Jane Doe)` or `Jane Doe <jane@…>` without the address."""
    if not author:
        return None
    email = _EMAIL.search(author)
    name = one_line(_EMAIL.sub("", author).replace("<>", "")).strip(" ()")
    if not name and email is not None:
        name = email[0].partition("@")[0]
    return name[:MAX_SHORT].strip() or None
