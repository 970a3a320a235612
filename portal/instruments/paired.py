"""Change in a group, from pairs alone: the same person before and after, never all starts against all later answers.

What is worked out here stands beside the support; it does not say that the support did it. Standard deviations are with
n - 1. The numbers are estimates, so they are floats: single scores never pass through here on their way to a person.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

SMALLEST_GROUP = 5  # smaller ones are not shown at all
SMALLEST_FOR_MEAN = 10  # below: no mean, no interval
SMALLEST_FOR_SAYING = 30  # pairs; below: "too few people to say", and no comparison

RELIABLE = 1.96


@dataclass(frozen=True)
class PairedChange:
    """What `paired_change` finds. `interval` is the 95% confidence interval of the mean change; `srm` is the mean
    change in standard deviations of change (d_z), `d_av` in the mean of the two standard deviations, `g_av` that with
    the correction of Hedges. The last five are None where nothing varies."""

    pairs: int
    mean_before: float
    sd_before: float
    mean_after: float
    sd_after: float
    mean_change: float
    sd_change: float
    standard_error: float
    interval: tuple[float, float]
    t: float | None
    srm: float | None
    d_av: float | None
    g_av: float | None
    correlation: float | None


@dataclass(frozen=True)
class Showable:
    """What a group of this size allows to be shown."""

    group: bool
    mean_and_interval: bool
    too_few_to_say: bool


def showable(people: int) -> Showable:
    """The small-number rules, for a number of people with both answers."""
    return Showable(people >= SMALLEST_GROUP, people >= SMALLEST_FOR_MEAN, people < SMALLEST_FOR_SAYING)


def paired_change(before: Sequence[float], after: Sequence[float]) -> PairedChange:
    """Mean change with its interval and its sizes. Both sequences name the same people in the same order.
    Raises ValueError for fewer than two pairs, or sequences of different length."""
    pairs = len(before)
    if pairs != len(after) or pairs < 2:
        raise ValueError("Needs two pairs at least, and nobody without a partner")
    changes = [later - earlier for earlier, later in zip(before, after, strict=True)]
    mean, sd = statistics.fmean(changes), statistics.stdev(changes)
    sd_before, sd_after = statistics.stdev(before), statistics.stdev(after)
    error = sd / math.sqrt(pairs)
    reach = t_quantile(pairs - 1) * error
    d_av = 2 * mean / (sd_before + sd_after) if sd_before + sd_after else None
    return PairedChange(
        pairs=pairs,
        mean_before=statistics.fmean(before),
        sd_before=sd_before,
        mean_after=statistics.fmean(after),
        sd_after=sd_after,
        mean_change=mean,
        sd_change=sd,
        standard_error=error,
        interval=(mean - reach, mean + reach),
        t=mean / error if error else None,
        srm=mean / sd if sd else None,
        d_av=d_av,
        g_av=d_av * (1 - 3 / (4 * (pairs - 1) - 1)) if d_av is not None else None,
        correlation=statistics.correlation(before, after) if sd_before and sd_after else None,
    )


def reliable_threshold(sd: float, reliability: float) -> float:
    """The change in one person's score that error alone makes in fewer than one in twenty (Jacobson and Truax), from
    the standard deviation at the start and the reliability of the scale (0 to 1). Where a manual prints a value of its
    own, that value holds. Raises ValueError outside those ranges."""
    return RELIABLE * math.sqrt(2) * error_of_measurement(sd, reliability)


def error_of_measurement(sd: float, reliability: float) -> float:
    """The standard error of measurement. Raises ValueError when `sd` is negative or `reliability` not in 0 to 1."""
    if sd < 0 or not 0 <= reliability <= 1:
        raise ValueError("Needs a standard deviation, and a reliability between 0 and 1")
    return sd * math.sqrt(1 - reliability)


def expected_without_effect(population_mean: float, mean_before: float, correlation: float) -> float:
    """Where a group that started at `mean_before` is expected later though nothing helped it: people who come at a low
    point are on the way to their usual one. To be printed next to what was observed."""
    return population_mean + correlation * (mean_before - population_mean)


def t_quantile(freedom: int) -> float:
    """The two-sided 95% point of Student's t. Raises ValueError below one degree of freedom."""
    if freedom < 1:
        raise ValueError("Needs one degree of freedom at least")
    low, high = 0.0, 13.0  # at one degree it is 12.7, and it falls from there
    while high - low > 1e-10:
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < 0.95 else (low, middle)
    return (low + high) / 2


def _within(t: float, freedom: int) -> float:
    """The probability that |T| is at most t: the finite series for whole degrees of freedom (Abramowitz and Stegun
    26.7.3 and 26.7.4), so that no library is needed for one number."""
    angle = math.atan(t / math.sqrt(freedom))
    cosine = math.cos(angle)
    odd = freedom % 2
    term = cosine if odd else 1.0
    total = term if freedom > 1 else 0.0
    for step in range(2 + odd, freedom - 1, 2):
        term *= cosine**2 * (step - 1) / step
        total += term
    return 2 / math.pi * (angle + math.sin(angle) * total) if odd else math.sin(angle) * total
