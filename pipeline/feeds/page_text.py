"""An article's own words out of a page full of others: trafilatura's work, and some after it.

trafilatura finds the article among navigation, teasers and comments. What it leaves in on
news pages is taken away here: the headline again, pull quotes, agency credits, calls to
subscribe. Where a script fills the page, its JSON-LD may hold the text.
"""

import copy
import logging
import re
from typing import TYPE_CHECKING

from pipeline.feeds.dates import read
from pipeline.feeds.page_facts import PageFacts
from pipeline.feeds.paragraphs import plain

if TYPE_CHECKING:
    from lxml.html import HtmlElement

log = logging.getLogger(__name__)

# Repeats and promotions inside articles, by the words that class names are made of.
_PRUNED = (
    "//*[self::div or self::aside or self::blockquote or self::figure or self::section or self::p"
    " or self::span or self::ul][contains(translate(concat(@class, ' ', @id), 'PQ-_', 'pq'),"
    " 'pullquote')]",
    "//*[@aria-hidden='true'][not(self::body or self::main or self::article)]",
    "//figcaption//*[contains(@class, 'credit')]",
)
# A list of links is the way to other articles.
_MOST_LINKED = 0.8
_BULLET = re.compile(r"^(?:[-*•▪●‣]\s+)+")
_MARK = re.compile(r"[^\w]")
# Whole paragraphs that are a page's furniture, in letters only.
_FURNITURE = frozenset(
    "advertisement advertisements readmore seealso share sharethis sharethisarticle relatedarticles"
    " relatedstories related recommended recommendedstories storycontinuesbelow storycontinues"
    " articlecontinuesbelowadvertisement articlecontinuesafteradvertisement print email facebook"
    " twitter linkedin whatsapp comments leaveacomment loading followus subscribe subscribenow"
    " signup signin login backtotop clickheretosubscribe topstories latestnews mostread trending"
    " 广告 相关阅读 分享到 责任编辑 返回搜狐查看更多 扫码下载 打开app 展开全文".split()
)
_FURNISHED = re.compile(
    r"^(?:\d{1,2}[\s-]min(?:ute)?s?\s+read"
    r"|(?:advertisement|(?:story|article) continues)\b.{0,60})$",
    re.IGNORECASE,
)
# What ends an article without belonging to it; only looked for in the last paragraphs.
_CREDITS = re.compile(
    r"^(?:\(?(?:additional |further )?(?:reporting|writing|editing|compiled|translated)"
    r"(?: and (?:writing|editing))? by\b"
    r"|our standards\s*:|the thomson reuters trust principles"
    r"|(?:read|see|watch|listen|more)(?: also| more| next| from| on)?\b[^!?]{0,80}:$"
    r"|(?:sign up|subscribe|register|log in|follow us|follow \S+ on|join|download|click here)\b"
    r"|(?:this|the) (?:article|story|post) (?:was )?originally (?:appeared|published)"
    r"|continue reading (?:your|this|the)\b|already a (?:subscriber|member)\b"
    r"|©|copyright\b|\(c\)|all rights reserved|disclaimer\s*:|disclosure\s*:"
    r"|(?:contact|e-?mail)(?: the \w+)?(?: at)?\s*:|[•*]?\s*e-?mail:"
    r"|(?:责任编辑|编辑|责编|校对|来源|免责声明|声明|版权声明|本文来源)\s*[:：]|【.{0,20}(?:编辑|版权).{0,10}】)",
    re.IGNORECASE,
)
_MOST_CREDITS = 8
# a JSON-LD body this much longer than what was found on the page: the page was not filled
_MUCH_LONGER = 1.5
_MOST_FOR_A_SECOND_OPINION = 12_000


def article_text(tree: "HtmlElement", facts: PageFacts) -> str:
    """The article's paragraphs joined by a newline; empty where the page holds none."""
    shown = tidied(_extracted(tree), facts)
    told = tidied(plain(facts.body), facts)
    return told if len(told) > _MUCH_LONGER * len(shown) + 50 else shown


def tidied(text: str, facts: PageFacts) -> str:
    """The text without what repeats the headline, the byline or an earlier paragraph, and
    without the furniture of the page."""
    kept: list[str] = []
    seen: set[str] = set()
    said = {_letters(one) for one in (facts.title, facts.author, f"by {facts.author}") if one}
    for line in text.split("\n"):
        paragraph = _BULLET.sub("", " ".join(line.split()))
        letters = _letters(paragraph)
        if not letters or letters in _FURNITURE or _FURNISHED.match(paragraph):
            continue
        if not kept and (letters in said or read(paragraph) is not None):
            continue
        if len(letters) > 40:
            if letters in seen:
                continue
            seen.add(letters)
        kept.append(paragraph)
    body = len(kept)
    # the first credit among the last paragraphs, with all that follows it, as long as what
    # comes before is still the article
    for index in range(max(len(kept) - _MOST_CREDITS, (len(kept) + 1) // 2), len(kept)):
        if _CREDITS.match(kept[index]) and all(
            _CREDITS.match(later) or len(later) < 120 for later in kept[index + 1 :]
        ):
            body = index
            break
    return "\n".join(kept[:body])


def _extracted(tree: "HtmlElement") -> str:
    import trafilatura

    own = copy.deepcopy(tree)  # both of us take it apart
    _without_link_lists(own)
    # it logs each page it finds nothing on; whoever asked is told by us
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    try:
        found = trafilatura.bare_extraction(
            own,
            include_comments=False,
            # its second opinion takes time by the square of the page
            fast=sum(1 for _ in own.iter()) > _MOST_FOR_A_SECOND_OPINION,
            prune_xpath=list(_PRUNED),
        )
    except Exception as error:  # a library's slip on one page is no crash of ours
        log.warning("no text could be taken from a page: %r", error)
        return ""
    return "" if found is None or isinstance(found, dict) else found.text or ""


def _without_link_lists(tree: "HtmlElement") -> None:
    # letters in an element, and those of them in links; children first, so each is read once
    letters: dict[HtmlElement, int] = {}
    linked: dict[HtmlElement, int] = {}
    for element in reversed([*tree.iter("*")]):
        letters[element] = len(_letters(element.text or "")) + sum(
            letters[child] + len(_letters(child.tail or "")) for child in element.iterchildren("*")
        )
        linked[element] = (
            letters[element]
            if element.tag == "a"
            else sum(linked[child] for child in element.iterchildren("*"))
        )
    for listed in [*tree.iter("ul", "ol")]:
        if linked[listed] > _MOST_LINKED * letters[listed] and listed.getparent() is not None:
            listed.drop_tree()


def _letters(text: str) -> str:
    return _MARK.sub("", text.casefold())
