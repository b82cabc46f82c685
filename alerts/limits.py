"""The verdict of a condition: is what this window holds beyond the limit the rule states?

It is the verdict a detector gives, so an alert's life, evidence and arithmetic do not depend on
which it was. `statistic` is what is compared with `threshold`:

    threshold                 negative documents of the window, or their share in percent
    share_above_own_quantile  -log10 of the chance of so large a negative share by the series'
                              own usual share (beta-binomial)
    sentiment_drop            how many hundredths the mean sentiment index of the window, -1
                              to 1, lies below the usual one

`observed` and `expected` are negative documents, for `sentiment_drop` the two indices in
hundredths.
"""

from datetime import datetime

from alerts.conditions import HOUR, Condition
from alerts.held import voices_asked
from alerts.minutes import minute_number, minute_start, unpacked
from alerts.mood import Mood
from alerts.rules import Rule
from alerts.series import MINUTES_KEPT, Series
from alerts.surprise import share_surprise
from alerts.usual import usual_of
from alerts.verdict import SHARE, Verdict, WindowTest
from alerts.weekly import FLAT


def judge_condition(
    rule: Rule,
    condition: Condition,
    series: Series,
    mood: Mood | None,
    now: datetime,
    after: datetime | None = None,
    fleet: tuple[float, ...] = FLAT,
) -> Verdict:
    """The verdict for the minute `now` lies in.

    `after` is when the last alert that fired was resolved: what came before was told already
    and is not counted again. `mood` is needed for `sentiment_drop` alone, `fleet` is the week of
    the fleet.
    """
    minute = minute_number(now)
    at = minute_start(minute)
    first = _first_minute(condition, series, minute, after)
    if first > minute:
        return Verdict(at=at)
    documents, negatives = unpacked(series.counts(first, minute))
    heard = [voice for voice in series.voices.values() if first <= voice.minute <= minute]
    voices, stories = len(heard), len({voice.story for voice in heard})
    drop = None
    if condition.about_mood:
        drop = None if mood is None else mood.drop(first, minute, condition.minimum)
        if drop is None:
            return Verdict(at=at)
    elif negatives < condition.minimum or (
        condition.independent and voices < voices_asked(condition.minimum)
    ):
        return Verdict(at=at)
    hours = (minute + 1 - first) / 60.0
    busy = series.upcoming(first // 60, minute // 60, fleet)
    usual = usual_of(rule.detector, series, minute // 60, first // 60, hours, busy)
    observed, expected = float(negatives), usual.per_hour * hours
    surprise = share_surprise(negatives, documents, usual.share, usual.share_weight)
    by_share = rule.signal == SHARE
    if by_share:
        expected = documents * usual.share
    if drop is not None:
        observed, expected = 100.0 * drop.now, 100.0 * drop.usual
        statistic = max(0.0, expected - observed)
    elif condition.kind == "share_above_own_quantile":
        statistic = surprise
    else:
        statistic = 100.0 * negatives / documents if condition.of == "share" else observed
    test = WindowTest(
        scale_minutes=int(condition.window.total_seconds()) // 60,
        window_minutes=minute + 1 - first,
        observed=observed,
        expected=expected,
        dispersion=usual.dispersion,
        statistic=statistic,
        threshold=condition.above,
        # every document is of the index, one more that tells a known story too
        documents=documents if drop is None else drop.documents,
        share=negatives / documents if documents else 0.0,
        usual_share=usual.share,
        share_weight=usual.share_weight,
        signal=rule.signal,
        share_statistic=surprise,
        stories=stories,
        voices=voices,
        limit=True,
        chance=condition.kind == "share_above_own_quantile",
        usual_interval=None if drop is None else (expected - condition.above, 100.0),
    )
    return Verdict(at=at, tests=(test,), breaches=(test,) if statistic >= condition.above else ())


def _first_minute(condition: Condition, series: Series, minute: int, after: datetime | None) -> int:
    """The first minute of the window that ends with `minute`; one over an hour begins with a
    full hour, and none with what was told already."""
    minutes = int(condition.window.total_seconds()) // 60
    first = minute - minutes + 1
    if condition.window > HOUR:
        first = (minute // 60 - minutes // 60 + 1) * 60
    earliest = 0 if after is None else minute_number(after) + 1
    if first < earliest:
        # further back than single minutes are kept, only full hours can be left out
        kept = series.minute - MINUTES_KEPT
        first = earliest if earliest >= kept else -(-earliest // 60) * 60
    return first
