"""Which companies a document is about, and how much.

`CatalogueLinker` is the `SubjectLinker` of the pipeline: it reads tickers and names with a
`MentionIndex` and weighs them. Linking never fails: a text it cannot make sense of has the
subjects its source gives, or none.
"""

import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec

from pipeline.catalogue import Catalogue, load_catalogue
from pipeline.conflicts import Conflict, check_catalogue
from pipeline.documents import Document, Subject, SubjectId, document_id
from pipeline.errors import ConfigurationError
from pipeline.garbage import collector_at_rest
from pipeline.listings import Mention
from pipeline.mentions import MentionIndex
from pipeline.names import readable
from pipeline.ports import Linked
from pipeline.surfaces import surfaces

# A mention in the title says three times as much as one in the text.
_TITLE_WEIGHT = 3.0
# One other of equal weight takes a fifth of a subject's relevance; ten of them leave less
# than a tenth, which is the least that counts.
_CROWD = 4.0
_CROWDING = 1.6
# More subjects than this in so few characters each are a list, whatever it repeats.
_LIST = 10
_LIST_CHARACTERS = 60
# Who passes a text on, to whom it is addressed and hashtags before it are no part of it.
_LEAD_IN = re.compile(r"(?:[^\w@#$]|RT |MT |@\w+:? ?|#\w+ )*")
# A text of so many characters is read in one glance.
_SHORT = 400
_MOST_MADE = 100_000
_NOTHING = Linked(subjects=(), mentions={})

__all__ = ["CatalogueLinker", "Conflict", "as_json", "check_catalogue", "link_file", "relevance"]


class CatalogueLinker:
    """Links documents to the subjects of a catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.use(catalogue)

    def use(self, catalogue: Catalogue) -> None:
        """Link by `catalogue` from the next document on; for reloading while running, from
        another thread too."""
        made: dict[tuple[SubjectId, str, float], Subject] = {}
        # one value, replaced at once: a document is read by one catalogue throughout
        with collector_at_rest():
            self._compiled = (MentionIndex(catalogue), made)

    def read(self, document: Document) -> Linked:
        """The subjects, most relevant first, and the names each goes by in this document."""
        body = document.body
        text = readable(body)
        title_end = self._title_end(document)
        subjects, mentions = self._weighed(document, text, title_end)
        if not subjects:
            return _NOTHING
        names = surfaces(body, text, mentions, title_end)
        if len(names) < len(subjects):
            for subject in subjects:
                names.setdefault(subject.id, subject.tickers)
        return Linked(subjects=subjects, mentions=names)

    def link(self, document: Document) -> tuple[Subject, ...]:
        """The subjects, most relevant first; the source's own tickers are trusted.

        A ticker of the source that the catalogue does not know is the subject `ticker:XYZ`.
        """
        return self._weighed(document, readable(document.body), self._title_end(document))[0]

    @staticmethod
    def _title_end(document: Document) -> int:
        """Where the title ends in the readable text; 0 without a title of its own."""
        title = document.title
        return len(readable(title)) if title and document.text else 0

    def _weighed(
        self, document: Document, text: str, title_end: int
    ) -> tuple[tuple[Subject, ...], list[Mention]]:
        """The subjects of a document whose readable body is `text`, and where it names them."""
        index, made = self._compiled
        day = document.published_at.toordinal()
        given: dict[SubjectId, str] = {}
        for spelling in document.subjects:
            subject = index.listings.given(spelling, day)
            if subject is not None and subject not in given:
                given[subject] = spelling
        weights: dict[SubjectId, float] = dict.fromkeys(given, 0.0)
        first: dict[SubjectId, int] = {}
        mentions = index.find(text, day, given)
        for subject, start, _ in mentions:
            weight = _TITLE_WEIGHT if start < title_end else 1.0
            weights[subject] = weights.get(subject, 0.0) + weight
            if start < first.get(subject, start + 1):
                first[subject] = start
        if not weights:
            return (), mentions
        if given:
            # A source's ticker counts as much as half of what the text speaks of most.
            floor = max(1.0, max(weights.values()) / 2)
            for subject in given:
                if weights[subject] < floor:
                    weights[subject] = floor
        total = sum(weights.values())
        lead_in = _LEAD_IN.match(text)
        begin = lead_in.end() if lead_in else 0
        found = [
            _subject(
                index,
                made,
                subject,
                given.get(subject, ""),
                relevance(
                    weight / total,
                    len(weights),
                    max(0, first.get(subject, 0) - begin),
                    len(text),
                ),
            )
            for subject, weight in weights.items()
        ]
        if len(found) > 1:
            found.sort(key=_most_relevant)
        return tuple(found), mentions


def _subject(
    index: MentionIndex,
    known: dict[tuple[SubjectId, str, float], Subject],
    subject: SubjectId,
    spelling: str,
    value: float,
) -> Subject:
    """The value, made once: relevance has a hundred steps and few subjects make the news."""
    key = (subject, spelling, value)
    made = known.get(key)
    if made is None:
        tickers = index.listings.tickers.get(subject)
        if tickers is None:
            tickers = (subject.removeprefix("ticker:"),)
        if spelling and spelling not in tickers:
            tickers = (*tickers, spelling)
        if len(known) >= _MOST_MADE:
            known.clear()
        made = known[key] = Subject(id=subject, tickers=tickers, relevance=value)
    return made


def _most_relevant(subject: Subject) -> tuple[float, str]:
    return (-subject.relevance, subject.id)


def relevance(share: float, subjects: int, position: int, length: int) -> float:
    """How much a document is about one of its subjects, 0.01 to 1, in hundredths.

    `share` is the subject's part of all mentions, `subjects` their number, `position` where
    in `length` characters it comes first. A share of a tenth is the least that counts.
    """
    crowd = 1 / share
    if subjects > _LIST and length < subjects * _LIST_CHARACTERS:
        crowd = max(crowd, subjects)
    # What a long text mentions late is an aside; a short text is in full view all the same.
    late = position / length / (2 if length > _SHORT else 5) if length else 0.0
    value = (1 - late) / (1 + (crowd - 1) ** _CROWDING / _CROWD)
    return max(0.01, round(float(value), 2))


def link_file(
    path: Path, ignore_source: bool = False, linker: CatalogueLinker | None = None
) -> Iterator[tuple[str, tuple[Subject, ...]]]:
    """(document id, subjects) for each line of a JSONL(.gz) of documents, in order.

    `ignore_source` leaves out the tickers the source gives. Raises `ConfigurationError`
    naming file and line where a line is no document.
    """
    chosen = linker or CatalogueLinker(load_catalogue())
    decoder = msgspec.json.Decoder(Document)
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    document = decoder.decode(line)
                except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                    raise ConfigurationError(f"{path}:{number}: {error}") from error
                if ignore_source:
                    document = replace(document, subjects=())
                yield document_id(document), chosen.link(document)
    except (OSError, EOFError, zlib.error) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from error


def as_json(identity: str, subjects: Iterable[Subject]) -> str:
    """One line of `bellwether subjects link --json`."""
    return json.dumps(
        {
            "id": identity,
            "subjects": [
                {"id": one.id, "tickers": list(one.tickers), "relevance": one.relevance}
                for one in subjects
            ],
        },
        ensure_ascii=False,
    )
