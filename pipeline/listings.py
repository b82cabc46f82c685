"""Tickers in a text: cashtags, exchange forms, codes and brackets, and whose they are."""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping

from pipeline.catalogue import Catalogue
from pipeline.claims import Claim, ranked, sole_claim
from pipeline.documents import SubjectId
from pipeline.names import is_cjk
from pipeline.support import is_shouted
from pipeline.tickers import canonical, listed_in

# Where a text mentions a subject: (subject, start, end). A plain tuple: one is made for every
# mention of every document.
Mention = tuple[SubjectId, int, int]

# The look-behind stands after the dollar so that the search can jump from dollar to dollar.
# Letters of English alone: Chinese and Japanese texts put no space around a tag.
_CASHTAG = re.compile(
    r"\$(?<![\w$]\$)([A-Za-z][A-Za-z0-9]{0,9}(?:[.\-/_][A-Za-z]{1,2})?)(?![\w$\u00c0-\u024f])",
    re.ASCII,
)
_UNKNOWN_CASHTAG = re.compile(r"[A-Z]{1,6}(?:\.[A-Z])?")
_HASHTAG = re.compile(r"#(?<![\w#]#)([A-Z]{3})(?!\w)")
_BRACKETS = re.compile(r"\(([^()]{1,60})\)")
_SYMBOL = re.compile(r"\$?([A-Z0-9]{1,10}(?:[.\-/][A-Z0-9]{1,4})?)")
# A bracket of so few letters in a Chinese text is a ticker where a price move follows.
_ABBREVIATION = 3
_MOVES = re.compile(r".{0,6}[涨跌收领升降市评股、和]|.{0,6}目标")
_AFTER_EXCHANGE = re.compile(r"\s*\$?([A-Z0-9]{1,10}(?:[.\-/][A-Z]{1,2})?)(?![A-Za-z0-9])")
_BEFORE_SUFFIX = re.compile(r"(?<![A-Za-z0-9.])([0-9]{4,6})$")
_CHINESE_CODE = re.compile(r"(?:SH|SZ)(\d{6})(?!\d)", re.IGNORECASE)

# "AAPL US Equity", "700 HK Equity", "BP/:LN", "AAPL:US"; "HK:0700", "SH:600519".
_TERMINAL = re.compile(
    r"(?<![\w.$])([A-Z][A-Z0-9.]{0,6}/?|\d{1,6})(?: ([A-Z]{2}) (?:Equity|EQUITY)|:([A-Z]{2}))(?!\w)"
)
_COUNTRY_FIRST = re.compile(r"(?<![\w.])(HK|SH|SZ):\s?(\d{1,6})(?!\d)")

_MOST_UNKNOWN = 100_000

# What the automaton looks for where a code may stand.
EXCHANGE_TRIGGER, SUFFIX_TRIGGER, CODE_TRIGGER = "exchange", "suffix", "code"
TERMINAL_TRIGGER = "terminal"


class Listings:
    """The tickers of a catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        claims: dict[str, list[Claim]] = defaultdict(list)
        known: dict[SubjectId, dict[str, None]] = {}
        for entry in catalogue.entries:
            own = known.setdefault(entry.id, {} if ":" in entry.id else {entry.id: None})
            first, last = entry.valid_from.toordinal(), entry.valid_to.toordinal()
            for ticker in entry.tickers:
                own[ticker] = None
                claims[ticker].append(Claim(entry.id, first, last, entry.layer))
        self.tickers: dict[SubjectId, tuple[str, ...]] = {
            subject: tuple(own) for subject, own in known.items()
        }
        self._always: dict[str, SubjectId] = {}
        self._dated: dict[str, tuple[Claim, ...]] = {}
        for ticker, owners in claims.items():
            order = ranked(owners)
            sole = sole_claim(order)
            if sole is not None:
                self._always[ticker] = sole.subject
            else:
                self._dated[ticker] = order
        self._unknown: dict[str, SubjectId] = {}
        self._words = catalogue.words

    def owner(self, ticker: str, day: int) -> SubjectId | None:
        """The subject with that canonical ticker on that day, None where none has it."""
        subject = self._always.get(ticker)
        if subject is None and ticker in self._dated:
            for claim in self._dated[ticker]:
                if claim.first <= day <= claim.last:
                    return claim.subject
        return subject

    def given(self, spelling: str, day: int) -> SubjectId | None:
        """The subject of what a source gives: a ticker in any spelling, or a subject id.

        `ticker:XYZ` for a ticker that is not known; None where nothing is given.
        """
        subject = self._always.get(spelling) or self._unknown.get(spelling)
        if subject is not None:
            return subject
        if spelling in self.tickers and spelling not in self._dated:
            return SubjectId(spelling)
        ticker = canonical(spelling.removeprefix("ticker:"))
        if not ticker:
            return None
        subject = self._owner_or_unknown(ticker, day)
        if ticker == spelling and ticker not in self._dated:
            self._remember(ticker, subject)
        return subject

    def _remember(self, ticker: str, subject: SubjectId) -> None:
        """Keeps the id of a ticker nobody has; foreign input must not grow it for ever."""
        if len(self._unknown) >= _MOST_UNKNOWN:
            self._unknown.clear()
        self._unknown[ticker] = subject

    def _owner_or_unknown(self, ticker: str, day: int) -> SubjectId:
        return self.owner(ticker, day) or SubjectId(f"ticker:{ticker}")

    def cashtags(self, text: str, day: int, mentions: list[Mention]) -> None:
        """Adds `$AAPL`, `$brk.b` and, in capitals only, tickers that are not known."""
        always = self._always
        for found in _CASHTAG.finditer(text):
            tag = found[1]
            subject = always.get(tag) or self._unknown.get(tag)
            if subject is None:
                ticker = canonical(tag.replace("_", "."))
                subject = self.owner(ticker, day)
                if subject is None:
                    if not _UNKNOWN_CASHTAG.fullmatch(tag):
                        continue
                    subject = SubjectId(f"ticker:{ticker}")
            start, end = found.span()
            mentions.append((subject, start, end))

    def hashtags(self, text: str, day: int, mentions: list[Mention]) -> None:
        """Adds known tickers of three letters in hashtags: `#JPM`. Shorter ones are anything,
        longer ones are found without the hash. In a text that is all capitals none is one."""
        shouted: bool | None = None
        for found in _HASHTAG.finditer(text):
            ticker = found[1]
            if ticker.lower() not in self._words and (subject := self.owner(ticker, day)):
                if shouted is None:
                    shouted = is_shouted(text)
                if shouted:
                    return
                start, end = found.span()
                mentions.append((subject, start, end))

    def terminal(self, text: str, day: int) -> list[Mention]:
        """Known listings as terminals and portals write them: "AAPL US Equity", "HK:0700"."""
        mentions: list[Mention] = []
        for found in _TERMINAL.finditer(text):
            subject = self.owner(listed_in(found[1], found[2] or found[3]), day)
            if subject is not None:
                mentions.append((subject, found.start(), found.end()))
        for found in _COUNTRY_FIRST.finditer(text):
            subject = self.owner(listed_in(found[2], found[1]), day)
            if subject is not None:
                mentions.append((subject, found.start(), found.end()))
        return mentions

    def code(self, trigger: str, text: str, start: int, end: int, day: int) -> Mention | None:
        """The listing at a trigger: `NYSE:` begins one, `.HK` ends one, `SH60` is in one."""
        if trigger is EXCHANGE_TRIGGER:
            found = _AFTER_EXCHANGE.match(text, end)
            if found is None or not text[start:end].rstrip(" :").isupper():
                return None
            # "@NASDAQ: 3 reasons" and "#NYSE: RT" are no listings
            if start and (text[start - 1] in "@#_" or text[start - 1].isalnum()):
                return None
            ticker = canonical(text[start:end].replace(" ", "") + found[1])
            subject = self.owner(ticker, day)
            if subject is None:
                if ticker.isdecimal():
                    return None
                subject = SubjectId(f"ticker:{ticker}")
            return subject, start, found.end()
        if trigger is CODE_TRIGGER:
            found = _CHINESE_CODE.match(text, start)
            if found is None:
                return None
            return self._owner_or_unknown(canonical(found[0]), day), start, found.end()
        if end < len(text) and text[end].isalnum() and not is_cjk(text[end]):
            return None
        found = _BEFORE_SUFFIX.search(text, max(0, start - 7), start)
        if found is None:
            return None
        ticker = canonical(found[1] + text[start:end])
        return self._owner_or_unknown(ticker, day), found.start(), end

    def bracketed(
        self, text: str, day: int, named: Mapping[int, Collection[SubjectId]]
    ) -> list[Mention]:
        """Known tickers alone in brackets: "Apple (AAPL)", "(BRK.A, BRK.B)".

        `named` holds the subjects whose names end at each position: "(IT)" and "(CEO)" are
        tickers only right after the name of their company.
        """
        mentions: list[Mention] = []
        for found in _BRACKETS.finditer(text):
            position = found.start() + 1
            for part in re.split("[,;/]", found[1]):
                start = position + len(part) - len(part.lstrip())
                position += len(part) + 1
                symbol = _SYMBOL.fullmatch(part.strip())
                subject = symbol and self.owner(canonical(symbol[1]), day)
                if symbol is None or subject is None:
                    continue
                doubtful = len(symbol[1]) == 1 or symbol[1].lower() in self._words
                if len(symbol[1]) <= _ABBREVIATION and is_cjk(
                    text[found.start() - 1 : found.start()]
                ):
                    # abbreviations of other things stand in brackets too
                    doubtful |= _MOVES.match(text, found.end()) is None
                if doubtful and not any(
                    subject in named.get(found.start() - gap, ()) for gap in range(3)
                ):
                    continue
                mentions.append((subject, start, start + len(part.strip())))
        return mentions
