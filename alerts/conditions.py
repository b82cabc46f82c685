"""Conditions a rule may state instead of a surprise: plain limits on what a window holds.

What a rule file says of them. `alerts/limits.py` judges.

::

    condition: {kind: threshold, of: count, above: 20, window: 1h}
    condition: {kind: threshold, of: share, above: 50, window: 6h, minimum: 5}     # percent
    condition: {kind: share_above_own_quantile, quantile: 0.99, window: 24h}
    condition: {kind: sentiment_drop, by: 0.3, window: 6h, minimum: 10}            # of -1 to 1
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from math import log10

from alerts.configuration import Section, Setting
from alerts.verdict import SHARE, VOLUME

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# An alert ends below this part of what opens it, where the rule does not say.
CLOSE_AT = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A limit on one window: the alert opens at `above` and ends below `close_below`.

    Both are documents (`of` count), percent (`of` share), -log10 of a chance
    (`share_above_own_quantile`: -log10(1 - quantile)), or hundredths of the sentiment index
    (`sentiment_drop`).
    """

    kind: str
    window: timedelta
    above: float
    close_below: float
    of: str = "count"
    minimum: int = 3
    """Documents the window must hold: negative ones; all of them for `sentiment_drop`."""
    independent: bool = True
    """Whether so many different voices must have told the negative ones."""

    @property
    def about_mood(self) -> bool:
        """Whether it is about the sentiment, which is kept beside the counts."""
        return self.kind == "sentiment_drop"

    @property
    def signal(self) -> str:
        """What an alert says it is about."""
        if self.about_mood:
            return "sentiment_index"
        of_share = self.kind == "share_above_own_quantile" or self.of == "share"
        return SHARE if of_share else VOLUME


def read_condition(item: Setting) -> Condition:
    """The condition in `item`. Raises `ConfigurationError` naming the line of what is wrong."""
    if not any(name == "kind" for name, _ in item.items()):
        item.wrong(f"kind is missing: one of {', '.join(KINDS)}")
    given = dict(item.items())["kind"]
    if given.text() == "source_silent":
        given.wrong("is built in: housekeeping watches every polled source, no rule is needed")
    kind = given.one_of(tuple(KINDS))
    names, read = KINDS[kind]
    section = item.mapping(("kind", "window", "minimum", "independent", *names), ("window",))
    window = section["window"].duration(MINUTE, DAY)
    if window % (MINUTE if window <= HOUR else HOUR):
        section["window"].wrong("whole minutes up to an hour, or whole hours, are needed")
    above, close, of = read(item, section)
    least = 10 if kind == "sentiment_drop" else 3
    return Condition(
        kind=kind,
        window=window,
        above=above,
        close_below=close,
        of=of,
        minimum=value.whole(1, 10**6) if (value := section.get("minimum")) else least,
        independent=value.truth() if (value := section.get("independent")) else True,
    )


def _threshold(item: Setting, section: Section) -> tuple[float, float, str]:
    of = "count"
    if (given := section.get("of")) is not None:
        of = given.one_of(("count", "share"))
    if (above := section.get("above")) is None:
        item.wrong("above is missing: documents, or percent with of: share")
    most = 100.0 if of == "share" else 1e6
    limit = above.number(1e-6, most)
    close = CLOSE_AT * limit
    if (value := section.get("close_below")) is not None:
        close = value.number(0.0, most)
        if close > limit:
            value.wrong(f"{close:g} is above {limit:g}, which opens the alert")
    return limit, close, of


def _quantile(item: Setting, section: Section) -> tuple[float, float, str]:
    if (quantile := section.get("quantile")) is None:
        item.wrong("quantile is missing: a number such as 0.99")
    limit = -log10(1.0 - quantile.number(0.5, 0.9999999))
    return limit, CLOSE_AT * limit, "share"


def _drop(item: Setting, section: Section) -> tuple[float, float, str]:
    if (by := section.get("by")) is None:
        item.wrong("by is missing: how far the mean sentiment must fall, such as 0.3")
    limit = 100.0 * by.number(0.01, 2.0)
    return limit, CLOSE_AT * limit, "index"


_Reader = Callable[[Setting, Section], tuple[float, float, str]]
KINDS: dict[str, tuple[tuple[str, ...], _Reader]] = {
    "threshold": (("of", "above", "close_below"), _threshold),
    "share_above_own_quantile": (("quantile",), _quantile),
    "sentiment_drop": (("by",), _drop),
}
"""The keys each kind has beside those they share, and how they are read."""
