"""Which item is which: by its guid, else its link, else its words.

A guid or link that several items of one answer share, though they say different things, names
none of them: live tickers link every line to one page, and broken generators give every item
the guid of the feed. Taken at their word they would lose all news but the first.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable


class Identities:
    """What names the items of one answer, given (guid, link, words) of each.

    `places` are addresses that are no item's own: of the feed and of its home page.
    """

    def __init__(
        self, items: Iterable[tuple[str | None, str | None, str]], places: Iterable[str | None]
    ) -> None:
        said: dict[str, set[str]] = defaultdict(set)
        links: dict[str, set[str | None]] = defaultdict(set)
        for guid, link, words in items:
            for name in filter(None, {guid, link}):
                said[name].add(words)
                links[name].add(link)
        several = {name for name, words in said.items() if len(words) > 1}
        # two editions of one entry share guid and link, and are one item; a guid that is the
        # link says no more than it
        self._no_guid = {name for name in several if len(links[name]) > 1 or name in links[name]}
        self._no_link = {*several, *filter(None, places)}

    def of(self, guid: str | None, link: str | None, words: str) -> str:
        """The name of an item, the same at every poll."""
        if guid and guid not in self._no_guid:
            return guid
        if link and link not in self._no_link:
            return link
        # the date is left out: some feeds put the time of the request there
        return hashlib.sha256(words.encode()).hexdigest()[:32]
