"""Which story a document tells, for counting each story once.

A story is a text and its copies (`pipeline.copies`), told within two days of each other.
Independent texts about the same event are stories of their own; they share an `event` where
the model gives embeddings, a subject is shared and figures do not speak against it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.copies import Wording, wording
from pipeline.documents import Document, DocumentId, Story, SubjectId
from pipeline.spam import weight_of

# A story is told again within two days or it is another story.
STORY_SPAN = timedelta(hours=48)
# Two embeddings are of one event when at most this share of their signs differs: 0.18 of the
# signs is a cosine of 0.84.
MOST_SIGNS_DIFFER = 0.18
# An author field of two thousand letters is no name.
_LONGEST_VOICE = 100
_SUBJECTS_COMPARED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What the index of stories needs of a document. `embedding` are the signs of one, eight a
    byte; `account` is empty where nobody can be told apart."""

    document: DocumentId
    at: datetime
    wording: Wording
    voice: str
    account: str = ""
    spam_weight: int = 0
    repost_of: DocumentId | None = None
    subjects: tuple[SubjectId, ...] = ()
    embedding: bytes | None = None


def telling(
    document: Document, subjects: Sequence[SubjectId] = (), embedding: bytes | None = None
) -> Telling:
    """The telling of `document`, which is about `subjects`, most relevant first."""
    told = wording(document, subjects)
    # who is passed on is the voice, also where the original was never seen
    voice = told.credited or document.voice
    return Telling(
        document=document.id,
        at=document.published_at,
        wording=told,
        voice=voice[:_LONGEST_VOICE],
        account=(document.author or "")[:_LONGEST_VOICE],
        spam_weight=weight_of(document),
        repost_of=DocumentId(document.repost_of) if document.repost_of else None,
        subjects=tuple(subjects[:_SUBJECTS_COMPARED]),
        embedding=embedding,
    )


def same_event(one: bytes, other: bytes) -> bool:
    """Whether the signs of two embeddings, eight a byte, are of texts about one event, given that
    they share a subject.

    The share of signs that differ estimates the angle between the embeddings, divided by pi
    (Charikar 2002). Embeddings of different lengths are of different models.
    """
    if not one or len(one) != len(other):
        return False
    differ = (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()
    return differ <= int(MOST_SIGNS_DIFFER * 8 * len(one))


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What the index answers for one telling: `tellings` earlier documents told the event."""

    story: bytes
    position: int
    voice: str
    event: bytes
    voices: int
    tellings: int
    first: int
    suspected_spam: bool


def placed(place: Place, one: Telling) -> Story:
    """The story of a telling, as it travels."""
    first = datetime.fromtimestamp(place.first, one.at.tzinfo)
    return Story(
        id=place.story.hex(),
        position=place.position,
        voice=place.voice,
        event=place.event.hex(),
        voices=place.voices,
        first_seen=first,
        novelty=novelty(place.tellings, one.at - first),
        suspected_spam=place.suspected_spam,
    )


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
