"""Scores for any series of counts, row by row: the detector without documents around it.

A row's score is decided by that row and those before it; nothing about the series is known
beforehand, neither its length nor its level nor how far apart its rows are.

::

    score   0        0.5                    1
            |---------|----------------------|
             quiet     the first row of an episode: the rarer, the higher

An episode opens where the count stands out as `OPENS` asks or is as rare as `RARE`, both -log10 of
times a day, and lasts until a row that is neither, a day later at the earliest. Its later rows stay
below 0.5, because it was told already, but for one that is rarer and stands out twice as far as
what was told and `WORSENS` more, or that is the first to be truly rare: what begins as a ripple
may become a flood. Rows that are not told keep the order of their rarity. Each episode raises what
the next must reach by `WEARIER`, which fades in weeks: what happens often is not rare, whatever the
arithmetic says.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import exp
from statistics import median_low

from alerts.rarity import OPENING, RARITY, READING, STATE, TAIL, absorb, read

MINUTE = timedelta(minutes=1)
LEAST_BIN = 5 * MINUTE
OPENS = 0.7
RARE = 1.6
WORSENS = 0.5
RARER = 0.6
UNTOLD = 0.49
LEAST_TOLD = 1.12
"""The rarity of a row that is told with 0.5; a rarer one with more. An order among rows less rare
was tried: a threshold chosen on four of five series is then 6 points worse on the fifth."""
RARITY_UNIT = 1.2
WEARIER = 0.15
WEARY_DAYS = 20.0
EPISODE = timedelta(days=1)
LEARNING = timedelta(hours=12)
SATURDAY = 5
SETTLES = 24
"""Distances between rows after which it is settled how far apart they are."""
RARELY = timedelta(days=30)
"""Two rows of one time are one where that is usual, and an hour told twice where it is rarer."""
LEARNING_PART = 0.2
"""What is left of a row's score while the series learns."""
YOUNG = timedelta(days=7)
YOUNG_PENALTY = 0.5
RARE_YOUNG = timedelta(days=10)
RARE_YOUNG_PENALTY = 1.2


@dataclass(slots=True)
class Scorer:
    """One series, told row by row.

    How far apart the rows are is read off the first distances: where what they tell changes, the
    few there were are told anew, so that one odd gap at the beginning is not believed for ever.
    """

    _state: list[float] = field(default_factory=lambda: [0.0] * STATE)
    _reading: list[float] = field(default_factory=lambda: [0.0] * READING)
    _first: datetime | None = None
    _row: datetime | None = None
    """The latest time a row has named."""
    _own: datetime | None = None
    """The time the last row named."""
    _behind: datetime | None = None
    """Of rows before the latest, one after another: what the first of the open bin named."""
    _each: bool = False
    """Whether rows are so far apart that each has a bin."""
    _twice: datetime | None = None
    """When a row last named the time of the one before."""
    _bin: timedelta = timedelta()
    _bin_starts: datetime | None = None
    _count: float = 0.0
    _read: bool = False
    """Whether the reading is that of the open bin with all it holds."""
    _episodes: "Episodes" = field(default_factory=lambda: Episodes())
    _early: list[tuple[datetime, float]] | None = field(default_factory=list)
    """The first rows, until it is settled how far apart they are."""

    def score(self, at: datetime, value: float) -> float:
        """The score of a row, 0 to 1. A row earlier than one before it counts from when it comes:
        what is known by then is known. Clocks are set back once a year, so where rows have a bin
        each it has one too, of the hour of the week it names, and so has one of the same time as
        the row before, where such rows are rare."""
        if self._early is not None:
            self._settle(self._early, at)
        found = self._score(at, value)
        if self._early is not None:
            # rows of one moment are one
            before = self._early.pop()[1] if self._early and self._early[-1][0] == at else 0.0
            self._early.append((at, before + value))
        return found

    def _settle(self, early: list[tuple[datetime, float]], at: datetime) -> None:
        times = [*(one for one, _ in early), at]
        gaps = [later - one for one, later in pairwise(times) if later > one]
        if not gaps:
            return
        width = max(LEAST_BIN, min(median_low(gaps), EPISODE))
        if self._bin and not 0.75 * self._bin <= width <= 1.25 * self._bin:
            anew = Scorer(_bin=width)
            for row in early:
                anew._score(*row)
            for one in fields(self):
                # what was told stays told
                if one.name != "_episodes" or not self._episodes.going_on:
                    setattr(self, one.name, getattr(anew, one.name))
        self._early = early if len(gaps) < SETTLES else None

    def _score(self, own: datetime, value: float) -> float:
        at = own if self._row is None else max(own, self._row)
        since = timedelta() if self._row is None else at - self._row
        again, self._own = own == self._own, own
        rare = self._twice is None or own - self._twice > RARELY
        self._twice = own if again else self._twice
        self._first, self._row = self._first or at, at
        if self._bin_starts is None:
            # how far apart rows are is not known before the second: the first waits for it
            self._bin_starts, self._count = at, value
            return 0.0
        if not self._bin:
            if not since:
                self._count += value
                return 0.0
            self._bin = max(LEAST_BIN, min(since, EPISODE))
        if since:
            self._each = since >= self._bin * 0.75
        if own < at:
            self._behind = self._behind or own
            opens = not again if self._each else own - self._behind >= self._bin
            self._behind = own if opens else self._behind
        elif again and self._each and rare:
            opens = True
        else:
            self._behind = None
            # half a bin of slack: rows a little early or late still have a bin each
            slack = self._bin / 2 if since and self._each else timedelta()
            opens = at + slack >= self._bin_starts + self._bin
        if opens:
            self._close()
            self._bin_starts, self._count, self._read = own, 0.0, False
        self._count += value
        self._episodes.pass_time(since)
        return self._judged(at)

    def _close(self) -> None:
        number, a_day = self._place()
        if not self._read:
            read(self._state, self._count, number, a_day, self._reading)
        absorb(self._state, self._count, number, a_day, self._reading)

    def _place(self) -> tuple[int, float]:
        """The bin's number in its week, and the bins of a day."""
        assert self._bin_starts is not None
        start = self._bin_starts
        day = start.replace(hour=0, minute=0, second=0, microsecond=0)
        of_week = start - day + timedelta(days=start.weekday())
        return int(of_week / self._bin), timedelta(days=1) / self._bin

    def _judged(self, at: datetime) -> float:
        assert self._first is not None
        number, a_day = self._place()
        read(self._state, self._count, number, a_day, self._reading)
        self._read = True
        opening, rarity = self._reading[OPENING], self._reading[RARITY]
        if _first_working_day(self._first, at):
            return LEARNING_PART * self._episodes.untold(rarity, at - self._first)
        return self._episodes.score(opening, rarity, at, at - self._first)


def _first_working_day(first: datetime, at: datetime) -> bool:
    """Whether `at` is in the first working day of a series that began on a weekend: after Saturday
    and Sunday a usual Monday is a surge."""
    weekend = first.weekday() - SATURDAY
    return weekend >= 0 and at.date() == first.date() + timedelta(days=2 - weekend)


@dataclass(slots=True)
class Episodes:
    """From how rare each row is to its score."""

    _opened: datetime | None = None
    """When the episode began that is going on."""
    _told: float = 0.0
    """How far the row told last of this episode stood above what opens one."""
    _highest: float = 0.0
    """How rare the rarest row was that was told of it."""
    _weary: float = 0.0

    @property
    def going_on(self) -> bool:
        """Whether an episode is."""
        return self._opened is not None

    def pass_time(self, since: timedelta) -> None:
        """Let so much time pass between two rows."""
        self._weary *= 0.5 ** (since / timedelta(days=WEARY_DAYS))

    def untold(self, rarity: float, age: timedelta) -> float:
        """The score of a row that is not told: in the order of rarity, below all that are."""
        return UNTOLD / (1.0 + exp(max(-50.0, min(50.0, _opens(age) + 0.5 - rarity))))

    def score(self, opening: float, rarity: float, at: datetime, age: timedelta) -> float:
        """The score of a row of the series' age `age`, `alerts.rarity` having read these two."""
        opens = _opens(age)
        rare = RARE + RARE_YOUNG_PENALTY * max(0.0, 1.0 - age / RARE_YOUNG)
        untold = self.untold(rarity, age)
        if age < LEARNING:
            return LEARNING_PART * untold
        stands = opening - opens - self._weary
        is_rare = rarity >= rare + TAIL * self._weary
        if stands < 0.0 and not is_rare:
            if self._opened is not None and at - self._opened >= EPISODE:
                self._opened = None
            return untold
        if self._opened is None:
            self._opened = at
            self._weary += WEARIER
            self._told, self._highest = 0.0, rarity
        elif (stands >= 2.0 * self._told + WORSENS and rarity > self._highest) or (
            is_rare and self._highest < RARE and rarity > self._highest + RARER
        ):
            self._highest = rarity
        else:
            return untold
        self._told = max(self._told, stands)
        return 1.0 - 0.5 * exp(-max(0.0, rarity - LEAST_TOLD) / RARITY_UNIT)


def _opens(age: timedelta) -> float:
    return OPENS + YOUNG_PENALTY * max(0.0, 1.0 - age / YOUNG)


def scored(rows: Iterable[tuple[datetime, float]]) -> Iterator[float]:
    """The score of each row, given before the next is read."""
    scorer = Scorer()
    for at, value in rows:
        yield scorer.score(at, value)


def timestamp_of(text: str) -> datetime:
    """The time a row names, UTC where it names no zone. Raises `ValueError`."""
    at = datetime.fromisoformat(text.strip())
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
