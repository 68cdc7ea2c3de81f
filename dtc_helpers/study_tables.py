"""Tables of a replicated study: means with intervals, paired differences, verdicts in words."""

from collections.abc import Iterable

import pandas as pd

from dtc_helpers.readings import ANY_READING
from dtc_helpers.statistics import (
    EQUIVALENCE_MARGIN,
    Comparison,
    area_under_curve,
    compare,
    corrected,
    sentence,
    t_interval,
)


def with_accuracy(table: pd.DataFrame) -> pd.DataFrame:
    """Table of `arms.run_arms` with the accuracy that each reading speaks of as column accuracy."""
    readings = [ANY_READING[name] for name in table.reading.unique()]
    accuracy = [table.loc[table.reading == reading.name, reading.accuracy_column] for reading in readings]
    return table.assign(accuracy=pd.concat(accuracy))


def summary(table: pd.DataFrame, by: Iterable[str] = ("neurons",)) -> pd.DataFrame:
    """Mean accuracy with its 95 % interval over replicates, for each dataset, reading, arm and the columns `by`.

    Parameters
    ----------
    table : with the column accuracy, see `with_accuracy`.

    Returns
    -------
    Columns mean, low, high, sd, n beside the keys.
    """
    groups = table.groupby(["dataset", "reading", "arm", *by], sort=False)
    return groups.accuracy.apply(lambda values: pd.Series(vars(t_interval(values)))).unstack().reset_index()


def areas(table: pd.DataFrame) -> pd.DataFrame:
    """Area under the accuracy curve of every run, as column accuracy; one row a dataset, reading, arm and seed."""
    runs = table.groupby(["dataset", "reading", "arm", "seed"], sort=False)[["removed_fraction", "accuracy"]]
    found = runs.apply(lambda run: pd.Series({"accuracy": area_under_curve(run.removed_fraction, run.accuracy)}))
    return found.reset_index()


def paired(table: pd.DataFrame, *, arm: str, other: str, margin: float = EQUIVALENCE_MARGIN) -> pd.DataFrame:
    """Arm minus the other on common seeds at every width, with p values corrected for the number of widths (Holm).

    Parameters
    ----------
    table : of one dataset and reading, with the column accuracy.

    Returns
    -------
    Columns neurons, difference, low, high, n, improvement (the probability), p_difference, p_equivalence.
    """
    rows = []
    for neurons, group in table.groupby("neurons", sort=False):
        compared = _compared(group, arm, other, margin)
        difference = compared.difference
        rows.append(
            {
                "neurons": neurons,
                "difference": difference.mean,
                "low": difference.low,
                "high": difference.high,
                "n": difference.n,
                "improvement": compared.probability_of_improvement,
                "p_difference": compared.p_difference,
                "p_equivalence": compared.p_equivalence,
            }
        )
    result = pd.DataFrame(rows)
    return result.assign(p_difference=corrected(result.p_difference), p_equivalence=corrected(result.p_equivalence))


def verdicts(table: pd.DataFrame, pairs: Iterable[tuple[str, str]], *, margin: float = EQUIVALENCE_MARGIN) -> list[str]:
    """A sentence for each pair of arms, with p values corrected for the number of pairs (Holm).

    Parameters
    ----------
    table : of one dataset, reading and width, with the column accuracy.
    pairs : (arm, other).
    """
    pairs = list(pairs)
    compared = [_compared(table, arm, other, margin) for arm, other in pairs]
    different = corrected([c.p_difference for c in compared])
    equivalent = corrected([c.p_equivalence for c in compared])
    return [
        sentence(pair, c, p_difference=p, p_equivalence=q)
        for pair, c, p, q in zip(pairs, compared, different, equivalent, strict=True)
    ]


def _compared(table: pd.DataFrame, arm: str, other: str, margin: float) -> Comparison:
    """Both arms on the seeds that both have."""
    values = table[table.arm.isin([arm, other])].pivot(index="seed", columns="arm", values="accuracy").dropna()
    if not {arm, other} <= set(values.columns):
        raise ValueError(f"no common seeds of {arm} and {other}: the table has {', '.join(table.arm.unique())}")
    return compare(values[arm], values[other], margin=margin)
