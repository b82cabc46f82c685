"""Which story each document tells, and what the detector remembers, in Redis."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import cast

import msgspec
import redis

from pipeline.documents import DocumentId, Story
from pipeline.stores.redis_connection import redis_unavailable, script

# A story is told again within two days or it is another story.
STORY_LIFETIME = timedelta(hours=48)
# Members one story remembers; a flood of copies must not fill the server.
MOST_MEMBERS = 1_000
# Documents one script places, about 5 ms.
_AT_ONCE = 2_000

_places = msgspec.msgpack.Decoder(list[int])


class RedisStoryIndex:
    """`StoryIndex` in Redis: one hash a story, document id to position."""

    def __init__(
        self,
        client: redis.Redis,
        prefix: str = "bw",
        lifetime: timedelta = STORY_LIFETIME,
        most_members: int = MOST_MEMBERS,
    ) -> None:
        self._prefix = f"{prefix}:{{stories}}:"
        self._limits = (most_members, lifetime // timedelta(milliseconds=1))
        self._place = client.register_script(script("place_stories"))

    def place(self, documents: Sequence[tuple[DocumentId, str]]) -> list[Story]:
        """The story of each (document id, fingerprint), in order. Asking again within the
        lifetime gives the same answer. Raises `Unavailable`."""
        found: list[Story] = []
        for first in range(0, len(documents), _AT_ONCE):
            part = documents[first : first + _AT_ONCE]
            with redis_unavailable():
                answer = self._place(
                    keys=[self._prefix],
                    args=[*self._limits, *(value for pair in part for value in pair)],
                )
            places = _places.decode(cast(bytes, answer))
            found.extend(
                Story(id=fingerprint, position=place)
                for (_, fingerprint), place in zip(part, places, strict=True)
            )
        return found


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
