"""The sentiment index of a series, now and usually: for the condition `sentiment_drop`.

The index of a document is its probability of being positive less that of being negative, from
-1 to 1. Kept is what the trend points carry: sums of both over the minutes of the last two
hours, over the hours of the last day, and, older, decayed sums with a half-life of seven days;
an hour that stands out teaches no more than a ceiling, so no flood becomes what is usual.
Only series with such a rule have this state, at most 121 + 27 pairs of numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from alerts.corrections import is_later
from alerts.learning import DECAY, ceiling
from alerts.minutes import minute_number
from alerts.series import HOURS_KEPT, MINUTES_KEPT
from pipeline.buckets import Bucket
from pipeline.trends import MICRO

Pair = tuple[int, int]
"""Documents, and the sum of their index in millionths."""
# Documents of the usual index that are believed to be neutral at first.
PRIOR_DOCUMENTS = 10.0


@dataclass(frozen=True, slots=True)
class Drop:
    """The index now and usually, -1 to 1, and the documents it is of now."""

    now: float
    usual: float
    documents: int


class Mood(msgspec.Struct, array_like=True):
    """The `minutes` and `hours` by their numbers, and what was learned of those before."""

    minute: int = 0
    minutes: dict[int, Pair] = {}
    hours: dict[int, Pair] = {}
    last_learned: int = 0
    documents: float = 0.0
    index: float = 0.0
    revisions: dict[int, int] = {}
    """Of the minutes' buckets that were corrected: more changes than documents."""
    spoken: float = 0.0
    """The learned hours that held documents, decayed as these."""

    def observe(self, bucket: Bucket, now: datetime, lateness_minutes: int) -> int | None:
        """Take in the state of one bucket and pass the time to `now`; the minute that changed, if
        one did."""
        self.roll(minute_number(now))
        totals = bucket.totals
        number = minute_number(bucket.start)
        told = totals.negative + totals.neutral + totals.positive
        if number < self.minute - lateness_minutes or not (told or number in self.minutes):
            return None
        held = self.minutes.get(number)
        if not is_later(bucket, self.revisions, held is not None and told < held[0]):
            return None
        self.minutes[number] = (told, totals.positive_micro - totals.negative_micro)
        return None if self.minutes[number] == held else number

    def roll(self, minute: int) -> None:
        """Let event time pass to `minute`; going back does nothing."""
        if minute <= self.minute:
            return
        self.minute = minute
        for number in sorted(one for one in self.minutes if one < minute - MINUTES_KEPT):
            _add(self.hours, number, self.minutes.pop(number))
            self.revisions.pop(number, None)
        until = minute // 60 - HOURS_KEPT
        for hour in sorted(one for one in self.hours if one < until):
            taught = self._taught(hour, self.hours)
            del self.hours[hour]
            faded = DECAY ** (hour - self.last_learned)
            self.documents = self.documents * faded + taught[0]
            self.index = self.index * faded + taught[1]
            self.spoken = self.spoken * faded + bool(taught[0])
            self.last_learned = hour

    def _taught(self, hour: int, hours: Mapping[int, Pair]) -> tuple[float, float]:
        """What the `hour` of these teaches, by what was learned and the day that follows it."""
        documents, index = hours[hour]
        if documents <= PRIOR_DOCUMENTS:
            return documents, index
        # of the hours that hold any: a series may speak once a day, and much then
        usual = self.documents / self.spoken if self.spoken else 0.0
        following = [pair[0] for other, pair in hours.items() if 0 < other - hour <= 24 and pair[0]]
        weight = min(1.0, max(PRIOR_DOCUMENTS, ceiling(following, usual)) / documents)
        return weight * documents, weight * index

    def drop(self, first: int, last: int, minimum: int = 1) -> Drop | None:
        """The minutes `first` to `last` against all that was before; None where they hold less
        than the `minimum`, or there is nothing to compare."""
        now = [pair for number, pair in self.minutes.items() if first <= number <= last]
        now += [pair for hour, pair in self.hours.items() if hour * 60 >= first]
        documents = sum(pair[0] for pair in now)
        if documents < max(1, minimum):
            return None
        hours = {hour: pair for hour, pair in self.hours.items() if hour * 60 < first}
        for number, pair in self.minutes.items():
            if number < first:
                _add(hours, number, pair)
        before = [self._taught(hour, hours) for hour in sorted(hours)]
        faded = DECAY ** max(0, self.minute // 60 - self.last_learned)
        known = self.documents * faded + sum(taught for taught, _ in before)
        if known < PRIOR_DOCUMENTS:
            return None
        index = self.index * faded + sum(taught for _, taught in before)
        return Drop(
            now=sum(pair[1] for pair in now) / documents / MICRO,
            usual=index / (known + PRIOR_DOCUMENTS) / MICRO,
            documents=documents,
        )

    def encode(self) -> bytes:
        """As bytes; `decode` gives it back exactly."""
        return _encoder.encode(self)

    @classmethod
    def decode(cls, data: bytes | None) -> "Mood":
        """What `data` says; an empty one where it says nothing that can be read."""
        try:
            return cls() if data is None else _decoder.decode(data)
        except msgspec.DecodeError:
            return cls()


def _add(hours: dict[int, Pair], minute: int, pair: Pair) -> None:
    """Add what a minute holds to its hour."""
    documents, index = hours.get(minute // 60, (0, 0))
    hours[minute // 60] = (documents + pair[0], index + pair[1])


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Mood)
