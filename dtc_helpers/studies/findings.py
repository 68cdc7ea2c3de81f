"""Findings, a sentence each, computed from the stored tables; notebook start_here prints them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from dtc_helpers.checks.fields import Seed
from dtc_helpers.proposition import evidence
from dtc_helpers.readings import READINGS
from dtc_helpers.runs.checking import NotebookParameters
from dtc_helpers.runs.sentences import CLOSE_UP_TO
from dtc_helpers.runs.tables import beside_paper, with_lowess
from dtc_helpers.statistics import LEVEL, t_interval
from dtc_helpers.studies import tables
from dtc_helpers.studies.runs import read_table

TENTH = 51  # of 512 neurons
TRIALS = ("mnist", "digits", "photographs")  # of study 10


@dataclass(frozen=True)
class StartParameters(NotebookParameters):
    """Parameters of notebook start_here; it raises as `runs.parameters.Parameters` does."""

    seed: Seed
    figures_dir: str


def _study(notebooks: Path, name: str) -> pd.DataFrame:
    return tables.with_accuracy(read_table(notebooks / "studies" / "data" / f"{name}.csv"))


def of_reproduction(notebooks: Path) -> str:
    """Distance of our curves of the published run from the paper's."""
    cycles = with_lowess(pd.read_csv(notebooks / "mnist" / "cycles.csv"))
    table = beside_paper(cycles.loc[cycles.reading == "published", :])
    away = table.xs("difference", axis=1, level=1).abs().max(axis=1)
    near, far = away[away.index <= CLOSE_UP_TO].max(), away[away.index > CLOSE_UP_TO].max()
    return (
        f"Up to {100 * CLOSE_UP_TO:.0f} % removed, our accuracies are within {100 * near:.2f} points of the paper's "
        f"(a point is 1 % of the images). Beyond, they are up to {100 * far:.1f} points away."
    )


def of_methods(notebooks: Path) -> str:
    """Whether DTC can be told from random pruning."""
    table = _study(notebooks, "3_uncertainty")
    both = [table.loc[(table.reading == reading) & table.arm.isin(["dtc", "random"]), :] for reading in READINGS]
    widths = [tables.paired(runs, arm="dtc", other="random") for runs in both]
    different = sum(int((found.p_difference < LEVEL).sum()) for found in widths)
    places = f"{sum(map(len, widths))} places ({len(widths[0])} sizes in each of two readings)"
    whole = [tables.compared(tables.areas(runs), "dtc", "random") for runs in both]
    shown = "" if all(found.p_equivalence < LEVEL for found in whole) else "not shown to be "
    first, second = (f"{100 * found.difference.mean:+.2f}".replace("-", "−") for found in whole)
    return (
        f"At {different or 'none'} of {places} can DTC be told from random pruning ({whole[0].n[0]} networks each, "
        f"after Holm's correction). Over the whole curve the two are {shown}equivalent (differences of {first} and "
        f"{second} points of accuracy, margin {100 * whole[0].margin:g})."
    )


def of_numbering(notebooks: Path) -> str:
    """Share of DTC's first cut that goes again when the same neurons stand in another order."""
    choices = read_table(notebooks / "studies" / "data" / "13_choices.csv")
    of_dtc = choices.query("ray_domain == 'recovered_weights' and neurons == 512 and arm == 'dtc'")
    again, by_chance = t_interval(100 * of_dtc.with_other_order), 100 * of_dtc.by_chance.mean()
    return (
        f"Number the same neurons anew, and {again.mean:.0f} % of DTC's first cut go again ({again.low:.0f} to "
        f"{again.high:.0f}, described reading). Chance gives {by_chance:.0f} %."
    )


def of_proposition(notebooks: Path, *, seed: int) -> str:
    """Number of compressions that exceed the exact null model; the intervals are bootstraps."""
    folder = notebooks / "studies" / "data" / "10_proposition"
    drawn = pd.concat([pd.read_csv(folder / trial / "comparisons.csv") for trial in TRIALS])
    exact = drawn.loc[(drawn.null_model == "exact null") & (drawn.statistic == "pearson"), :]
    found = evidence.excesses(exact, rng=np.random.default_rng(seed))
    better = int((found.low > 0).sum()) or "none"
    return (
        f"The correlation of entropy and fitness is {found.tested.min():.2f} to {found.tested.max():.2f}. Is that more "
        f"than random numbers of the same m and norm give? In {better} of {len(found)} comparisons was the measured "
        "entropy clearly better (interval of the difference above 0)."
    )


def of_scratch(notebooks: Path) -> str:
    """Survivors of DTC beside a network that was small from the beginning."""
    table = _study(notebooks, "3_uncertainty")
    runs = [table.loc[(table.reading == reading) & (table.neurons == TENTH), :] for reading in READINGS]
    above = [100 * tables.compared(r, "scratch, batches", "dtc").difference.mean for r in runs]
    return (
        f"Right after the cut, the {TENTH} neurons that DTC leaves are {above[0]:.1f} points (published reading) and "
        f"{above[1]:.1f} points (described) worse than {TENTH} neurons trained from scratch for as many batches."
    )


def of_training_on(notebooks: Path) -> str:
    """Survivors of DTC that are trained on, beside a perceptron that was small from the beginning."""
    table = pd.read_csv(notebooks / "studies" / "data" / "14_cost_of_training.csv")
    last = table.loc[(table.network == "perceptron") & (table.moment == "trained") & (table.cut == table.cut.max()), :]
    ahead = 100 * tables.compared(last, "dtc", "scratch, batches").difference.mean
    spent = last.groupby("arm").training_multiply_adds.mean()
    return (
        f"Trained on after its cuts, DTC's perceptron ends {ahead:.1f} points above one that was small from the "
        f"beginning, for as many batches and {spent['dtc'] / spent['scratch, batches']:.1f} times the multiply-adds."
    )


def of_a_tenth(notebooks: Path) -> str:
    """Accuracy of a tenth of the neurons after further training."""
    last = tables.final_outcomes(_study(notebooks, "4_frequency"), ["cut_fraction", "batches_per_cycle"])
    lowest = 100 * last[last.dataset == "mnist"].groupby(["arm", "batches_per_cycle"]).accuracy.mean().min()
    return f"A tenth of them suffices for {lowest:.1f} % on MNIST, if the network is trained on after its cuts."
