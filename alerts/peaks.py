"""The peaks one statistic of a series has had, from which its return level is told."""

import msgspec

from alerts.returns import APART_HOURS, LEAST, MOST_EXCESS, Returns, returns_of

# Half of a peak is forgotten after 60 days.
KEPT_AN_HOUR = 2.0 ** (-1.0 / (60 * 24.0))


class Peaks(msgspec.Struct, array_like=True):
    """Decayed sums of the peaks above `LEAST`, and the peak that is going on in `hour`."""

    number: float = 0.0
    excesses: float = 0.0
    now: float = 0.0
    hour: int = 0

    def learn(self, hour: int, statistic: float) -> None:
        """Take in what the windows that begin with `hour` reached; hours must come in order."""
        since_last = hour - self.hour
        if self.now > 0.0 and since_last > APART_HOURS:
            # the peak before is over: it is learned where it ended
            kept = KEPT_AN_HOUR**since_last
            self.number = (self.number + 1.0) * kept
            self.excesses = (self.excesses + min(MOST_EXCESS, self.now)) * kept
            self.now, self.hour = 0.0, hour
        above = statistic - LEAST
        if above > 0.0:
            if self.now == 0.0:
                # nothing where the one before has just been learned: they are of `hour` then
                kept = KEPT_AN_HOUR ** (hour - self.hour) if self.hour else 1.0
                self.number, self.excesses = self.number * kept, self.excesses * kept
            self.now, self.hour = max(self.now, above), hour

    def returns(self, since: int, until: int, mean: float) -> Returns:
        """What the hours from `since` to `until` say, where an hour usually holds `mean`
        documents."""
        kept = KEPT_AN_HOUR ** (until - self.hour) if self.hour else 1.0
        hours = (1.0 - KEPT_AN_HOUR ** (until - since)) / (1.0 - KEPT_AN_HOUR)
        return returns_of(self.number * kept, self.excesses * kept, hours / 24.0, mean)
