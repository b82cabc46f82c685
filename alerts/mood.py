"""The sentiment index of a series, now and usually: for the condition `sentiment_drop`.

The index of a document is its probability of being positive less that of being negative, from
-1 to 1. Kept is what the trend points carry: sums of both over the minutes of the last two
hours, over the hours of the last day, and, older, decayed sums with a half-life of seven days.
Only series with such a rule have this state, at most 121 + 27 pairs of numbers.
"""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from alerts.corrections import is_later
from alerts.learning import DECAY
from alerts.minutes import minute_number
from alerts.series import HOURS_KEPT, MINUTES_KEPT
from pipeline.buckets import Bucket
from pipeline.trends import MICRO

# Documents of the usual index that are believed to be neutral at first.
PRIOR_DOCUMENTS = 10.0


@dataclass(frozen=True, slots=True)
class Drop:
    """The index now and usually, -1 to 1, and the documents it is of now."""

    now: float
    usual: float
    documents: int


class Mood(msgspec.Struct, array_like=True):
    """`minutes` and `hours` hold (documents, sum of the index in millionths)."""

    minute: int = 0
    minutes: dict[int, tuple[int, int]] = {}
    hours: dict[int, tuple[int, int]] = {}
    last_learned: int = 0
    documents: float = 0.0
    index: float = 0.0
    revisions: dict[int, int] = {}
    """Of the minutes' buckets that were corrected: more changes than documents."""

    def observe(self, bucket: Bucket, now: datetime, lateness_minutes: int) -> None:
        """Take in the state of one bucket and pass the time to `now`."""
        self.roll(minute_number(now))
        totals = bucket.totals
        number = minute_number(bucket.start)
        told = totals.negative + totals.neutral + totals.positive
        if number < self.minute - lateness_minutes or not (told or number in self.minutes):
            return
        fewer = number in self.minutes and told < self.minutes[number][0]
        if is_later(bucket, self.revisions, fewer):
            self.minutes[number] = (told, totals.positive_micro - totals.negative_micro)

    def roll(self, minute: int) -> None:
        """Let event time pass to `minute`; going back does nothing."""
        if minute <= self.minute:
            return
        self.minute = minute
        for number in sorted(one for one in self.minutes if one < minute - MINUTES_KEPT):
            documents, index = self.minutes.pop(number)
            self.revisions.pop(number, None)
            held = self.hours.get(number // 60, (0, 0))
            self.hours[number // 60] = (held[0] + documents, held[1] + index)
        until = minute // 60 - HOURS_KEPT
        for hour in sorted(one for one in self.hours if one < until):
            documents, index = self.hours.pop(hour)
            faded = DECAY ** (hour - self.last_learned)
            self.documents = self.documents * faded + documents
            self.index = self.index * faded + index
            self.last_learned = hour

    def drop(self, first: int, last: int) -> Drop | None:
        """The minutes `first` to `last` against all that was before; None where there is
        nothing to compare."""
        now = [pair for number, pair in self.minutes.items() if first <= number <= last]
        now += [pair for hour, pair in self.hours.items() if hour * 60 >= first]
        before = [pair for number, pair in self.minutes.items() if number < first]
        before += [pair for hour, pair in self.hours.items() if hour * 60 < first]
        documents = sum(pair[0] for pair in now)
        faded = DECAY ** max(0, self.minute // 60 - self.last_learned)
        known = self.documents * faded + sum(pair[0] for pair in before)
        if not documents or known < PRIOR_DOCUMENTS:
            return None
        index = self.index * faded + sum(pair[1] for pair in before)
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


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Mood)
