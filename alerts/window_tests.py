"""The tests of one window: its count and its negative share against what is usual."""

from dataclasses import replace
from math import inf, log10

from alerts.bar import DOCUMENTS_A_UNIT, Bar
from alerts.held import Held, tries
from alerts.kinds import KINDS
from alerts.rules import Detector
from alerts.surprise import share_surprise
from alerts.usual import Usual
from alerts.verdict import SHARE, WindowTest


def volume_test(
    detector: Detector,
    held: Held,
    usual: Usual,
    share_statistic: float,
    minute: int,
    bar: Bar,
) -> WindowTest:
    """The count of a window that ends with `minute` against what is `usual`."""
    observed = held.counted
    window_hours = held.hours(minute)
    kind, looks = KINDS[detector.kind], tries(detector.windows, held.scale)
    statistic = kind.statistic(observed, window_hours, usual, looks)
    return WindowTest(
        scale_minutes=held.scale,
        window_minutes=minute + 1 - held.first,
        observed=observed,
        expected=usual.per_hour * window_hours,
        dispersion=usual.dispersion,
        statistic=statistic,
        threshold=bar.threshold,
        allowed=bar.allowed,
        returns=bar.returns,
        documents=held.documents,
        share=held.negatives / held.documents,
        usual_share=usual.share,
        share_weight=usual.share_weight,
        share_statistic=share_statistic,
        stories=held.stories,
        voices=held.voices,
        tries=looks,
        chance=kind.chance,
    )


def share_test(volume: WindowTest, held: Held, usual: Usual, bar: Bar) -> WindowTest:
    """The negative share of the window that `volume` is of."""
    observed, heard, surprise = int(volume.observed), held.documents, volume.share_statistic
    # what one voice said too often is left out here too
    if observed < held.negatives:
        heard -= held.negatives - observed
        surprise = share_surprise(observed, heard, usual.share, usual.share_weight)
    return replace(
        volume,
        signal=SHARE,
        chance=True,
        documents=heard,
        expected=heard * usual.share,
        share=observed / heard,
        share_statistic=surprise,
        statistic=max(0.0, surprise - log10(volume.tries)),
        threshold=bar.share_threshold + max(0.0, 1.0 - heard / DOCUMENTS_A_UNIT),
        returns=bar.share_returns,
    )


def tested(
    detector: Detector, held: Held, usual: Usual, share_statistic: float, minute: int, bar: Bar
) -> WindowTest:
    """Of volume and share, for this window, the one that stands out more; the bar asks for one of
    them at least."""
    volume = volume_test(detector, held, usual, share_statistic, minute, bar)
    by_share = share_test(volume, held, usual, bar)
    opening = [test for test in (volume, by_share) if bar.is_reached(test)]
    if opening:
        return max(opening, key=lambda test: test.margin)
    # how calm it is tells the larger of those the rule asks for
    asked = [test for test in (volume, by_share) if test.threshold < inf]
    return max(asked, key=lambda test: test.statistic)
