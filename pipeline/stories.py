"""Which story a document tells, for counting each story once.

Reposts, syndicated copies and one message sent by a hundred accounts differ in links,
mentions, tickers and numbers, hardly ever in their words. The fingerprint is therefore a
hash of the words alone; two documents with the same fingerprint tell the same story.
"""

import hashlib
import math
import re
import unicodedata
from datetime import timedelta

from pipeline.documents import Document

# One pass: what is matched without a group is noise, what is in the group is a word.
_NOISE = r"(?:https?://|www\.)\S+|[@$#]\w+|\brt\b|\d+"
_WORDS = re.compile(rf"{_NOISE}|([^\W\d_]+)")
_ASCII_WORDS = re.compile(rf"{_NOISE}|([a-z]+)", re.ASCII)
# An article is copied whole, but its copies are cut at different lengths.
_WORDS_READ = 40


def fingerprint(document: Document) -> str:
    """32 hex digits; equal for copies that differ in links, mentions, tickers or numbers.

    A text of no words at all (a bare link) is only a copy of itself or of its repost_of.
    """
    text = document.body[:4000]
    if text.isascii():
        found = _ASCII_WORDS.findall(text.lower())
    else:
        found = _WORDS.findall(unicodedata.normalize("NFKC", text).casefold())
    words = [word for word in found if word][:_WORDS_READ]
    told = " ".join(words) if words else f"\n{document.repost_of or document.id}"
    return hashlib.blake2b(told.encode(), digest_size=16).hexdigest()


# Each earlier telling takes a quarter of what is new, each day half of it.
_KEPT_BY_A_TELLING = 0.75
_HALVED_BY = timedelta(hours=24)


def novelty(tellings: int, age: timedelta) -> int:
    """What is new about a document, 100 to 0, when `tellings` earlier documents told the
    event and the first of them is `age` old: 100 x 0.75^tellings x 0.5^(age / 24 h).

    100, 75, 56, 42, 32 for documents of the same moment. A document published before the
    first one that was seen has no age.
    """
    days = max(timedelta(0), age) / _HALVED_BY
    return round(100 * math.pow(_KEPT_BY_A_TELLING, tellings) * math.pow(0.5, days))
