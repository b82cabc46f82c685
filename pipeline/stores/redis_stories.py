"""Which story each document tells, and what the detector remembers, in Redis."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from hashlib import blake2b
from struct import Struct
from typing import Any, cast

import redis

from pipeline.copies import FEWEST_WORDS
from pipeline.documents import Story
from pipeline.spam import (
    ACCOUNT_WINDOW,
    NOBODY,
    REMEMBERED,
    SUSPECT_SUBJECTS,
    SUSPECT_WEIGHT,
    TEXT_WINDOW,
)
from pipeline.stores.memory_stories import MOST_EVENTS, MOST_IN_BAND, MOST_VOICES
from pipeline.stores.redis_connection import redis_unavailable, script
from pipeline.stories import MOST_SIGNS_DIFFER, STORY_SPAN, Place, Telling, placed

# Documents one generation holds, about 1 KB each; there are two.
MOST_DOCUMENTS = 500_000
# Tellings one call of the script places, about 15 ms: so long nobody else is answered.
_AT_ONCE = 500

# position, voices, tellings, first, spam, story, event; the voice follows
_PLACE = Struct(">IIIQB16s16s")


class RedisStoryIndex:
    """`StoryIndex` in Redis, in two generations of up to `most_documents` each.

    A generation ends when it is full, or when `STORY_SPAN` of event time has passed since it
    began and it holds a thirty-second of that. So a story is found again for two days, or for
    the last `most_documents` documents, whichever is less.
    """

    def __init__(
        self, client: redis.Redis, prefix: str = "bw", most_documents: int = MOST_DOCUMENTS
    ) -> None:
        self._client = client
        self._prefix = f"{prefix}:{{stories}}:"
        self._limits = (
            most_documents,
            int(STORY_SPAN.total_seconds()),
            2 * STORY_SPAN // timedelta(milliseconds=1),
            MOST_IN_BAND,
            MOST_EVENTS,
            MOST_VOICES,
            int(TEXT_WINDOW.total_seconds()),
            SUSPECT_WEIGHT,
            int(ACCOUNT_WINDOW.total_seconds()),
            SUSPECT_SUBJECTS,
            REMEMBERED,
            MOST_SIGNS_DIFFER,
            FEWEST_WORDS,
            NOBODY,
        )
        self._script = client.register_script(script("place_stories"))

    def place(self, tellings: Sequence[Telling]) -> list[Story]:
        """The story of each telling, in order; one round trip, whatever their number. Asking
        again within two days gives the same answer. Raises `Unavailable`."""
        if not tellings:
            return []
        parts = [
            [value for one in tellings[first : first + _AT_ONCE] for value in _values(one)]
            for first in range(0, len(tellings), _AT_ONCE)
        ]
        with redis_unavailable():
            try:
                answers = self._called("EVALSHA", self._script.sha, parts)
            except redis.exceptions.NoScriptError:
                # a server that was restarted, or never asked: the text makes it known
                answers = self._called("EVAL", self._script.script, parts)
        return [
            placed(_place(answer), one)
            for answer, one in zip(
                (answer for part in answers for answer in part), tellings, strict=True
            )
        ]

    def _called(self, command: str, what: Any, parts: list[list[Any]]) -> list[list[bytes]]:
        pipe: Any = self._client.pipeline(transaction=False)
        for part in parts:
            pipe.execute_command(command, what, 1, self._prefix, *self._limits, *part)
        return cast(list[list[bytes]], pipe.execute())


def _values(one: Telling) -> tuple[Any, ...]:
    told = one.wording
    return (
        _name(one.document),
        int(one.at.timestamp()),
        told.exact,
        told.template,
        told.words,
        told.numbers,
        told.tickers,
        told.subjects,
        b"".join(told.bands),
        one.voice.encode("utf-8", "surrogatepass"),
        _name(one.account) if one.account else b"",
        one.spam_weight,
        _name(one.repost_of) if one.repost_of else b"",
        b"".join(map(_name, one.subjects)),
        one.embedding or b"",
    )


@lru_cache(maxsize=16_384)
def _name(text: str) -> bytes:
    """A name of any length as ten bytes: one in a million million is taken for another."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=10).digest()


def _place(answer: bytes) -> Place:
    position, voices, tellings, first, spam, story, event = _PLACE.unpack_from(answer)
    return Place(
        story=story,
        position=position,
        voice=answer[_PLACE.size :].decode("utf-8", "surrogatepass"),
        event=event,
        voices=voices,
        tellings=tellings,
        first=first,
        suspected_spam=bool(spam),
    )


class RedisSeriesStates:
    """`SeriesStates` in Redis; a state lives for `retention` after it was last saved."""

    def __init__(
        self, client: redis.Redis, prefix: str = "bw", retention: timedelta = timedelta(days=8)
    ) -> None:
        self._client = client
        self._prefix = f"{prefix}:{{states}}:"
        self._lifetime_ms = retention // timedelta(milliseconds=1)

    def load(self, keys: Sequence[str]) -> list[bytes | None]:
        """The stored state of each key, None where there is none. Raises `Unavailable`."""
        if not keys:
            return []
        with redis_unavailable():
            return cast(list[bytes | None], self._client.mget([self._prefix + key for key in keys]))

    def save(self, states: Mapping[str, bytes]) -> None:
        """Store all of them or none. Raises `Unavailable`."""
        if not states:
            return
        with redis_unavailable():
            pipe = self._client.pipeline(transaction=True)
            for key, state in states.items():
                pipe.set(self._prefix + key, state, px=self._lifetime_ms)
            pipe.execute()
