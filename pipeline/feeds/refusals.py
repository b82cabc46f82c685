"""Pages that are no article although they came with status 200: refusals, consent walls, shells.

A site that does not want to answer seldom says so in its status. What gives it away is that
little is said, and what is said is about access: an article under the headline "Access
denied" has paragraphs, a date and an author.
"""

import re
from itertools import islice
from typing import TYPE_CHECKING

from pipeline.feeds.html_tree import shown_text
from pipeline.feeds.page_facts import PageFacts
from pipeline.feeds.refusal_phrases import (
    CHECKED,
    CLOSED,
    CONSENT,
    CONSENT_TITLE,
    DENIED,
    SCRIPTED,
)

if TYPE_CHECKING:
    from lxml.html import HtmlElement

# Fewer letters than this are no article, in any language; a Chinese news flash has some 40.
_LEAST_LETTERS = 20
# An article that says more than this is one whatever its title; refusals explain themselves
# in fewer words, and the long ones are consent walls.
_MOST_LETTERS = 1_500
_MOST_OF_A_WALL = 6_000
_LEAST_MARKED = 200
_MOST_SAID = 20_000
_PARAGRAPH = 120

_LEAST_CONSENT = 4
_CONSENT_SHARE = 0.035
_PARTS = re.compile(r"\s[-–—|:·]\s|\|")
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+")
_SILENT = ("script", "style", "template", "svg", "noscript")


def refused(tree: "HtmlElement", facts: PageFacts, text: str) -> str | None:
    """Why the page is no article to read; None when it is one.

    `text` is what was taken for the article's words.
    """
    shown = _visible(tree)
    headings = islice(tree.iter("title", "h1"), 5)
    titles = [facts.title or "", *(shown_text(heading)[:300] for heading in headings)]
    said = f"{' . '.join(titles)} . {shown or text}"[:_MOST_SAID]
    letters = _letters(text)
    least = min(letters, _letters(shown)) if shown else letters
    # nobody marks a refusal up as an article
    if letters <= (_LEAST_MARKED if facts.is_article else _MOST_LETTERS):
        for pattern, what in ((CHECKED, "a check for robots"), (DENIED, "a refusal")):
            # "Forbidden" as a title is one; "Korea: short selling forbidden" over a text is not
            titled = any(
                pattern.search(title) and (_says_only(pattern, title) or not _tells(text))
                for title in titles
            )
            if titled or (least < 500 and pattern.search(said) and not _tells(text)):
                return f"no article but {what}: {_quoted(titles, shown)}"
    wall = _wall(text if letters else shown, titles)
    if wall and (letters <= _LEAST_MARKED or not facts.is_article):
        return f"no article but a consent wall: {_quoted(titles, shown)}"
    if letters < 400 and CLOSED.search(said) and not _tells(text):
        return f"no article but a login or a paywall: {_quoted(titles, shown)}"
    if letters < 200 and (SCRIPTED.search(shown) or SCRIPTED.search(_unscripted(tree))):
        return "an empty page that a script would fill"
    if letters < _LEAST_LETTERS:
        scripted = next(tree.iter("script"), None) is not None
        return "an empty page that a script would fill" if scripted else "a page without text"
    return None


def _says_only(pattern: re.Pattern[str], title: str) -> bool:
    """Whether what the pattern finds is most of a title, or of a part of it: the site's name
    stands before or behind."""
    for part in _PARTS.split(title):
        found = sum(_letters(match[0]) for match in pattern.finditer(part))
        if found and 2 * found >= _letters(part):
            return True
    return False


def _wall(text: str, titles: list[str]) -> bool:
    if len(text) > _MOST_OF_A_WALL:
        return False
    words = len(_WORD.findall(text))
    about = len(CONSENT.findall(text))
    different = len({match.lower() for match in CONSENT.findall(text)})
    titled = any(CONSENT_TITLE.search(title) for title in titles)
    return (
        about >= _LEAST_CONSENT
        and different >= 3
        and about >= words * (_CONSENT_SHARE if titled else 2 * _CONSENT_SHARE)
    )


def _tells(text: str) -> bool:
    """True when there is a paragraph beside the ones about access."""
    about = (DENIED, CHECKED, CLOSED, SCRIPTED, CONSENT)
    return any(
        len(line) > _PARAGRAPH and not any(pattern.search(line) for pattern in about)
        for line in text.split("\n")
    )


def _visible(tree: "HtmlElement") -> str:
    body = tree.find("body")
    if body is None:
        return ""
    pieces: list[str] = []

    def gather(element: "HtmlElement") -> None:
        if isinstance(element.tag, str) and element.tag not in _SILENT:
            pieces.append(element.text or "")
            for child in element:
                gather(child)
                pieces.append(child.tail or "")

    gather(body)
    return " ".join(" ".join(pieces).split())


def _unscripted(tree: "HtmlElement") -> str:
    return " ".join(shown_text(element) for element in tree.iter("noscript"))[:2_000]


def _quoted(titles: list[str], shown: str) -> str:
    title = next(filter(None, titles), "") or shown
    return f"“{' '.join(title.split())[:80]}”"


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))
