"""How rare the present count of a series is, by the series' own past: a rate per day.

Nothing here trusts a nominal probability; on real tweet counts those are wrong by factors of
70. For each window ("channel") the distance from the usual count is measured in square roots,
which makes Poisson counts equally spread at every level:

    residual = 2 sqrt(count + 3/8) - 2 sqrt(usual + 3/8)
    z        = (residual - its own mean) / its own spread

Then each channel is set against its own peaks: beyond `PEAK` what counts is the multiple of
their mean excess. Three statistics are made, because no single one is good on everything:

- the mean of the windows from 5 minutes to a day, which wants a surge that shows at several
  scales (real counts, with their harmless spikes);
- the soft maximum of the short windows against the last hours (short bursts, restless series);
- the log likelihood ratio of `alerts.multiples` (short bursts of a known kind).

Each has a return level:

    exceedances per day = rate of own peaks * exp(-(statistic - least) / their mean excess)

`OPENING`, the mean of the -log10 of the first two with weights 0.7 and 0.3, says whether there
is something to tell at all, `RARITY`, the mean of the first and the third with weights 0.3 and
0.7, how rare it is. An exponential tail is too light for what no series has seen often: on real
counts what it calls once in a hundred days comes four times in them, once in three hundred ten
times. So of each power of ten beyond once in ten days only `TAIL` is believed.
"""

from math import exp, log, log10, sqrt

from alerts.multiples import likelihood
from alerts.rhythm import (
    AGE,
    BINS,
    RHYTHM,
    SPREAD_DAYS,
    State,
    bins_of,
    count_of_last,
    fading,
    learn_usual,
    remember,
    usual,
    usual_of_last,
)
from alerts.surprise import LOG10

SEASONAL = (1, 3, 6, 12, 36, 72, 288)
"""Windows in bins, against the week's usual count: 5, 15, 30 minutes, 1, 3, 6 and 24 hours."""
LOCAL = (1, 3, 6, 12)
"""Windows in bins, against what the last three hours made of the usual count."""
CHANNELS = len(SEASONAL) + len(LOCAL)
SCALES = SEASONAL + LOCAL

MEAN, SPREAD, EXCESSES, PEAKS, HIGHEST, LATEST = range(6)
CHANNEL = 6
"""Floats of a channel: mean and spread of its residuals, decayed sum and number of its peaks'
excesses, the highest excess of the peak going on, and the bin it was last seen."""
CHANNEL_STATES = RHYTHM
RETURNS = CHANNEL_STATES + CHANNEL * CHANNELS
PEAK_NUMBER, PEAK_EXCESS, PEAK_NOW, PEAK_LAST = range(4)
RETURN = 4
TOTAL = RETURNS + 3 * RETURN
"""The likelihood ratio's total of the bins that have ended."""
STATE = TOTAL + 1
"""Floats of a whole state."""

MEAN_DAYS = 4.0
SPREAD_PRIOR = 50.0
"""Bins of Poisson spread believed at first."""
PEAK = 2.5
PEAK_DAYS = 7.0
PEAK_PRIOR = 10.0
"""Peaks of mean excess 1 believed at first."""
HIGHEST_TAUGHT = 8.0
LOCAL_PRIOR = 3.0
LOCAL_POWER = 0.7
MULTIPLE_POWER = 0.5
SOFTNESS = 0.5
LEASTS = (0.0, 0.0, 3.0)
"""Where a peak of the three statistics begins."""
RETURN_DAYS = 20.0
RETURN_PRIORS = (10.0, 15.0, 8.0)
RETURN_RATES = (0.2, 0.3, 0.3)
"""Peaks of the statistics believed at first, and how many of them a day."""
RETURN_TAUGHT = (6.0, 6.0, 8.0)
"""How many mean excesses one peak may teach: a flood must not make a series deaf."""
RETURN_GAP = 36
"""Bins of calm after which the next peak is another one."""
LOCAL_WEIGHT = 0.3
MULTIPLE_WEIGHT = 0.7
TAIL = 0.6
"""Of a power of ten in rarity that is believed beyond what is seen once in ten days."""
MOST_REMEMBERED = 4.0
"""The rarity at which the likelihood ratio's total is cut off when its bin ends: it must be free
again soon after a flood."""
PAST = 12
"""Bins that may be the surge: the likelihood ratio asks the hours before them what is usual."""

RARITY, OPENING, MEAN_STATISTIC, LOCAL_STATISTIC, LIKELIHOOD = range(5)
LOUDEST, OBSERVED, EXPECTED, LOUDEST_Z = range(5, 9)
READ_Z = 9
READING = READ_Z + 2 * CHANNELS
"""Floats of a reading: the above, then z and residual of each channel."""
READ_RESIDUAL = READ_Z + CHANNELS


def read(s: State, count: float, bin_of_week: int, bins_a_day: float, out: State) -> float:
    """The rarity of `count` so far in the bin that is open, -log10 of times a day; every number
    behind it in `out`.

    Changes nothing in the state. `out[LOUDEST]` is the number of the channel that stands out
    most; `out[OBSERVED]` and `out[EXPECTED]` are its counts.
    """
    hourly = bins_a_day / 24.0
    wide_count = count_of_last(s, BINS, count)
    wide_usual = usual_of_last(s, bins_of(s, BINS), bin_of_week, hourly)
    weight = spread_weight(s[AGE], bins_a_day)
    together, soft, loudest = 0.0, 0.0, -1e9
    for channel in range(CHANNELS):
        scale = SCALES[channel]
        observed = count_of_last(s, scale, count)
        expected = usual_of_last(s, bins_of(s, scale), bin_of_week, hourly)
        if channel >= len(SEASONAL):
            expected *= restlessness(wide_count - observed, wide_usual - expected, LOCAL_POWER)
        at = CHANNEL_STATES + CHANNEL * channel
        residual = 2.0 * (sqrt(observed + 0.375) - sqrt(expected + 0.375))
        z = (residual - s[at + MEAN]) / spread_of(s, channel, weight)
        out[READ_Z + channel] = z
        out[READ_RESIDUAL + channel] = residual
        peaks = z - PEAK
        if peaks > 0.0:
            peaks *= (PEAK_PRIOR + s[at + PEAKS]) / (PEAK_PRIOR + s[at + EXCESSES])
        if channel < len(SEASONAL):
            together += peaks / len(SEASONAL)
        else:
            soft += exp(min(SOFTNESS * peaks, 300.0)) / len(LOCAL)
        if peaks > loudest:
            loudest = peaks
            out[LOUDEST] = channel
            out[OBSERVED], out[EXPECTED], out[LOUDEST_Z] = observed, expected, z
    out[MEAN_STATISTIC] = together
    # far below the usual every term is nought
    out[LOCAL_STATISTIC] = log(max(soft, 1e-300)) / SOFTNESS
    held = count_of_last(s, PAST, count)
    held_usual = usual_of_last(s, bins_of(s, PAST), bin_of_week, hourly)
    mean = usual(s, bin_of_week, hourly)
    mean *= restlessness(wide_count - held, wide_usual - held_usual, MULTIPLE_POWER)
    out[LIKELIHOOD] = likelihood(s, s[TOTAL], count, mean)
    first = rarity_of(s, 0, together, bins_a_day)
    out[OPENING] = (1.0 - LOCAL_WEIGHT) * first + LOCAL_WEIGHT * rarity_of(
        s, 1, out[LOCAL_STATISTIC], bins_a_day
    )
    out[RARITY] = believed(
        (1.0 - MULTIPLE_WEIGHT) * first
        + MULTIPLE_WEIGHT * rarity_of(s, 2, out[LIKELIHOOD], bins_a_day)
    )
    return out[RARITY]


def spread_weight(age: float, bins_a_day: float) -> float:
    """How many bins the decayed sums of a state of this age are worth."""
    forgotten = fading(SPREAD_DAYS * bins_a_day)
    return float((1.0 - (1.0 - forgotten) ** age) / forgotten)


def spread_of(s: State, channel: int, weight: float) -> float:
    """The spread of a channel's residuals, of which `weight` bins told."""
    told = s[CHANNEL_STATES + CHANNEL * channel + SPREAD]
    return sqrt(max(0.5, (SPREAD_PRIOR + told) / (SPREAD_PRIOR + weight)))


def believed(rarity: float) -> float:
    """The rarity that exponential tails state, as it turns out."""
    return rarity if rarity < 1.0 else 1.0 + TAIL * (rarity - 1.0)


def restlessness(count: float, expected: float, power: float) -> float:
    """What the hours before a window, `count` where `expected` is usual, make of its own usual
    count: a factor, the `power` of theirs."""
    told = (LOCAL_PRIOR + max(0.0, count)) / (LOCAL_PRIOR + max(0.0, expected))
    return float(told**power)


def rarity_of(s: State, which: int, statistic: float, bins_a_day: float) -> float:
    """-log10 of how often a day statistic `which` (0 to 2) exceeds this value in this series."""
    above = statistic - LEASTS[which]
    excess = mean_excess(s, which)
    return (
        -log10(peak_rate(s, which, bins_a_day)) + (above / excess if above > 0.0 else above) / LOG10
    )


def statistic_of(s: State, which: int, rarity: float, bins_a_day: float) -> float:
    """The value of statistic `which` that is so rare, at least where its peaks begin."""
    above = rarity + log10(peak_rate(s, which, bins_a_day))
    return LEASTS[which] + max(0.0, above) * mean_excess(s, which) * LOG10


def mean_excess(s: State, which: int) -> float:
    """How far the peaks of statistic `which` reach on average above where they begin."""
    at, prior = RETURNS + RETURN * which, RETURN_PRIORS[which]
    return (prior + s[at + PEAK_EXCESS]) / (prior + s[at + PEAK_NUMBER])


def peak_rate(s: State, which: int, bins_a_day: float) -> float:
    """Peaks of statistic `which` a day."""
    forgotten = fading(RETURN_DAYS * bins_a_day)
    days = (1.0 - (1.0 - forgotten) ** s[AGE]) / forgotten / bins_a_day
    prior = RETURN_PRIORS[which]
    number = prior + s[RETURNS + RETURN * which + PEAK_NUMBER]
    return float(number / (prior / RETURN_RATES[which] + days))


def absorb(s: State, count: float, bin_of_week: int, bins_a_day: float, out: State) -> None:
    """Learn the bin that has ended with `count`, of which `out` is the reading."""
    age = s[AGE]
    weight = spread_weight(age, bins_a_day)
    forgotten = fading(SPREAD_DAYS * bins_a_day)
    gain = max(fading(MEAN_DAYS * bins_a_day), 1.0 / (age + bins_a_day))
    peaks_kept = 1.0 - fading(PEAK_DAYS * bins_a_day)
    for channel in range(CHANNELS):
        at = CHANNEL_STATES + CHANNEL * channel
        mean = s[at + MEAN]
        spread = spread_of(s, channel, weight)
        off = min(max(out[READ_RESIDUAL + channel] - mean, -3.0 * spread), 3.0 * spread)
        s[at + SPREAD] = s[at + SPREAD] * (1.0 - forgotten) + off * off
        s[at + MEAN] = mean + gain * off
        s[at + EXCESSES] *= peaks_kept
        s[at + PEAKS] *= peaks_kept
        excess = out[READ_Z + channel] - PEAK
        if excess > 0.0:
            if s[at + HIGHEST] > 0.0 and age - s[at + LATEST] > max(12, SCALES[channel]):
                s[at + EXCESSES] += min(s[at + HIGHEST], HIGHEST_TAUGHT)
                s[at + PEAKS] += 1.0
                s[at + HIGHEST] = 0.0
            s[at + HIGHEST] = max(s[at + HIGHEST], excess)
            s[at + LATEST] = age
    remembered = min(out[LIKELIHOOD], statistic_of(s, 2, MOST_REMEMBERED, bins_a_day))
    _absorb_peak(s, 0, out[MEAN_STATISTIC], bins_a_day)
    _absorb_peak(s, 1, out[LOCAL_STATISTIC], bins_a_day)
    _absorb_peak(s, 2, out[LIKELIHOOD], bins_a_day)
    s[TOTAL] = remembered
    learn_usual(s, count, bin_of_week, bins_a_day)
    remember(s, count)


def _absorb_peak(s: State, which: int, statistic: float, bins_a_day: float) -> None:
    at = RETURNS + RETURN * which
    kept = 1.0 - fading(RETURN_DAYS * bins_a_day)
    s[at + PEAK_NUMBER] *= kept
    s[at + PEAK_EXCESS] *= kept
    above = statistic - LEASTS[which]
    if above > 0.0:
        if s[at + PEAK_NOW] > 0.0 and s[AGE] - s[at + PEAK_LAST] > RETURN_GAP:
            most = RETURN_TAUGHT[which] * mean_excess(s, which)
            s[at + PEAK_NUMBER] += 1.0
            s[at + PEAK_EXCESS] += min(s[at + PEAK_NOW], most)
            s[at + PEAK_NOW] = 0.0
        s[at + PEAK_NOW] = max(s[at + PEAK_NOW], above)
        s[at + PEAK_LAST] = s[AGE]
