"""What a page says of itself: title, author, publisher, language, address and time.

Each is said in several places (Open Graph, JSON-LD, Parse.ly, Dublin Core, visible
elements), and each place is wrong on some sites; they are weighed against each other.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pipeline.feeds.html_tree import shown_text
from pipeline.feeds.json_ld import article_of, names, text
from pipeline.feeds.links import absolute
from pipeline.feeds.page_times import PageTime, published

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_MOST_TITLE = 1_000
_MOST_NAME = 200
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
_SEPARATORS = re.compile(r"\s+(?:[|–—»·•-]|::|//)\s+|\s*[|_｜]\s*")
_BY = re.compile(
    r"^(?:by|written by|reported by|von|par|por|作者|记者|文)\s*[:：]?\s+", re.IGNORECASE
)
_BYLINE = re.compile(r"(?:^|[\s_-])(?:byline|author)(?:[\s_-]?name)?(?:$|[\s_-])", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFacts:
    """What the page says; None where it says nothing. `is_article` where it calls itself one;
    `body` is the article's text as its JSON-LD repeats it."""

    title: str | None = None
    author: str | None = None
    publisher: str | None = None
    lang: str | None = None
    canonical: str | None = None
    published: PageTime | None = None
    is_article: bool = False
    body: str | None = None


def read_facts(tree: "HtmlElement", url: str, zone: tzinfo = UTC) -> PageFacts:
    """The facts of the page at `url`; its dates without a zone are in `zone`."""
    metas = _metas(tree)
    headings = [heading for h1 in tree.iter("h1") if (heading := _clean(shown_text(h1)))]
    scripts = [
        script.text or "" for script in tree.iter("script") if "ld+json" in script.get("type", "")
    ]
    guess = _first(metas, "ogtitle") or next(iter(headings), None)
    article = article_of(scripts, guess)
    publisher = _publisher(metas, article)
    return PageFacts(
        title=_title(tree, metas, article, headings, publisher, url),
        author=_author(tree, metas, article),
        publisher=publisher,
        lang=_lang(tree, metas),
        canonical=_canonical(tree, metas, url),
        published=published(tree, metas, article, url, zone),
        is_article=bool(text(article, "headline"))
        or _first(metas, "ogtype") == "article"
        or "articlepublishedtime" in metas,
        body=text(article, "articleBody", "text"),
    )


def _metas(tree: "HtmlElement") -> Mapping[str, Sequence[str]]:
    """The page's meta elements by name, without punctuation and case; Parse.ly's JSON too."""
    found: dict[str, list[str]] = {}
    for meta in tree.iter("meta"):
        name = meta.get("property") or meta.get("name") or meta.get("itemprop") or ""
        content = meta.get("content") or meta.get("value") or ""
        if not name or not content.strip():
            continue
        if name.lower() in ("parsely-page", "parsely-metadata"):
            found.update({key: value for key, value in _parsely(content).items() if value[0]})
        # inside an item of a list of other articles
        if meta.get("itemprop") and any(
            "item" in str(up.get("itemprop")) for up in meta.iterancestors()
        ):
            continue
        found.setdefault(re.sub(r"[^a-z0-9]", "", name.lower()), []).append(
            unescape(content).strip()
        )
    return found


def _parsely(content: str) -> dict[str, list[str]]:
    try:
        page = json.loads(content, strict=False)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(page, Mapping):
        return {}
    author = page.get("author") or page.get("authors")
    return {
        "parselytitle": [str(page.get("title") or "")],
        "parselypubdate": [str(page.get("pub_date") or "")],
        "parselyauthor": [", ".join(names(author))],
    }


def _first(metas: Mapping[str, Sequence[str]], *keys: str) -> str | None:
    return next((metas[key][0] for key in keys if key in metas), None)


def _clean(value: str | None) -> str:
    cleaned = _INVISIBLE.sub("", unescape((value or "")[: 4 * _MOST_TITLE]))
    return " ".join(cleaned.split())[:_MOST_TITLE].strip()


def _letters(value: str) -> str:
    return "".join(re.findall(r"\w", value.casefold()))


def _title(
    tree: "HtmlElement",
    metas: Mapping[str, Sequence[str]],
    article: Mapping[str, Any],
    headings: Sequence[str],
    publisher: str | None,
    url: str,
) -> str | None:
    """The headline that most places agree on; Open Graph's where none agree."""
    owners = _owners(metas, publisher, url)
    shown = next((shown_text(title) for title in tree.iter("title")), None)
    told = [
        _first(metas, "ogtitle"),
        text(article, "headline"),
        _first(metas, "parselytitle"),
        *headings[:5],
        _first(metas, "title", "dctitle", "sailthrutitle"),
        _first(metas, "twittertitle"),
        shown,
    ]
    candidates = [title for one in told if (title := _without_owner(_clean(one), owners, headings))]
    # a heading that is only the site's name
    candidates = [one for one in candidates if _letters(one) not in owners] or candidates
    if not candidates:
        return None
    votes = Counter(map(_letters, candidates))
    best = max(candidates, key=lambda one: votes[_letters(one)])
    # Open Graph speaks for the page unless it stands alone against an agreement
    first = candidates[0]
    if _first(metas, "ogtitle") and (
        votes[_letters(first)] >= 2 or votes[_letters(best)] < 3 or len(first) > len(best)
    ):
        return first
    return best


def _owners(metas: Mapping[str, Sequence[str]], publisher: str | None, url: str) -> set[str]:
    """The names of the site, letters only, as they are put behind titles."""
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    labels = host.split(".")
    names_of_site = [publisher, *metas.get("ogsitename", ()), *metas.get("applicationname", ())]
    named = {_letters(name) for name in names_of_site if name}
    return {*named, _letters(host), *(label for label in labels[:-1] if len(label) > 3)} - {""}


def _without_owner(title: str, owners: set[str], headings: Sequence[str]) -> str:
    """The title without the names of site and section that follow it."""
    for match in reversed(list(_SEPARATORS.finditer(title))):
        head, tail = title[: match.start()], title[match.end() :]
        if not head:
            break
        last = _letters(tail)
        named = any(last.endswith(owner) or owner.endswith(last) for owner in owners if last)
        if not named and _letters(head) not in map(_letters, headings):
            break
        title = head
    # "Federal Reserve Board - Statement": the site first
    first = _SEPARATORS.search(title)
    if first is not None:
        head = _letters(title[: first.start()])
        if head in owners or any(len(one) > 5 and head.startswith(one) for one in owners):
            title = title[first.end() :]
    return title.strip()


def _publisher(metas: Mapping[str, Sequence[str]], article: Mapping[str, Any]) -> str | None:
    site = _clean(_first(metas, "ogsitename"))
    told = next(iter(names(article.get("publisher"))), "")
    # `financialpost`, where the JSON-LD says Financial Post
    if site and told and _letters(site) == _letters(told):
        site = told
    name = site or _clean(told) or _clean(_first(metas, "applicationname", "dcpublisher"))
    return name[:_MOST_NAME] or None


def _author(
    tree: "HtmlElement", metas: Mapping[str, Sequence[str]], article: Mapping[str, Any]
) -> str | None:
    told = names(article.get("author"))
    for key in ("parselyauthor", "author", "sailthruauthor", "dccreator", "articleauthor", "byl"):
        if not told:
            told = [name for name in metas.get(key, ()) if "://" not in name]
    if not told:
        told = [
            shown_text(element)
            for element in tree.xpath("//*[@itemprop='author'] | //a[@rel='author']")[:5]
        ]
    if not told:
        marked = (
            element
            for element in tree.iter("span", "div", "p", "a", "address")
            if _BYLINE.search(element.get("class") or "")
        )
        told = [shown_text(element) for element in marked][:1]
    people = [_BY.sub("", _clean(name)).strip(" ,;|-") for name in told]
    # a biography or a sentence is no name
    kept = dict.fromkeys(name for name in people if name and len(name) <= 100 and "@" not in name)
    return ", ".join(kept)[:_MOST_NAME] or None


def _lang(tree: "HtmlElement", metas: Mapping[str, Sequence[str]]) -> str | None:
    told = tree.get("lang") or _first(metas, "contentlanguage", "language", "oglocale") or ""
    match = re.match(r"[a-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*", told.strip())
    return match[0].replace("_", "-")[:35] if match else None


def _canonical(tree: "HtmlElement", metas: Mapping[str, Sequence[str]], url: str) -> str | None:
    """The address the page gives itself, on its own host: another's would be taken on trust."""
    links = [link.get("href") for link in tree.iter("link") if link.get("rel") == "canonical"]
    own = urlsplit(url)
    for link in filter(None, [*links, _first(metas, "ogurl")]):
        address = absolute(str(link), url)
        if address and (own.scheme == "file" or urlsplit(address).hostname == own.hostname):
            return address
    return None
