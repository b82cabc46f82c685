"""The volume test of a busy series: the rarity of its count, shown by the loudest window."""

from math import log10

from alerts.held import held_in, tries
from alerts.kinds import KINDS, LOOKS_A_DAY
from alerts.pulse import BIN_MINUTES, WINDOWS
from alerts.returns import LEAST, Returns
from alerts.rhythm import BLOCK
from alerts.rules import Detector
from alerts.series import Series
from alerts.surprise import LOG10, share_surprise
from alerts.usual import usual_of
from alerts.verdict import WindowTest
from alerts.voices import VOICES_KEPT
from alerts.weekly import FLAT

RETURNS = Returns(rate=LOOKS_A_DAY * 10.0**-LEAST, excess=1.0 / LOG10)
"""What a statistic of rarity + log10(`LOOKS_A_DAY`) is exceeded a day: what the rarity says."""


def tested(
    detector: Detector,
    series: Series,
    minute: int,
    earliest: int,
    asked: tuple[float, float],
    fleet: tuple[float, ...] = FLAT,
) -> list[WindowTest]:
    """The test of `minute`, where a window from `earliest` on holds what an alert needs; else none.

    `asked` is the threshold and the false alarms a day it stands for. On the scale of the other
    tests: -log10 of a chance of which there are `LOOKS_A_DAY` a day.
    """
    pulse = series.pulse
    assert pulse is not None
    longest = int(detector.windows[-1].total_seconds()) // 60
    windows = [(_first(bins, minute), bins * BIN_MINUTES) for bins in WINDOWS if bins <= pulse.age]
    windows = [one for one in windows if one[0] >= earliest and one[1] <= longest]
    enough = {one.scale: one for one in held_in(detector, series, minute, windows)}
    if not enough:
        return []
    reading = pulse.read(series.minutes, minute)
    channel = max(
        (one for one in reading.channels if one.bins * BIN_MINUTES in enough),
        key=lambda one: one.z,
    )
    held = enough[channel.bins * BIN_MINUTES]
    hour, first_hour = minute // 60, held.first // 60
    busy = series.upcoming(first_hour, hour, fleet)
    usual = usual_of(detector, series, hour, first_hour, held.hours(minute), busy)
    observed, statistic = held.negatives, max(0.0, reading.rarity + log10(LOOKS_A_DAY))
    if detector.per_voice and held.voices < VOICES_KEPT:
        observed = min(observed, detector.per_voice * held.voices)
    if observed < held.negatives:
        # the reading knows no voices: what they may say must be surprising too
        looks = tries(detector.windows, held.scale)
        kind = KINDS[detector.kind]
        statistic = min(statistic, kind.statistic(observed, held.hours(minute), usual, looks))
    threshold, allowed = asked
    share = share_surprise(held.negatives, held.documents, usual.share, usual.share_weight)
    return [
        WindowTest(
            scale_minutes=held.scale,
            window_minutes=minute + 1 - held.first,
            observed=observed,
            expected=channel.expected,
            dispersion=channel.dispersion,
            statistic=statistic,
            threshold=threshold,
            allowed=allowed,
            returns=RETURNS,
            documents=held.documents,
            share=held.negatives / held.documents,
            usual_share=usual.share,
            share_weight=usual.share_weight,
            share_statistic=share,
            stories=held.stories,
            voices=held.voices,
            rarity=reading.numbers,
        )
    ]


def _first(bins: int, minute: int) -> int:
    """The minute a window begins with: its bins are those of the pulse, long ones whole hours."""
    if bins <= BLOCK:
        return (minute // BIN_MINUTES - bins + 1) * BIN_MINUTES
    return (minute // 60 - bins // BLOCK + 1) * 60
