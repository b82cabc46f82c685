"""What is counted of one minute of one series, and how two such counts become one.

All counts are integers (probabilities in millionths), so that adding is associative and
commutative, what was added can be taken out again, and a sum in Redis can equal a sum in SQL
to the last digit.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from operator import add, attrgetter, sub

from pipeline.distinct import Tally, negative, together
from pipeline.documents import DocumentId, Time

# Evidence a bucket keeps; DESIGN: the last 20 by contribution.
MAX_EVIDENCE = 20


@dataclass(frozen=True, slots=True)
class Totals:
    """What is counted in one bucket of one series. Adding is associative and commutative.

    `documents` counts all; `negative`, `neutral`, `positive` those with a sentiment;
    `*_micro` are the sums of probabilities in millionths; `novel` counts the documents that
    were the first of their story, `novel_negative` those of them that are negative; `late`
    those that came behind the allowed lateness, `suspected` those suspected to be spam;
    `novelty` is the sum of what was new about each, 100 for the first of a story.
    """

    documents: int = 0
    negative: int = 0
    neutral: int = 0
    positive: int = 0
    negative_micro: int = 0
    neutral_micro: int = 0
    positive_micro: int = 0
    novel: int = 0
    novel_negative: int = 0
    late: int = 0
    novelty: int = 0
    suspected: int = 0

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(*map(add, self.row(), other.row()))

    def __sub__(self, other: "Totals") -> "Totals":
        return Totals(*map(sub, self.row(), other.row()))

    def row(self) -> tuple[int, ...]:
        """The counts in the order of the fields."""
        return _row(self)


TOTALS_FIELDS = tuple(field.name for field in fields(Totals))
_row: Callable[[Totals], tuple[int, ...]] = attrgetter(*TOTALS_FIELDS)


# What is compared of a bucket: its totals in their order, then the tallies of stories and voices.
Counts = tuple[int | Tally, ...]
COUNTS_FIELDS = (*TOTALS_FIELDS, "stories", "voices")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A negative document that a bucket remembers, enough to judge its independence."""

    document: DocumentId
    story: str
    voice: str
    at: Time
    negative_micro: int
    novel: bool

    @property
    def rank(self) -> tuple[bool, int, str]:
        """Strongest last: first of its story, then the most negative; ids break ties."""
        return (self.novel, self.negative_micro, self.document)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The counts of one minute of one series, with its strongest negative evidence.

    `stories` and `voices` tally which stories were told and by how many independent voices
    (`pipeline.distinct`). `revision` grows with every change, also with one that takes a
    document out: of two states of a bucket the higher is the later.
    """

    start: Time
    totals: Totals = Totals()
    evidence: tuple[Evidence, ...] = ()
    stories: Tally = ()
    voices: Tally = ()
    revision: int = 0

    @property
    def counts(self) -> Counts:
        """What two copies of the same bucket must agree on, however they came about."""
        return (*self.totals.row(), self.stories, self.voices)


def strongest(evidence: Iterable[Evidence], most: int = MAX_EVIDENCE) -> tuple[Evidence, ...]:
    """The `most` strongest pieces, one a story, strongest first.

    Order-independent: the same set of documents gives the same answer however it arrived,
    also when only earlier answers are merged.
    """
    best: dict[str, Evidence] = {}
    for piece in evidence:
        held = best.get(piece.story)
        if held is None or piece.rank > held.rank:
            best[piece.story] = piece
    return tuple(sorted(best.values(), key=lambda piece: piece.rank, reverse=True)[:most])


def leaning(totals: Totals, evidence: Iterable[Evidence]) -> int:
    """The novel documents that lean to negative: those of the evidence, which keeps the strongest
    twenty, or all that are labelled so, where those are more."""
    return max(totals.novel_negative, sum([piece.novel for piece in evidence]))


def merged(one: Bucket, other: Bucket) -> Bucket:
    """Both buckets as one; they must cover the same minute."""
    if one.start != other.start:
        raise ValueError(f"buckets of different minutes: {one.start} and {other.start}")
    return Bucket(
        start=one.start,
        totals=one.totals + other.totals,
        evidence=strongest((*one.evidence, *other.evidence)),
        stories=together((one.stories, other.stories)),
        voices=together((one.voices, other.voices)),
        revision=one.revision + other.revision,
    )


def taken_out(held: Bucket, one: Bucket, document: DocumentId) -> Bucket:
    """`held` without what `document` added, which was `one`. Exact for every count; evidence
    that was displaced while the document was there does not come back."""
    return Bucket(
        start=held.start,
        totals=held.totals - one.totals,
        evidence=tuple(piece for piece in held.evidence if piece.document != document),
        stories=together((held.stories, negative(one.stories))),
        voices=together((held.voices, negative(one.voices))),
        revision=held.revision + one.revision,
    )
