"""How long to wait before trying again."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential waits from `first` to `most`, each shortened by up to `jitter` of itself.

    Jitter keeps a fleet that lost one database from returning to it in step.
    """

    first: timedelta = timedelta(milliseconds=100)
    most: timedelta = timedelta(seconds=5)
    factor: float = 2.0
    jitter: float = 0.25

    def waits(self, random: Random) -> Iterator[timedelta]:
        """The waits, without end."""
        wait = self.first
        while True:
            yield wait * (1 - self.jitter * random.random())
            wait = min(wait * self.factor, self.most)
