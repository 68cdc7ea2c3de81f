"""Statistics of accuracy curves."""

from dataclasses import dataclass

import numpy as np
import scipy.stats
from statsmodels.nonparametric.smoothers_lowess import lowess

PUBLISHED_LOWESS_FRACTION = 0.3


def smooth(position: np.ndarray, value: np.ndarray, *, fraction: float = PUBLISHED_LOWESS_FRACTION) -> np.ndarray:
    """LOWESS curve at the given positions (the paper's Table 1 prints it instead of the accuracies).

    Parameters
    ----------
    position, value : (n_points,).
    fraction : of the points that each local line is fitted to.

    Returns
    -------
    (n_points,); one point is its own curve.
    """
    if len(position) == 1:  # statsmodels would divide by 0
        return value.astype(float)
    return lowess(value, position, frac=fraction, return_sorted=False)


@dataclass(frozen=True)
class RankingAgreement:
    """How far two rankings of the same neurons agree."""

    rank_correlation: float  # Spearman's, ties at their mean rank
    shared_fraction: float  # of the n highest, those that both name
    shared_by_chance: float  # what two unrelated rankings share on average, n / n_neurons


def ranking_agreement(scores: np.ndarray, others: np.ndarray, *, n_highest: int) -> RankingAgreement:
    """Agreement of two rankings by score, over all neurons and among the `n_highest` of each.

    Parameters
    ----------
    scores, others : (n_neurons,); ties among the highest go to the lower index.
    """
    chosen, also = (set(np.argsort(-s, kind="stable")[:n_highest].tolist()) for s in (scores, others))
    correlation = float(scipy.stats.spearmanr(scores, others)[0])  # pyright: ignore[reportArgumentType]
    return RankingAgreement(correlation, len(chosen & also) / n_highest, n_highest / len(scores))
