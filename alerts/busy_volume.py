"""The volume test of a busy series: the rarity of its count, shown by the loudest window."""

from dataclasses import replace
from math import log10

from alerts.bar import PLAINLY_WORSE, Bar
from alerts.held import Held, held_in
from alerts.kinds import LOOKS_A_DAY, nominal
from alerts.minutes import unpacked
from alerts.pulse import BIN_MINUTES, WINDOWS
from alerts.returns import LEAST, Returns
from alerts.rhythm import BLOCK
from alerts.rules import Detector
from alerts.series import Series
from alerts.surprise import LOG10, share_surprise
from alerts.usual import Usual, usual_of
from alerts.verdict import WindowTest
from alerts.weekly import FLAT
from alerts.window_tests import volume_test

RETURNS = Returns(rate=LOOKS_A_DAY * 10.0**-LEAST, excess=1.0 / LOG10)
"""What a statistic of rarity + log10(`LOOKS_A_DAY`) is exceeded a day: what the rarity says."""
MOST_ASKED = 3.0
"""However high a rule's `open_above`: chances of hours are not to be trusted so far, this is. Once
in 333 days."""
SHARE_ASKED = 1.75
"""How surprising the share must be in the window shown or in its hour, and in neither as little as
a sparse series may have it: minute after minute is looked at, and a loud hour has many."""
CALM = 1.0
"""Below what comes every third day a surge is over, at the latest half a power of ten below what
opens: the windows of hours remember it long."""


def busy_volume_test(
    detector: Detector,
    series: Series,
    minute: int,
    earliest: int,
    own: tuple[Held, Usual],
    bar: Bar,
    fleet: tuple[float, ...] = FLAT,
) -> WindowTest:
    """The test of `minute`, on the scale of the other tests: -log10 of a chance of which there are
    `LOOKS_A_DAY` a day.

    It shows the loudest of the windows that begin at `earliest` or later and hold what an alert
    needs; where there is none, that one of the rule's `own` windows that does. The reading knows
    no voices: where they said more than they may, what they may say must reach the `bar` of the
    hours too, or nothing is opened. Nor is anything by minutes that seem worse in an hour that is
    loud and no worse than usual: of many looks at it some find such minutes.
    """
    pulse = series.pulse
    assert pulse is not None
    reading, age = pulse.read(series.minutes, minute), pulse.age_at(minute)
    held, usual = own
    expected, dispersion = usual.per_hour * held.hours(minute), usual.dispersion
    longest = int(detector.windows[-1].total_seconds()) // 60
    windows = [(_first(bins, minute), bins * BIN_MINUTES) for bins in WINDOWS if bins <= age]
    windows = [one for one in windows if one[0] >= earliest and one[1] <= longest]
    enough = {one.scale: one for one in held_in(detector, series, minute, windows)}
    loudest = reading.loudest([scale // BIN_MINUTES for scale in enough])
    if loudest is not None:
        held = enough[loudest.bins * BIN_MINUTES]
        expected, dispersion = loudest.expected, loudest.dispersion
        hour, first_hour = minute // 60, held.first // 60
        busy = series.upcoming(first_hour, hour, fleet)
        usual = usual_of(detector, series, hour, first_hour, held.hours(minute), busy)
    share = share_surprise(held.negatives, held.documents, usual.share, usual.share_weight)
    threshold = max(min(detector.open_above, MOST_ASKED), nominal(bar.allowed))
    threshold += pulse.penalty(minute)
    by_hours = volume_test(detector, held, usual, share, minute, bar)
    # `by_hours` has counted no more of one voice than the rule says
    too_few = by_hours.observed < held.negatives and by_hours.margin < 0.0
    hour_share, hour_documents = _of_hour(series, minute, earliest, usual)
    no_worse = share < PLAINLY_WORSE and (
        hour_share < bar.share_asked(hour_documents)
        or max(share, hour_share) < max(bar.share, SHARE_ASKED)
    )
    return replace(
        by_hours,
        observed=held.negatives,
        expected=expected,
        dispersion=dispersion,
        statistic=max(0.0, reading.rarity + log10(LOOKS_A_DAY)),
        threshold=threshold,
        close=max(0.1, min(max(detector.close_below, CALM), threshold - 0.5)),
        returns=RETURNS,
        tries=1.0,
        rarity=reading.numbers,
        held_back=too_few or no_worse,
    )


def _of_hour(series: Series, minute: int, earliest: int, usual: Usual) -> tuple[float, int]:
    """How surprising the share of the hour is that ends with `minute`, and its documents."""
    documents, negatives = unpacked(series.counts(max(earliest, minute - 59), minute))
    return share_surprise(negatives, documents, usual.share, usual.share_weight), documents


def _first(bins: int, minute: int) -> int:
    """The minute a window begins with: its bins are those of the pulse, long ones whole hours."""
    if bins <= BLOCK:
        return (minute // BIN_MINUTES - bins + 1) * BIN_MINUTES
    return (minute // 60 - bins // BLOCK + 1) * 60
