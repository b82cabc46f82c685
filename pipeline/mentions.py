"""Where a text mentions which subjects: names, tickers and cashtags, the longest first.

One Aho-Corasick automaton holds every form of every name in every language, so that the cost
of reading a text hardly depends on the size of the catalogue.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator

import ahocorasick_rs

from pipeline.boundaries import case_fits, in_address, is_possessive, stands_alone
from pipeline.catalogue import Catalogue, Entry, given_names
from pipeline.claims import Claim, ranked, sole_claim, strongest_on
from pipeline.documents import SubjectId
from pipeline.listings import (
    CODE_TRIGGER,
    EXCHANGE_TRIGGER,
    SUFFIX_TRIGGER,
    TERMINAL_TRIGGER,
    Listings,
    Mention,
)
from pipeline.names import Case, Form, forms, is_cjk, lowered, readable
from pipeline.spans import apart_from, longest
from pipeline.support import (
    context_pattern,
    has_article,
    is_person,
    is_rated_by,
    is_rating_others,
    is_shouted,
    is_source,
    is_speaking,
    is_supported,
    speaks_of_itself,
    speaks_of_ratings,
)
from pipeline.tickers import EXCHANGES

# A bare ticker this long is no abbreviation of anything else, if it is no ordinary word.
_BARE_TICKER = 4
# A name of fewer letters with an s behind it may be anything.
_POSSESSIVE = 3
# Asian codes are digits; with their suffix they are nobody's year or price.
_DIGIT_SUFFIXES = (".T", ".KS", ".TW", ".BO")

# One match of the automaton: (pattern number, start, end).
Match = tuple[int, int, int]


class MentionIndex:
    """Everything a catalogue knows, compiled for reading texts. Never changes once built."""

    def __init__(self, catalogue: Catalogue) -> None:
        claims: dict[str, list[Claim]] = defaultdict(list)
        context: dict[SubjectId, tuple[str, ...]] = defaultdict(tuple)
        analysts: set[SubjectId] = set()
        for entry in catalogue.entries:
            for claim, form in _name_claims(entry, catalogue.words):
                claims[form.text].append(claim)
            for phrase in entry.unless:
                # a form nobody claims: it wins by its length and means no one
                claims.setdefault(lowered(readable(phrase)), [])
            context[entry.id] += entry.context
            if entry.analyst:
                analysts.add(entry.id)
        self.listings = Listings(catalogue)
        self._analysts = frozenset(analysts)
        self._given_names = given_names()
        self._context = {
            subject: pattern
            for subject, words in context.items()
            if (pattern := context_pattern(words)) is not None
        }
        patterns = list(claims)
        self._claims = [ranked(claims[text]) for text in patterns]
        self._sole = [
            sole.subject if owners and (sole := sole_claim(owners)) else None
            for owners in self._claims
        ]
        self._names = len(patterns)
        triggers = {
            EXCHANGE_TRIGGER: [f"{name.lower()}{colon}" for name in EXCHANGES for colon in _COLONS],
            SUFFIX_TRIGGER: [".sh", ".ss", ".sz", ".hk"],
            CODE_TRIGGER: ["sh60", "sh68", "sz00", "sz30"],
            TERMINAL_TRIGGER: [" equity", ":us", ":ln", ":hk", ":in", ":jp", "hk:", "sh:", "sz:"],
        }
        self._triggers = [kind for kind, texts in triggers.items() for _ in texts]
        patterns += [text for texts in triggers.values() for text in texts]
        # forms in scripts without spaces have no word boundaries
        self._bounded = [not is_cjk(text) for text in patterns]
        self._possessive = [
            len(text) >= _POSSESSIVE
            and bool(claims[text])
            and text.isascii()
            and text.replace(" ", "").isalpha()
            and text not in catalogue.words
            for text in patterns
        ]
        self._automaton = ahocorasick_rs.AhoCorasick(
            patterns, implementation=ahocorasick_rs.Implementation.ContiguousNFA
        )

    def find(self, text: str, day: int, trusted: Collection[SubjectId] = ()) -> list[Mention]:
        """The mentions in a readable `text` published on `day`, in no particular order.

        `trusted` subjects are known to be meant: their ambiguous names need no support.
        """
        lower = lowered(text)
        mentions: list[Mention] = []
        if "$" in text:
            self.listings.cashtags(text, day, mentions)
        if "#" in text:
            self.listings.hashtags(text, day, mentions)
        coded: list[Mention] = []
        names: list[Match] = []
        terminal = False
        for match in self._automaton.find_matches_as_indexes(lower, overlapping=True):
            index, start, end = match
            if index >= self._names:
                kind = self._triggers[index - self._names]
                if kind is TERMINAL_TRIGGER:
                    terminal = True
                elif code := self.listings.code(kind, text, start, end, day):
                    coded.append(code)
            elif (
                not self._bounded[index]
                or stands_alone(lower, start, end)
                or (self._possessive[index] and is_possessive(text, lower, start, end))
            ):
                names.append(match)
        if len(names) > 1:
            names = longest(names)
        if "(" in text:
            named: dict[int, set[SubjectId]] = defaultdict(set)
            for index, _, end in names:
                named[end].update(claim.subject for claim in self._claims[index])
            coded += self.listings.bracketed(text, day, named)
        if terminal:
            coded += self.listings.terminal(text, day)
        if coded:
            # "(NYSE: GE)" is an exchange form and a bracket
            coded = longest(coded)
            names = apart_from(coded, names)
            mentions += coded
        if names:
            self._add_names(text, lower, day, names, trusted, mentions)
        return mentions

    def _add_names(
        self,
        text: str,
        lower: str,
        day: int,
        names: list[Match],
        trusted: Collection[SubjectId],
        mentions: list[Mention],
    ) -> None:
        """Adds the names that are meant; doubtful ones are judged once the rest is known."""
        ratings: bool | None = None
        shouted: bool | None = None
        doubtful: list[tuple[list[Claim], int, int]] = []
        ends = {end for _, _, end in names}
        for index, start, end in names:
            if in_address(lower, start) or (start and is_source(lower, start)):
                continue
            if (
                start - 1 not in ends  # "Raymond James" is no person who is called Apple
                and " " not in lower[start:end]
                and is_person(text, start, self._given_names)
            ):
                continue
            best: list[Claim] = []
            subject = self._sole[index]
            if subject is None:
                best = [
                    claim
                    for claim in strongest_on(self._claims[index], day)
                    if claim.form is not None and case_fits(claim.form, text, start, end)
                ]
                if not best:
                    continue
                subject = best[0].subject
            if ratings is None:
                ratings = speaks_of_ratings(lower)
            if ratings and is_rated_by(lower, start):
                continue
            if (
                subject in self._analysts
                and (
                    (ratings and is_rating_others(lower, start, end))
                    or ((ratings or len(names) > 1) and is_speaking(lower, start, end))
                )
                and not (len(names) == 1 and speaks_of_itself(lower))
            ):
                continue
            certain = _is_certain(best)
            if certain and best and best[0].form is not None and best[0].form.word:
                if shouted is None:
                    shouted = is_shouted(text)
                certain = not shouted and not has_article(lower, start)
            if certain:
                mentions.append((subject, start, end))
            else:
                doubtful.append((best, start, end))
        if doubtful:
            sure = {*trusted, *(subject for subject, _, _ in mentions)}
            self._add_doubtful(lower, doubtful, sure, mentions)

    def _add_doubtful(
        self,
        lower: str,
        doubtful: list[tuple[list[Claim], int, int]],
        sure: set[SubjectId],
        mentions: list[Mention],
    ) -> None:
        """Adds the names that something in the text supports, for one subject alone."""
        in_context: dict[SubjectId, bool] = {}
        for claims, start, end in doubtful:
            meant = {claim.subject for claim in claims if claim.subject in sure}
            if not meant:
                for claim in claims:
                    # asked once a text: a long one may hold an ambiguous name often
                    if claim.subject not in in_context:
                        pattern = self._context.get(claim.subject)
                        in_context[claim.subject] = bool(pattern and pattern.search(lower))
                    derived = claim.form is not None and claim.form.derived
                    if (in_context[claim.subject] and not derived) or is_supported(
                        lower, start, end, derived
                    ):
                        meant.add(claim.subject)
            if len(meant) == 1:
                mentions.append((next(iter(meant)), start, end))
                sure |= meant


def _is_certain(claims: list[Claim]) -> bool:
    """Whether the best claims leave no question; no claims: the form has a sole owner."""
    if not claims:
        return True
    form = claims[0].form
    return (
        form is not None
        and not form.needs_support
        and all(claim.subject == claims[0].subject for claim in claims)
    )


_COLONS = (":", " :")


def _name_claims(entry: Entry, words: frozenset[str]) -> Iterator[tuple[Claim, Form]]:
    first, last = entry.valid_from.toordinal(), entry.valid_to.toordinal()
    for name in entry.names:
        for form in forms(name, words, entry.ambiguous):
            yield Claim(entry.id, first, last, entry.layer, form), form
    for ticker in entry.tickers:
        # BARC.L proves itself and so does AAPL, but ALL and CAT are words
        if ticker[0].isdecimal():
            alone = ticker.endswith(_DIGIT_SUFFIXES)
        elif "." in ticker:
            alone = True
        else:
            alone = len(ticker) >= _BARE_TICKER and ticker.lower() not in words
        if alone and ticker.isascii():
            form = Form(ticker.lower(), ticker, Case.EXACT, word=ticker.isalpha())
            yield Claim(entry.id, first, last, entry.layer, form), form
