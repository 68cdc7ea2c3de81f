"""Statistics of accuracy curves: smoothing, intervals, paired comparisons, equivalence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.integrate
import scipy.stats
from numpy.typing import ArrayLike
from statsmodels.nonparametric.smoothers_lowess import lowess
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import ttost_ind, ttost_paired


def smooth(position: np.ndarray, value: np.ndarray) -> np.ndarray:
    """LOWESS curve at the given positions, (n_points,) (the paper's Table 1 prints it instead of the accuracies).

    Every local line is fitted to 0.3 of the points, as published. One point is its own curve, and NaN stays NaN.
    Raises ValueError unless there are as many values as positions, at least one.
    """
    x, y = np.asarray(position, dtype=float), np.asarray(value, dtype=float)
    if x.ndim != 1 or x.shape != y.shape or x.size == 0:
        raise ValueError(f"positions {x.shape} and values {y.shape}: expected (n_points,) of both, at least one")
    if x.size == 1:  # statsmodels would divide by 0
        return y
    return lowess(y, x, frac=0.3, return_sorted=False)


def pearson(values: ArrayLike, others: ArrayLike) -> float:
    """Pearson correlation over the places at which the values are defined.

    It is NaN if either varies there by rounding alone, or one of the others is not finite. Raises ValueError unless
    there are as many others as values.
    """
    x, y = _pairs(values, others)
    return float(np.corrcoef(_of_unit_size(x), _of_unit_size(y))[0, 1]) if _both_vary(x, y) else float("nan")


def _pairs(values: ArrayLike, others: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Both where the values are finite."""
    x, y = np.asarray(values, dtype=float), np.asarray(others, dtype=float)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"values {x.shape} and others {y.shape}: expected one axis, of the same length")
    return x[np.isfinite(x)], y[np.isfinite(x)]


def _both_vary(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether a correlation of both is defined."""
    return len(x) > 1 and bool(np.isfinite(y).all()) and _varies(x) and _varies(y)


def _varies(values: np.ndarray, *, like: Sequence[np.ndarray] = ()) -> bool:
    """Whether values differ by more than the rounding of numbers of their own size, or of those they were made of."""
    return bool(np.ptp(values) > 1e-12 * max(np.abs(of).max() for of in (values, *like)))


def _of_unit_size(values: np.ndarray) -> np.ndarray:
    """Values times a power of two, which rounds nothing, so that their squares are numbers."""
    return np.ldexp(values, -np.frexp(np.abs(values).max())[1])


def spearman(values: ArrayLike, others: ArrayLike) -> float:
    """Spearman's rank correlation over the places at which the values are defined; otherwise as `pearson`."""
    x, y = _pairs(values, others)
    return pearson(scipy.stats.rankdata(x), scipy.stats.rankdata(y)) if _both_vary(x, y) else float("nan")


# ------------------------------------------------------------------------------- intervals and comparisons

EQUIVALENCE_MARGIN = 0.005  # accuracy; fixed beforehand for 51 neurons, ten-fold compression
LEVEL = 0.05  # of the tests


@dataclass(frozen=True)
class Estimate:
    """Mean of replicates, and how sure it is."""

    mean: float
    low: float  # ends of the 95 % interval; NaN for fewer than two replicates
    high: float
    sd: float  # sample standard deviation; NaN for fewer than two replicates
    n: int  # replicates in which the quantity is defined

    @property
    def verdict(self) -> str:
        """Side of 0 on which the whole interval lies: "above", "below", or else "open"."""
        return "above" if self.low > 0 else "below" if self.high < 0 else "open"

    def __str__(self) -> str:
        return f"{self.mean:.4f} ({self.low:.4f} to {self.high:.4f}, n = {self.n})"


def bootstrap_interval(values: ArrayLike, *, rng: np.random.Generator) -> Estimate:
    """Mean with its 95 % percentile bootstrap interval (2,000 resamples), which a single replicate has not.

    It is too narrow for few replicates. Instead of 5 of 100 cases it misses the truth of normal numbers in 10 with 10
    replicates (of skewed ones in 13), 16 with 5, 24 with 3 and 50 with 2.

    Parameters
    ----------
    values : (n_replicates,); NaN where a replicate has no such number: it is left out, and `n` says so.
    """
    found = np.asarray(values, dtype=float)
    found = found[np.isfinite(found)]
    if len(found) < 2:
        return Estimate(float(found.mean()) if len(found) else np.nan, np.nan, np.nan, np.nan, len(found))
    interval = scipy.stats.bootstrap(
        (found,), np.mean, n_resamples=2000, confidence_level=0.95, method="percentile", rng=rng
    ).confidence_interval
    return Estimate(
        float(found.mean()), float(interval.low), float(interval.high), float(found.std(ddof=1)), len(found)
    )


def error_of_mean(errors: ArrayLike) -> float:
    """Standard error of a mean of independent numbers, from that of each.

    NaN is of a number that is not there, and the answer if none is.
    """
    found = np.asarray(errors, dtype=float)
    found = found[np.isfinite(found)]
    return float(np.sqrt((found**2).sum()) / len(found)) if len(found) else float("nan")


def t_interval(values: ArrayLike) -> Estimate:
    """Mean with Student's 95 % t interval, of (n_replicates,) values that are independent of each other.

    Raises ValueError if there is no value, or one is not finite.
    """
    x = _finite(values)
    mean = float(x.mean())
    if x.size == 1:
        return Estimate(mean, np.nan, np.nan, np.nan, 1)
    sd = float(x.std(ddof=1))
    half = float(scipy.stats.t.ppf(0.975, x.size - 1) * sd / np.sqrt(x.size))
    return Estimate(mean, mean - half, mean + half, sd, x.size)


@dataclass(frozen=True)
class Comparison:
    """Two arms on common seeds."""

    difference: Estimate  # of the first minus the second; its n is that of the smaller arm
    n: tuple[int, int]  # replicates of each
    probability_of_improvement: float  # that a run of the first beats a run of the second; ties count half
    p_difference: float  # t test of no difference; NaN where nothing varies: then no test can be made
    p_equivalence: float  # two one-sided t tests of a difference of at least `margin` either way; NaN alike
    margin: float


def compare(values: ArrayLike, others: ArrayLike, *, margin: float = EQUIVALENCE_MARGIN) -> Comparison:
    """Compare two arms: paired by seed where both have as many replicates, else by Welch's t with all of both.

    Parameters
    ----------
    values, others : (n_replicates,), in the same order of seeds where there are as many.
    margin : differences below it do not matter; in the unit of the values.

    Raises
    ------
    ValueError for fewer than two replicates of an arm, values that are not finite, or a margin that is not above 0.
    """
    x, y = _finite(values), _finite(others)
    if not margin > 0:
        raise ValueError(f"margin = {margin}: expected more than 0")
    if min(x.size, y.size) < 2:
        raise ValueError(f"{x.size} and {y.size} replicates: a comparison needs at least 2 of each arm")
    improvement = float(scipy.stats.mannwhitneyu(x, y).statistic) / (x.size * y.size)
    difference, p_difference, p_equivalence = (_paired if x.size == y.size else _unpaired)(x, y, margin)
    return Comparison(difference, (x.size, y.size), improvement, p_difference, p_equivalence, margin)


def _finite(values: ArrayLike) -> np.ndarray:
    x = np.asarray(values, float)
    if x.ndim != 1 or x.size == 0 or not np.isfinite(x).all():
        raise ValueError(f"values of shape {x.shape}, all finite or not: expected (n_replicates,) finite numbers")
    return x


def _paired(x: np.ndarray, y: np.ndarray, margin: float) -> tuple[Estimate, float, float]:
    difference = x - y
    if not _varies(difference, like=(x, y)):
        return t_interval(np.full_like(x, difference[0])), np.nan, np.nan
    return t_interval(difference), no_difference(difference), float(ttost_paired(x, y, -margin, margin)[0])


def _unpaired(x: np.ndarray, y: np.ndarray, margin: float) -> tuple[Estimate, float, float]:
    n = min(x.size, y.size)
    if not (_varies(x) or _varies(y)):
        return Estimate(float(x[0] - y[0]), np.nan, np.nan, np.nan, n), np.nan, np.nan
    found: Any = scipy.stats.ttest_ind(x, y, equal_var=False)
    low, high = map(float, found.confidence_interval(0.95))
    difference = Estimate(float(x.mean() - y.mean()), low, high, np.nan, n)
    return difference, float(found.pvalue), float(ttost_ind(x, y, -margin, margin, usevar="unequal")[0])


def no_difference(differences: ArrayLike) -> float:
    """P value of a t test that the mean of differences is 0; NaN for fewer than two, or where they do not vary."""
    x = np.asarray(differences, dtype=float)
    found: Any = scipy.stats.ttest_1samp(x, 0) if x.size > 1 and _varies(x) else None
    return float("nan") if found is None else float(found.pvalue)


def equivalence_power(sd: float, n: int) -> float:
    """Share of cases in which n pairs that scatter by `sd` are called equivalent where there is no difference.

    From the two one-sided t tests (Phillips, 1990), over all standard deviations that n pairs may show.
    NaN for fewer than two pairs, or an `sd` that is NaN or below 0.
    """
    if n < 2 or not sd >= 0:
        return float("nan")
    if sd == 0:
        return 1.0
    margin, t, root = EQUIVALENCE_MARGIN / (sd / np.sqrt(n)), scipy.stats.t.ppf(1 - LEVEL, n - 1), np.sqrt(n - 1)

    def claimed(u: float) -> float:  # where the pairs show a standard deviation of u · sd
        return (2 * scipy.stats.norm.cdf(margin - t * u) - 1) * root * scipy.stats.chi.pdf(u * root, n - 1)

    return float(scipy.integrate.quad(claimed, 0, margin / t)[0])


def detectable_difference(sd: float, n: int) -> float:
    """Smallest true difference that a t test of n pairs would find with a power of 0.8, in the unit of `sd`.

    NaN for fewer than two pairs.
    """
    if n < 2:
        return float("nan")
    return sd * float(TTestPower().solve_power(nobs=n, alpha=LEVEL, power=0.8))


def corrected(p_values: ArrayLike) -> np.ndarray:
    """P values times what Holm's method asks for looking at as many, in the given order; NaN was no look.

    Raises ValueError for a p value that is not between 0 and 1.
    """
    p = np.array(p_values, dtype=float)
    if (p < 0).any() or (p > 1).any():
        raise ValueError(f"p values from {np.nanmin(p)} to {np.nanmax(p)}: expected 0 to 1")
    if (made := np.isfinite(p)).any():
        p[made] = multipletests(p[made], method="holm")[1]
    return p


def area_under_curve(removed_fraction: ArrayLike, accuracy: ArrayLike) -> float:
    """Mean accuracy over the removed fraction (trapezoids): one number for a whole run.

    Raises ValueError unless there are at least two points, in rising order of the removed fraction.
    """
    x, y = np.asarray(removed_fraction, float), np.asarray(accuracy, float)
    if x.size < 2 or x.shape != y.shape or not np.isfinite(x).all() or (np.diff(x) <= 0).any():
        raise ValueError(f"{x.size} removed fractions, {y.size} accuracies: expected as many, rising, at least 2")
    return float(np.trapezoid(y, x) / (x[-1] - x[0]))


def sentence(names: Sequence[str], compared: Comparison, *, p_difference: float, p_equivalence: float) -> str:
    """Sentence on two arms that says what may be said; nothing is called better or equivalent without a test.

    The interval is that of `compared`, for this pair alone; p values after a correction are stricter.

    Parameters
    ----------
    names : of the first and of the second arm.
    compared : from `compare`.
    p_difference, p_equivalence : its p values, or these after `corrected`.
    """
    better = "better" if compared.difference.mean > 0 else "worse"
    verdict = {
        (False, False): "cannot be told from",
        (True, False): "is equivalent to",
        (False, True): f"is {better} than",
        (True, True): f"is {better}, by less than matters, than",
    }[p_equivalence < LEVEL, p_difference < LEVEL]
    n = " and ".join(map(str, dict.fromkeys(compared.n)))
    low, mean, high = (100 * v for v in (compared.difference.low, compared.difference.mean, compared.difference.high))
    return (
        f"{names[0]} {verdict} {names[1]}: {mean:+.2f} points of accuracy ({low:+.2f} to {high:+.2f}, "
        f"n = {n}, margin {100 * compared.margin:g})"
    )
