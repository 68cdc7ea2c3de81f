"""Tables of a replicated study: means with intervals, paired differences, verdicts in words."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import scipy.stats

from dtc_helpers.scoring import SCORES
from dtc_helpers.statistics import Comparison, area_under_curve, compare, corrected, sentence, t_interval
from dtc_helpers.studies.walk import ANY_READING


def with_accuracy(table: pd.DataFrame) -> pd.DataFrame:
    """Table of `runs.run_arms` with the accuracy that each reading speaks of as column accuracy."""
    readings = [ANY_READING[name] for name in table.reading.unique()]
    accuracy = [table.loc[table.reading == reading.name, reading.accuracy_column] for reading in readings]
    return table.assign(accuracy=pd.concat(accuracy))


def with_dense_placed(table: pd.DataFrame) -> pd.DataFrame:
    """Table in which the dense control stands where pruning is after as many batches.

    Raises ValueError where there is a dense control and nothing that was pruned.
    """
    place, keys = ["neurons", "removed_fraction"], ["dataset", "reading", "batches"]
    places = table.loc[table.arm.isin(SCORES)].groupby(keys, as_index=False)[place].first()
    dense = table.loc[table.arm == "dense"]
    if len(dense) and places.empty:
        raise ValueError(f"nothing to place the dense control by: add one of the arms {', '.join(SCORES)}")
    placed = dense.drop(columns=place).merge(places, on=keys)
    return pd.concat([table.loc[table.arm != "dense"], placed], ignore_index=True)


def final_outcomes(table: pd.DataFrame, by: Iterable[str]) -> pd.DataFrame:
    """Last outcome of every run; a run is named by dataset, reading, arm, seed and the columns `by`."""
    return table.loc[table.groupby(["dataset", "reading", "arm", "seed", *by], sort=False).batches.idxmax()]


def carried_forward(table: pd.DataFrame, steps: Sequence[str]) -> pd.DataFrame:
    """Table of a walk in which every arm has every step, its reading: one that was not run is the step before it.

    Arms are run without gaps from the first of the steps on (`study_12_from_code_to_text.switch_runs`).
    """
    parts = []
    for _, arm in table.groupby("arm", sort=False):
        last = steps[0]
        for step in steps:
            last = step if (arm.reading == step).any() else last
            parts.append(arm[arm.reading == last].assign(reading=step))
    return pd.concat(parts, ignore_index=True)


def summary(table: pd.DataFrame, by: Iterable[str] = ("neurons",)) -> pd.DataFrame:
    """Mean accuracy with its 95 % interval over replicates, for each dataset, reading, arm and the columns `by`.

    Of a table with the column accuracy, see `with_accuracy`; columns mean, low, high, sd, n beside the keys.
    """
    groups = table.groupby(["dataset", "reading", "arm", *by], sort=False)
    return groups.accuracy.apply(lambda values: pd.Series(vars(t_interval(values)))).unstack().reset_index()


def areas(table: pd.DataFrame, by: Iterable[str] = ()) -> pd.DataFrame:
    """Area under the accuracy curve of every run, as column accuracy; one row a run, named as in `final_outcomes`."""
    runs = table.groupby(["dataset", "reading", "arm", "seed", *by], sort=False)[["removed_fraction", "accuracy"]]
    found = runs.apply(lambda run: pd.Series({"accuracy": area_under_curve(run.removed_fraction, run.accuracy)}))
    return found.reset_index()


def paired(table: pd.DataFrame, *, arm: str, other: str, by: Sequence[str] = ("neurons",)) -> pd.DataFrame:
    """Arm minus the other at every width, with p values corrected for the number of widths (Holm); see `compare`.

    Parameters
    ----------
    table : with the column accuracy; one row a seed, arm and value of the columns `by`.
    by : columns that tell the places of the comparison from each other; widths unless given.

    Returns
    -------
    Columns `by`, difference, low, high, n and n_other (replicates of each), improvement (the probability),
    p_difference, p_equivalence.
    """
    rows = {place: compared(group, arm, other) for place, group in table.groupby(list(by), sort=False)}
    return _comparisons(rows, list(by))


def moves(table: pd.DataFrame, steps: Sequence[str]) -> pd.DataFrame:
    """Every step of a walk minus the one before it, on common seeds, with p values corrected for the number of steps.

    Parameters
    ----------
    table : of one arm, with the columns reading (the step), seed and accuracy.
    steps : those that the arm was run at; the others are no tests.

    Returns
    -------
    Columns step (all but the first) and those of `paired`.
    """
    values = table.pivot(index="seed", columns="reading", values="accuracy")
    pairs = itertools.pairwise(steps)
    return _comparisons({(step,): compare(values[step], values[last]) for last, step in pairs}, ["step"])


def any_difference(table: pd.DataFrame, by: Sequence[str]) -> float:
    """P value of Friedman's test that the values of `by` do not matter: ranks of the accuracy within every seed.

    Of a table of one arm, with the columns seed, accuracy and those of `by`, at least 3 places. Raises ValueError where
    a place of a seed is missing.
    """
    values = table.pivot(index="seed", columns=list(by), values="accuracy")
    if values.isna().any(axis=None):
        raise ValueError(f"not every seed has every place: {values.count().to_dict()} of {len(values)} seeds")
    return float(scipy.stats.friedmanchisquare(*values.to_numpy().T).pvalue)


def _comparisons(compared: Mapping[Any, Comparison], names: Sequence[str]) -> pd.DataFrame:
    """A row a comparison; its place, a tuple, becomes the columns `names`."""
    rows = [
        {
            **dict(zip(names, place, strict=True)),
            "difference": found.difference.mean,
            "low": found.difference.low,
            "high": found.difference.high,
            "n": found.n[0],
            "n_other": found.n[1],
            "improvement": found.probability_of_improvement,
            "p_difference": found.p_difference,
            "p_equivalence": found.p_equivalence,
        }
        for place, found in compared.items()
    ]
    table = pd.DataFrame(rows)
    return table.assign(p_difference=corrected(table.p_difference), p_equivalence=corrected(table.p_equivalence))


def verdicts(table: pd.DataFrame, pairs: Sequence[tuple[str, str]]) -> list[str]:
    """A sentence for each pair (arm, other), with p values corrected for the number of pairs (Holm).

    Of a table of one dataset, reading and width, with the column accuracy.
    """
    found = [compared(table, arm, other) for arm, other in pairs]
    different = corrected([c.p_difference for c in found])
    equivalent = corrected([c.p_equivalence for c in found])
    return [
        sentence(pair, c, p_difference=p, p_equivalence=q)
        for pair, c, p, q in zip(pairs, found, different, equivalent, strict=True)
    ]


def compared(table: pd.DataFrame, arm: str, other: str) -> Comparison:
    """Both arms: seed by seed where they have the same seeds, else all replicates of both; see `statistics.compare`.

    Of a table of one place, with the columns arm, seed, accuracy. Raises ValueError for an arm that is not there, for a
    seed that an arm has twice, and for as many seeds that are not the same.
    """
    if missing := [name for name in (arm, other) if name not in set(table.arm)]:
        raise ValueError(f"no runs of {', '.join(missing)}: the table has {', '.join(table.arm.unique())}")
    values, others = (table[table.arm == name].set_index("seed").accuracy.sort_index() for name in (arm, other))
    if values.index.has_duplicates or others.index.has_duplicates:
        raise ValueError(f"{arm} or {other} has a seed twice: expected runs of one place, each once")
    if len(values) == len(others) and not values.index.equals(others.index):
        raise ValueError(f"{arm} and {other} have as many seeds, but not the same: they can't be paired")
    return compare(values, others)


def share_of_groups(table: pd.DataFrame, group: str) -> tuple[float, float, float]:
    """Share of the variance of the accuracy that lies between groups, with its 95 % interval.

    The intraclass correlation of a one-way analysis of variance with groups of one size, and the exact interval of
    Searle (1971): (share, low, high). Below 0 groups differ less than chance would make them. Raises ValueError unless
    there are at least 2 groups of as many rows, at least 2.
    """
    groups = [values.to_numpy() for _, values in table.groupby(group).accuracy]
    k, n = len(groups), len(groups[0]) if groups else 0
    if k < 2 or n < 2 or any(len(values) != n for values in groups):
        raise ValueError(f"groups of {[len(values) for values in groups]} rows: expected at least 2 groups of one size")
    f = float(scipy.stats.f_oneway(*groups).statistic)
    upper, lower = scipy.stats.f.ppf([0.975, 0.025], k - 1, k * (n - 1))
    share, low, high = ((ratio - 1) / (ratio + n - 1) for ratio in (f, f / upper, f / lower))
    return share, float(low), float(high)
