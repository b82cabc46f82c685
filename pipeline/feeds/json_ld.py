"""What a page says about its article in JSON-LD, as schema.org has it, however it is broken."""

import json
import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any

# more than any page's; what is longer is a catalogue of the whole site
_MOST = 2_000_000
# what a script is wrapped in: each at its place, so that a page of spaces costs a page of time
_OPENING = re.compile(r"\s*(?:<!--|(?://\s*)?<!\[CDATA\[|/\*.*?\*/)", re.S)
_CLOSINGS = ("-->", "]]>", "//", ";")
_TRAILING_COMMA = re.compile(r",\s*([}\]])")
_ARTICLE = re.compile(r"(Article|BlogPosting|Report|SocialMediaPosting|NewsMediaArticle)$")
_DEEPEST = 6


def article_of(scripts: list[str], title: str | None = None) -> Mapping[str, Any]:
    """The one article that the JSON-LD `scripts` of a page describe; empty when none does.

    Of several, the one whose headline is `title`, else the first that has a date.
    """
    found = [thing for script in scripts for thing in _things(_read(script))]
    articles = [thing for thing in found if any(_ARTICLE.search(name) for name in _types(thing))]
    if title:
        same = [one for one in articles if _words(text(one, "headline")) == _words(title)]
        articles = same or articles
    dated = [one for one in articles if text(one, "datePublished")]
    return next(iter(dated or articles), {})


def text(thing: Mapping[str, Any], *keys: str) -> str | None:
    """The first of `keys` that is a text with something in it."""
    for key in keys:
        value = thing.get(key)
        if isinstance(value, Mapping):
            value = value.get("@value")
        if isinstance(value, list):
            value = next((one for one in value if isinstance(one, str)), None)
        if isinstance(value, str) and value.strip():
            return unescape(value).strip()
    return None


def names(value: object) -> list[str]:
    """The names of a person or organisation, or of a list of them."""
    if isinstance(value, str):
        return [value.strip()] if value.strip() else []
    if isinstance(value, Mapping):
        name = value.get("name")
        return names(name) if isinstance(name, str | list) else []
    if isinstance(value, list):
        return [name for one in value[:20] for name in names(one)]
    return []


def _read(script: str) -> object:
    """The value in a script element, mended where publishers commonly break it; None if not."""
    body = _unwrapped(script[:_MOST])
    for attempt in (body, _TRAILING_COMMA.sub(r"\1", body)):
        try:
            # `strict`: raw newlines inside texts are common
            return json.loads(attempt, strict=False)
        except (ValueError, RecursionError):
            continue
    return None


def _unwrapped(script: str) -> str:
    start, end = 0, len(script)
    while opening := _OPENING.match(script, start):
        start = opening.end()
    while end > start:
        if script[end - 1].isspace():
            end -= 1
            continue
        closing = next((one for one in _CLOSINGS if script.endswith(one, start, end)), "")
        if not closing:
            break
        end -= len(closing)
    return script[start:end].strip()


def _things(value: object, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """Every object that says what it is, outer ones first."""
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for one in value[:200]:
            yield from _things(one, depth + 1)
    elif isinstance(value, Mapping):
        if "@type" in value:
            yield value
        for key in ("@graph", "mainEntity", "mainEntityOfPage", "hasPart"):
            if isinstance(value.get(key), Mapping | list):
                yield from _things(value[key], depth + 1)


def _types(thing: Mapping[str, Any]) -> list[str]:
    kinds = thing.get("@type")
    return [one for one in (kinds if isinstance(kinds, list) else [kinds]) if isinstance(one, str)]


def _words(value: str | None) -> str:
    return "".join(re.findall(r"\w", (value or "").casefold()))
