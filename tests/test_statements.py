"""Numbers that README and pages of docs/ state, each with the stored table or benchmark that it comes from."""
# pyright: basic, reportAttributeAccessIssue=false, reportGeneralTypeIssues=false, reportArgumentType=false
# pyright: reportCallIssue=false, reportIndexIssue=false, reportOperatorIssue=false

import json
import re
from functools import cache
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from dtc_helpers.paper import PAPER_CORRELATIONS, RAW_CORRELATIONS
from dtc_helpers.proposition import binning, evidence
from dtc_helpers.runs.tables import beside_paper, with_lowess
from dtc_helpers.statistics import corrected, detectable_difference, equivalence_power, pearson, t_interval
from dtc_helpers.studies import tables
from dtc_helpers.studies.runs import read_table
from dtc_helpers.studies.study_15_any_network import named_settings

ROOT = Path(__file__).resolve().parents[1]
STORED = ROOT / "notebooks" / "studies" / "data"
PAGES = ("README.md", *(f"docs/{page}.md" for page in ("reproduction", "solver", "sweeps", "any_network", "teaching")))
README, REPRODUCTION, SOLVER, SWEEPS, ANY_NETWORK, TEACHING = (ROOT / name for name in PAGES)
METHODS = ("dtc", "random", "magnitude")
STUDY_13, STUDY_15 = (ROOT / "notebooks" / "studies" / f"{name}.ipynb" for name in ("13_numbering", "15_any_network"))


@cache
def text_of(path: Path) -> str:
    """Words of a page or notebook, without its line breaks and the targets of its links."""
    text = path.read_text()
    if path.suffix == ".ipynb":
        text = "\n".join(cell.source for cell in nbformat.reads(text, 4).cells if cell.cell_type == "markdown")
    return re.sub(r"\s+", " ", re.sub(r"\]\([^)]*\)", "", text).replace("[", ""))


@cache
def study(name: str) -> pd.DataFrame:
    return tables.with_accuracy(read_table(STORED / f"{name}.csv"))


@cache
def mnist_run() -> pd.DataFrame:
    """Published reading of the run on MNIST."""
    cycles = with_lowess(pd.read_csv(ROOT / "notebooks" / "mnist" / "cycles.csv"))
    return cycles.loc[cycles.reading == "published", :]


def entropy_with(cycles: pd.DataFrame, one: str, other: str, column: str = "lowess") -> float:
    """Correlation of the entropy of one method with the accuracies of another, paired by width."""
    by_method = {str(method): run.set_index("neurons") for method, run in cycles.groupby("method")}
    return pearson(by_method[one].entropy_outgoing, by_method[other][column].reindex(by_method[one].index))


def points(difference, digits: int = 2) -> str:
    """Difference in points of accuracy with its interval, as texts have it."""
    low, mean, high = (100 * value for value in (difference.low, difference.mean, difference.high))
    return f"{mean:+.{digits}f} points, {low:.{digits}f} to {high:.{digits}f}".replace("-", "−")


def signed(difference) -> str:
    """Difference in points, its interval in brackets with signs."""
    low, mean, high = (f"{100 * value:+.2f}" for value in (difference.low, difference.mean, difference.high))
    return f"{mean} points ({low} to {high})".replace("-", "−")


def of_run():
    cycles = mnist_run()
    rows = {"DTC": "dtc", "random": "random", "magnitude": "magnitude"}
    for name, method in rows.items():
        values = " | ".join(f"{entropy_with(cycles, method, other):.4f}" for other in METHODS)
        yield REPRODUCTION, f"| {name}, ours | {values} |"
    yield REPRODUCTION, "| DTC, paper | " + " | ".join(f"{PAPER_CORRELATIONS[m]:.4f}" for m in METHODS) + " |"
    raw = [entropy_with(cycles, "dtc", other, "accuracy") for other in ("dtc", "random")]
    published = [RAW_CORRELATIONS[other] for other in ("dtc", "random")]
    yield REPRODUCTION, f"give {published[0]} and {published[1]}, ours {raw[0]:.3f} and {raw[1]:.3f}"
    table = beside_paper(cycles)
    for removed, row in table.iterrows():
        cells = " | ".join(f"{row[m, what]:.4f}" for m in METHODS[::-1] for what in ("paper", "LOWESS", "raw"))
        yield REPRODUCTION, f"| {removed:.4f} | {round(512 * (1 - removed))} | {cells} |"
    ours = [entropy_with(cycles, "dtc", other) for other in ("dtc", "random")]
    yield README, f"In one of our six roundings it is reversed: {ours[0]:.4f}, {ours[1]:.4f}"
    printed = f"0.9174 with DTC's, {PAPER_CORRELATIONS['random']:.4f} with random pruning's"
    yield README, printed.replace("0.9174", f"{PAPER_CORRELATIONS['dtc']:.4f}")
    away = [abs(value - PAPER_CORRELATIONS[m]) for value, m in zip(ours, ("dtc", "random"), strict=True)]
    yield REPRODUCTION, f"The correlations live on that part, and are {away[0]:.3f} and {away[1]:.3f} away."
    difference = beside_paper(cycles).xs("difference", axis=1, level=1).abs().max(axis=1)
    near, far = difference[difference.index <= 0.86].max(), difference[difference.index > 0.86].max()
    yield (
        README,
        f"Up to 86 % removed, our curves are within {100 * near:.2f} points of the paper's. Beyond, they are up to "
        f"{100 * far:.1f} points away",
    )


def of_null_of_run():
    """From what the executed notebook 2 printed."""
    cells = nbformat.read(ROOT / "notebooks" / "mnist" / "2_gibbs_entropy.ipynb", as_version=4).cells
    (printed,) = [cell.outputs[0].text for cell in cells if "sentences.of_correlations" in cell.source]
    numbers = dict(re.findall(r"(\w+) ([\d.]+ ± [\d.]+ %)", printed))
    (expected,) = re.findall(r"The exact null gives on average: (.*)\.\n", printed)
    (own,) = re.findall(r"Each entropy with its own network's curve: (.*)\.\n", printed)
    null, measured = (dict(re.findall(r"(\w+) ([\d.]+)", words)) for words in (expected, own))
    yield (
        REPRODUCTION,
        (
            f"it gives {null['DTC']} (DTC) and {null['random']} (random) on average, where {measured['DTC']} and "
            f"{measured['random']} were measured. Of 1,000 draws {numbers['DTC']} and {numbers['random']} do"
        ),
    )


def of_roundings():
    stored, reversed_in = pd.read_csv(ROOT / "notebooks" / "mnist" / "roundings.csv"), []
    names = {"AVX512": "AVX-512", "AVX2": "AVX2", "DEFAULT": "none"}
    for (capability, threads), run in stored.groupby(["cpu_capability", "threads"]):
        cycles = with_lowess(run.assign(reading="published", replicate=0, test_accuracy=0.0))
        difference = beside_paper(cycles).xs("difference", axis=1, level=1).abs().max(axis=1)
        near, far = difference[difference.index <= 0.86].max(), difference[difference.index > 0.86].max()
        own, with_random = (entropy_with(cycles, "dtc", other) for other in ("dtc", "random"))
        reversed_in += [(capability, threads)] * (own > with_random)
        yield (
            REPRODUCTION,
            (f"| {names[str(capability)]} | {threads} | {near:.4f} | {far:.3f} | {own:.3f} | {with_random:.3f} |"),
        )
    assert reversed_in == [("AVX512", 2)]  # "in one of our six roundings it is reversed"


def of_study_3():
    table = study("3_uncertainty")
    table = table[table.arm.isin(METHODS)]
    at_51 = {reading: runs for reading, runs in table[table.neurons == 51].groupby("reading", sort=False)}
    found = [tables.compared(at_51[reading], "dtc", "random") for reading in ("published", "described")]
    p, power = [f"{c.p_equivalence:.2f}" for c in found], [equivalence_power(c.difference.sd, 30) for c in found]
    smallest = [100 * detectable_difference(c.difference.sd, 30) for c in found]
    yield (
        REPRODUCTION,
        (
            f"equivalence is not shown (p = {p[0]} and {p[1]}): 30 replicates have a power of {100 * power[0]:.0f} % "
            f"and {100 * power[1]:.0f} % for it, and would find a difference of {smallest[0]:.1f} and "
            f"{smallest[1]:.1f} points"
        ),
    )
    seeds = [runs.pivot(index="seed", columns="arm", values="accuracy") for runs in at_51.values()]
    over_seeds = [f"{pearson(by['dtc'], by['random']):+.2f}".replace("-", "−") for by in seeds]
    yield REPRODUCTION, f"DTC and random at 51 neurons correlate with {over_seeds[0]} and {over_seeds[1]}"
    cuts = table.groupby(["reading", "arm", "seed"], sort=False).accuracy.mean().reset_index()
    mean = [tables.compared(cuts[cuts.reading == r], "dtc", "random").difference for r in ("published", "described")]
    told = [f"{points(mean[0])}".replace(" to ", " to "), points(mean[1]).replace(" points", "")]
    yield REPRODUCTION, f"as the mean over the 34 cuts ({told[0]}, and {told[1]})"
    shown = table[table.neurons.isin([460, 196, 102, 51, 25, 9])]
    order = [(reading, arm) for reading in ("published", "described") for arm in ("magnitude", "random", "dtc")]
    for neurons, runs in shown.groupby("neurons"):
        cells = [t_interval(runs[(runs.reading == r) & (runs.arm == arm)].accuracy) for r, arm in order]
        yield (
            REPRODUCTION,
            f"| {neurons} | " + " | ".join(f"{c.mean:.4f} ± {c.high - c.mean:.4f}" for c in cells) + " |",
        )
    everything = study("3_uncertainty")
    worse = []
    for reading in ("published", "described"):
        of_reading = everything[(everything.reading == reading) & (everything.neurons == 51)]
        worse.append(tables.compared(of_reading, "scratch, batches", "dtc").difference)
    one, other = ([f"{100 * v:.1f}" for v in (d.mean, d.low, d.high)] for d in worse)
    yield (
        REPRODUCTION,
        (
            f"by {one[0]} points ({one[1]} to {one[2]}) in the published reading and {other[0]} ({other[1]} to "
            f"{other[2]})"
        ),
    )
    yield README, f"by {one[0]} points (published reading) and {other[0]} (described)"
    placed = tables.with_dense_placed(everything)
    first_ten = placed[(placed.neurons == 51) & (placed.seed < placed.seed.min() + 10)]
    names = {
        "DTC": "dtc", "random": "random", "magnitude, \\|a + b\\|": "magnitude", "magnitude, L2 norms": "norms",
        "51 neurons from scratch, as many batches": "scratch, batches",
        "51 neurons from scratch, as many multiply-adds": "scratch, multiply_adds",
        "51 neurons from scratch, twice as many": "scratch, longer", "never cut, 512 neurons": "dense",
    }  # fmt: skip
    for name, arm in names.items():
        of_arm = first_ten[first_ten.arm == arm]
        cells = [t_interval(of_arm[of_arm.reading == r].accuracy) for r in ("published", "described")]
        told = " | ".join(f"{cell.mean:.4f} ({cell.low:.4f} to {cell.high:.4f})" for cell in cells)
        yield REPRODUCTION, f"| {name} | {of_arm.batches.iloc[0]:,} | {told} |"
    of_code = everything[(everything.reading == "published") & everything.arm.isin(METHODS)]
    for neurons, page, words in (
        (460, README, "{} to {} instead of {} after the first cut"),
        (460, REPRODUCTION, "{} to {} instead of {} after the first cut"),
        (9, REPRODUCTION, "{} to {} instead of {} at nine neurons"),
    ):
        columns = ["single_image_accuracy", "mean_batch_accuracy"]
        means = of_code[of_code.neurons == neurons].groupby("arm")[columns].mean()
        alone, batch = (means[column] for column in columns)
        ends = dict.fromkeys(f"{value:.2f}" for value in (batch.min(), batch.max()))
        yield page, words.format(f"{alone.min():.2f}", f"{alone.max():.2f}", " to ".join(ends))
    for reading, runs in table.groupby("reading"):
        widths = tables.paired(runs, arm="dtc", other="random")
        assert len(widths) == 34, reading
        assert (widths.p_difference > 0.05).all(), reading  # "cannot be told … at any of the 34 widths"
        assert tables.compared(tables.areas(runs), "dtc", "random").p_equivalence < 0.05  # "the two are equivalent"
        cells = [t_interval(tables.areas(runs[runs.arm == arm]).accuracy) for arm in ("magnitude", "random", "dtc")]
        yield REPRODUCTION, " | ".join(f"{cell.mean:.4f} ± {cell.high - cell.mean:.4f}" for cell in cells)
    of_51 = everything[(everything.neurons == 51) & (everything.reading == "published")]
    highest = tables.compared(of_51, "dtc", "norms")
    yield REPRODUCTION, f"cutting the highest is {100 * highest.difference.mean:.2f} points worse than DTC at 51"
    again = study("3_single_images")
    at = again[again.neurons == 51].groupby("arm")[
        ["single_image_accuracy", "calibrated_accuracy", "mean_batch_accuracy"]
    ]
    single, helped, batch = (at.mean()[column] for column in at.mean())
    yield (
        REPRODUCTION,
        (
            f"at 51 neurons single images have {single.dtc:.2f} (DTC), {single.magnitude:.2f} (magnitude) and "
            f"{single.random:.2f} (random), with the constants {helped.dtc:.3f}, {helped.magnitude:.3f} and "
            f"{helped.random:.3f}, batches {batch.dtc:.3f}, {batch.magnitude:.3f} and {batch.random:.3f}"
        ),
    )
    orders = study("3_orders")
    shares = [tables.share_of_groups(runs, "order") for _, runs in orders[orders.neurons == 51].groupby("arm")]
    low, high, top = min(s[0] for s in shares), max(s[0] for s in shares), max(s[2] for s in shares)
    yield REPRODUCTION, f"(at 51 neurons {low:+.2f} to {high:+.2f} by arm, intervals up to {top:.2f}".replace("-", "−")


def of_pooled_studies():
    frequency = tables.final_outcomes(study("4_frequency"), ["cut_fraction", "batches_per_cycle"])
    for dataset, words in (("mnist1d", "to random pruning ({}), and over"), ("mnist", "the two of MNIST ({})")):
        means = frequency[frequency.dataset == dataset].groupby(["arm", "seed"]).accuracy.mean().reset_index()
        told = points(tables.compared(means, "dtc", "random").difference)
        yield REPRODUCTION, words.format(told if dataset == "mnist1d" else told.replace(" points", ""))
    areas = tables.areas(study("7_depth"), by=["hidden_widths"])
    means = areas.groupby(["arm", "seed"]).accuracy.mean().reset_index()
    told = points(tables.compared(means, "dtc", "random").difference)
    yield REPRODUCTION, f"all six cases together it is equivalent to random pruning ({told})"


def of_study_6():
    table = study("6_tickets")
    at = {neurons: runs for neurons, runs in table.groupby("neurons")}
    over_dtc, over_random = (tables.compared(at[102], "norms", other).difference.mean for other in ("dtc", "random"))
    yield REPRODUCTION, f"is {100 * over_dtc:.1f} points better than DTC and {100 * over_random:.1f} better than random"
    better = tables.compared(at[25], "ticket, dtc", "ticket, random").difference
    low, mean, high = (100 * value for value in (better.low, better.mean, better.high))
    yield REPRODUCTION, f"They are {mean:.1f} points better at 25 ({low:.1f} to {high:.1f};"
    yield README, f"At 25 they are {mean:.1f} points better, but not after correction"
    of_tickets = table[table.arm.str.startswith("ticket")]
    of_sizes = tables.paired(of_tickets, arm="ticket, dtc", other="ticket, random")
    assert sorted(of_sizes.neurons) == [25, 51, 102, 196]
    assert (of_sizes.p_difference > 0.05).all()  # "cannot be told from random neurons", after correction
    for neurons in (51, 25):  # "At 51 and 25 they are worse than a fresh network"
        assert tables.compared(at[neurons], "ticket, dtc", "scratch, batches").difference.high < 0


def of_study_4():
    last = tables.final_outcomes(study("4_frequency"), ["cut_fraction", "batches_per_cycle"])
    means = last[last.dataset == "mnist"].groupby(["arm", "batches_per_cycle"]).accuracy.mean()
    yield REPRODUCTION, f"DTC has {100 * means['dtc'].mean():.1f} %"
    yield README, f"A tenth of the neurons suffices for {100 * means.min():.1f} %"


@cache
def exact_excesses() -> pd.DataFrame:
    parts = [
        pd.read_csv(STORED / "10_proposition" / name / "comparisons.csv") for name in ("mnist", "digits", "photographs")
    ]
    found = evidence.excesses(pd.concat(parts), rng=np.random.default_rng(42424242))
    return found[found.null_model == "exact null"].set_index(["statistic", "dataset", "process"])


def of_study_10():
    exact = exact_excesses()
    for statistic in ("pearson", "spearman"):
        assert not (exact.loc[statistic].low > 0).any()  # "none of 11 intervals lies above 0"
    yield README, f"none of {len(exact.loc['pearson'])} intervals lies above 0"
    told = []
    for process in ("DTC", "random pruning"):
        row = exact.loc[("pearson", "mnist", process)]
        told.append(f"{row.excess:+.4f} ({row.low:.4f} to {row.high:.4f}) for {process}".replace("-", "−"))
    yield REPRODUCTION, " and ".join(told)
    spans = [exact.loc[statistic].tested.agg(["min", "max"]) for statistic in ("pearson", "spearman")]
    (low, high), (rank_low, rank_high) = spans
    yield REPRODUCTION, f"with {low:.2f} to {high:.2f} (Pearson) and {rank_low:.2f} to {rank_high:.2f} (Spearman)"
    (own, null), (of_random, of_its_null) = (
        exact.loc[("given_length_and_curve", "digits", process), ["tested", "expected"]]
        for process in ("DTC", "random pruning")
    )
    told = (
        f"against the accuracy: {own:.3f} with DTC, {of_random:.3f} with random pruning. "
        f"So does the exact null, with {null:.3f} and {of_its_null:.3f}"
    )
    yield REPRODUCTION, told.replace("-", "−")


def of_study_9():
    correlations = pd.read_csv(STORED / "9_binning.csv")
    table = binning.binning_table(correlations, rng=np.random.default_rng(42424242))
    above = int((table.excess_low > 0).sum())
    yield REPRODUCTION, f"{above} of {len(table)} excesses have an interval above 0"
    dtc = table[table.panel == "DTC · mnist"].tested_value
    yield REPRODUCTION, f"the correlation of DTC on MNIST moves from {dtc.min():.2f} to {dtc.max():.2f}"
    best = binning.best_binnings(correlations, rng=np.random.default_rng(42424242))
    assert (best.p_picked > 0.05).all()  # "as the best of 27 none stands"


def of_study_13():
    choices = read_table(STORED / "13_choices.csv")
    rays = choices[(choices.ray_domain == "recovered_weights") & (choices.neurons == 512)]
    means = rays.groupby("arm")[["error_incoming", "with_magnitude", "with_other_order", "by_chance"]].mean()
    as_numbered, by_size = means.loc["dtc"], means.loc["dtc sorted"]
    share = t_interval(100 * rays[rays.arm == "dtc"].with_other_order)
    again = f"{share.mean:.0f} % ({share.low:.0f} to {share.high:.0f})"
    yield REPRODUCTION, f"the relative error is {as_numbered.error_incoming:.1f}, where zeros have 1"
    yield (
        REPRODUCTION,
        (
            f"Its first cut shares {100 * as_numbered.with_magnitude:.0f} % with magnitude's and "
            f"{again} with its own when the same neurons stand in another order; chance gives "
            f"{100 * as_numbered.by_chance:.0f} %"
        ),
    )
    yield README, f"of its first cut {again} go again"
    yield (
        REPRODUCTION,
        (
            f"the sums are recovered ({by_size.error_incoming:.2f}) and {100 * by_size.with_magnitude:.0f} % of the "
            "cut is magnitude's"
        ),
    )
    errors = (
        choices[(choices.ray_domain == "recovered_weights") & (choices.arm == "dtc")]
        .groupby("neurons")[["error_incoming", "error_outgoing"]]
        .mean()
    )
    printed = errors.loc[[512, 300, 102, 51]].to_numpy()
    yield STUDY_13, f"at these widths Ψs has {printed.min():.1f} to {printed.max():.1f} on average"
    of_rays = study("13_numbering").query("neurons == 51 and ray_domain == 'recovered_weights'")
    pairs = [(arm, other) for arm in ("dtc", "dtc renumbered", "dtc sorted") for other in ("random", "magnitude")]
    pairs += [("dtc renumbered", "dtc"), ("dtc sorted", "dtc")]
    found = [tables.compared(of_rays, *pair).difference for pair in pairs]
    low, high = 100 * min(d.low for d in found), 100 * max(d.high for d in found)
    few = tables.compared(of_rays, "dtc random basis", "random").difference
    told = f"from {low:.1f} to {high:+.1f} points (random basis, 10 replicates: "
    told += f"{100 * few.low:.1f} to {100 * few.high:.1f})"
    yield STUDY_13, told.replace("-", "−")
    yield STUDY_13, f"DTC better than magnitude there ({100 * found[1].mean:+.2f})"
    areas = tables.areas(study("13_numbering"), by=["ray_domain"])
    worse = tables.compared(areas[areas.ray_domain == "recovered_weights"], "random", "dtc sorted").difference
    low, mean, high = (100 * value for value in (worse.low, worse.mean, worse.high))
    yield REPRODUCTION, f"sorted DTC is {mean:.2f} points ({low:.2f} to {high:.2f}) worse than random pruning"


def of_study_14():
    table = pd.read_csv(STORED / "14_cost_of_training.csv")
    last = table[(table.moment == "trained") & (table.cut == 10)]
    spent = last.groupby(["network", "arm"]).training_multiply_adds.mean().unstack()
    assert (spent["dtc"] == spent["random"]).all()  # "however the neurons are chosen"
    fewer = sorted(spent["dense, batches"] / spent["dtc"])
    better = [tables.compared(runs, "scratch, multiply_adds", "dtc") for _, runs in last.groupby("network")]
    assert all(found.p_difference < 0.05 / 7 for found in better)  # of seven comparisons a network
    by = sorted(100 * found.difference.mean for found in better)
    yield README, f"takes {fewer[0]:.1f} to {fewer[1]:.1f} times fewer multiply-adds than the dense network"
    yield README, f"from scratch is better than DTC's, by {by[0]:.1f} and {by[1]:.1f} points"
    runs = {network: rows for network, rows in last.groupby("network")}
    others = ["scratch, batches", "random", "magnitude", "taylor", "scratch, multiply_adds"]
    others += ["dense, batches", "dense, multiply_adds"]
    of_perceptron = [tables.compared(runs["perceptron"], "dtc", other) for other in others]
    assert corrected([found.p_difference for found in of_perceptron])[0] < 0.05
    as_long = of_perceptron[0]
    low, mean, high = (100 * v for v in (as_long.difference.low, as_long.difference.mean, as_long.difference.high))
    yield README, f"for as many batches it is {mean:.1f} worse on the perceptron"
    yield REPRODUCTION, f"it is {mean:.2f} points ({low:.2f} to {high:.2f}) worse on the perceptron"
    yield REPRODUCTION, f"{fewer[0]:.2f} times fewer than the dense network"
    yield REPRODUCTION, f"better than DTC's, by {by[0]:.2f} and {by[1]:.2f} points"
    below, random, stopped = (
        [tables.compared(runs[network], *pair).difference for network in ("perceptron", "lenet5")]
        for pair in (("dense, batches", "dtc"), ("dtc", "random"), ("dense, multiply_adds", "dtc"))
    )
    yield (
        REPRODUCTION,
        f"ends {100 * below[0].mean:.2f} and {100 * below[1].mean:.2f} points below the dense network",
    )
    told = [signed(difference) for difference in (*random, stopped[0])]
    yield REPRODUCTION, f"DTC minus random is {told[0]} and {told[1].replace(' points', '')}"
    yield (
        REPRODUCTION,
        f"on the perceptron ({told[2].replace(' (', ', ')}, and {100 * stopped[1].mean:.2f} points better",
    )


def of_study_15():
    table = named_settings(pd.read_csv(STORED / "15_any_network.csv"))
    table = table[(table.moment == "trained") & table.cut.isin([2, 4, 6, 8, 10])]
    rows = tables.paired(table, arm="dtc", other="random", by=["setting", "cut"])
    assert not (rows.p_difference < 0.05).any()
    yield README, f"it cannot be told from it at any of {len(rows)} places"
    yield REPRODUCTION, f"cannot be told from random pruning at any of {len(rows)} places"
    largest = rows.loc[rows.difference.abs().idxmax()]
    low, mean, high = (
        f"{100 * value:.1f}".replace("-", "−") for value in (largest.low, largest.difference, largest.high)
    )
    yield STUDY_15, f"The largest difference, {mean} points on {largest.setting} after ten cuts ({low} to {high})"
    assert largest.cut == 10
    magnitude = tables.paired(table, arm="magnitude", other="random", by=["setting", "cut"])
    yield REPRODUCTION, f"Magnitude is better than random pruning at {(magnitude.p_difference < 0.05).sum()} of them"


def measured(benchmark: str) -> str:
    """What a benchmark printed when it was last run (`make benchmark`)."""
    return (ROOT / "benchmarks" / "results" / f"{benchmark}.txt").read_text()


def milliseconds(seconds: float) -> str:
    """Two digits, or whole ones."""
    return f"{seconds:,.0f}" if seconds >= 10 else f"{seconds:.1f}" if seconds >= 1 else f"{seconds:.2f}"


def of_benchmark_recovery():
    rows = [
        (int(n), int(m), solver, batch, float(thread), gap)
        for n, m, solver, batch, thread, gap in re.findall(
            r"^ +(\d+) +(\d+)  (\S.*?) +(alone|\d+)  +[\d.]+ +([\d.]+) +(\d+e[-+]\d+)",
            measured("recovery"),
            re.MULTILINE,
        )
    ]
    columns = [(name, "alone") for name in ("scs", "clarabel", "lars", "PIQP", "quadprog", "DAQP itself")]
    columns += [(name, batch) for name in ("exact", "interior_point") for batch in ("alone", "16")]
    for n, m in ((128, 13), (512, 51), (2048, 205)):
        found = {(solver, batch): thread for size, _, solver, batch, thread, _ in rows if size == n}
        cells = " | ".join(milliseconds(found[each]) if each in found else "–" for each in columns)
        yield SOLVER, f"| {n:,} | {m} | {cells} |"
    gaps = [gap.replace("e-0", "e-") for *_, solver, _, _, gap in rows if solver == "scs"]
    yield SOLVER, f"{gaps[0]}, {gaps[1]} and {gaps[2]} for SCS at the three sizes, and at most 1e-13 for `exact`"
    assert max(float(gap) for *_, solver, _, _, gap in rows if solver == "exact") <= 1e-13
    exact, interior = re.findall(r"(\d+) ms \(", measured("recovery").rpartition("both rays")[2])
    yield SOLVER, f"take {exact} ms with `exact` and {interior} ms with the interior point"


def of_benchmark_training():
    ((decoded, ours),) = re.findall(r"one by one ([\d.]+) s, ours ([\d.]+)", measured("training"))
    (ratio,) = re.findall(r"ratio +: +([\d.]+)", measured("training"))
    yield SOLVER, f"take {decoded} s when images are decoded one by one, as published, and {float(ours):.1f} s here"
    yield SOLVER, f"The ratio is {float(ratio):.0f}"


def of_benchmark_replicates():
    peak, *_ = re.findall(r"peak (\d+) GFLOP/s", measured("replicates"))
    lines = [line.split() for line in measured("replicates").splitlines()[-2:]]
    (seconds, share, *_), (seconds_8, share_8, cost, small) = (line[1:5] for line in lines)
    bands, bands_8 = (re.findall(r"([\d.]+) \((\d+)%\)", line) for line in measured("replicates").splitlines()[-2:])
    yield SOLVER, f"product peak of about {peak} GFLOP/s"
    yield (
        SOLVER,
        (
            f"reach {share_8[:-1]} % of that peak ({share[:-1]} % for a single one) and take {float(seconds_8):.0f} s, "
            f"{float(seconds):.0f} s for a single one"
        ),
    )
    yield SOLVER, f"A replicate costs {cost} of a single run, and {small} at 51 neurons and below"
    yield SOLVER, "| cost in 8 / alone | " + " | ".join(c for c, _ in bands_8) + f" | {cost} |"
    yield SOLVER, "| of the peak, in 8 | " + " | ".join(f"{s} %" for _, s in bands_8) + f" | {share_8[:-1]} % |"
    yield SOLVER, "| of the peak, alone | " + " | ".join(f"{s} %" for _, s in bands) + f" | {share[:-1]} % |"
    runs = json.loads((STORED / "3_uncertainty.json").read_text())["runs"]
    minutes = [
        sum(run["seconds"] for run in runs if run["run"] in {f"mnist {reading} {method}" for method in METHODS}) / 60
        for reading in ("published", "described")
    ]
    yield SOLVER, f"take {minutes[0]:.0f} minutes in the published reading and {minutes[1]:.0f} in the described one"


def of_benchmark_random_problems():
    text = measured("random_problems")
    (number, unproven), (dense, contradicted, off) = (
        re.findall(pattern, text)[0]
        for pattern in (
            r"^(\d+) problems, .*: (\d+) unproven",
            r"(\d+) with more .*, (\d+) contradicted; .* most (.*);",
        )
    )
    assert {unproven, dense, contradicted} == {"0"}
    yield SOLVER, f"solves {int(number):,} random problems"
    yield SOLVER, f"the gaps are off by at most {float(off):.0e}"


def of_benchmark_any_network():
    text = measured("any_network")
    dtc = re.findall(r"DTC .* ([\d.]+)% +([\d.]+) +[\d.]+ GiB", text)
    (share, steps), (_, steps_18) = dtc
    yield (
        ANY_NETWORK,
        f"costs as much as {steps} batches of training, {float(share):.1f} % of the 60 before it, and one of ResNet-18 "
        f"as much as {steps_18}",
    )
    fewer, *_ = re.findall(r"channels: ([\d.]+) ×", text)
    one, many, *_ = (float(found) for found in re.findall(r"batch \d+: ([\d.]+) ×", text))
    yield (
        ANY_NETWORK,
        f"mean {fewer} times fewer multiply-adds; the network is then {one:.1f} times faster for one image",
    )
    yield ANY_NETWORK, f"and {many:.1f} times for 128"


def of_benchmark_commands():
    (made, size), (ours, memory, a_reading), (digits, _), (all_tests, unit, notebooks) = (
        re.findall(rf"^{command}: {rest}$", measured("commands"), re.MULTILINE)[0]
        for command, rest in {
            "make install": "(.*); environment (.*)",
            "make reproduce": "(.*); (.*) of memory; the methods take (.*) s a reading",
            "make reproduce DATASET=digits": "(.*); (.*) of memory.*",
            "make test": "(.*); unit tests (.*), notebooks (.*)",
        }.items()
    )
    for page in (README, REPRODUCTION):
        yield page, f"| the first `make` | {made}, {size} |"
        yield (
            page,
            f"| `make reproduce` | {ours}, {memory} of memory | the three methods take {a_reading} s a reading |",
        )
        yield page, f"| `make reproduce DATASET=digits` | {digits} |"
        yield page, f"| `make test` | {all_tests} | unit tests {unit}, notebooks {notebooks} |"


def of_benchmark_environment():
    (torch,) = re.findall(r"torch ([\d.]+)", measured("environment"))
    (notebooks, tests), (usual,) = (
        re.findall(r": (?:.*environment )?([\d.]+) GB$", measured(name), re.MULTILINE)
        for name in ("environment", "commands")
    )
    yield TEACHING, f"takes {tests} GB instead of {usual}, and {notebooks} GB without the tools for tests"
    yield TEACHING, f"Python 3.11 and PyTorch {torch}"


def of_benchmark_sweep():
    text = measured("sweep")
    (points,), (median,), (processor,) = (
        re.findall(pattern, text) for pattern in (r"(\d+) of \d+ points done", r"median ([\d.]+)", r"time ([\d.]+) s a")
    )
    memory = [(int(n), int(mb)) for n, mb in re.findall(r"(\d+): (\d+)", text.partition("by points done:")[2])]
    settled = [each for each in memory if each[0] >= int(points) // 10]
    yield (
        SWEEPS,
        f"a point takes {float(median):.1f} s, of which {float(processor):.1f} s are processor time",
    )
    yield SWEEPS, f"the median of {points} trivial points"
    (first, low), (last, high) = settled[0], settled[-1]
    yield SWEEPS, f"{low} MB after {first} points, {high} MB after {last}"


@pytest.mark.parametrize(
    "statements",
    [
        of_run,
        of_null_of_run,
        of_roundings,
        of_study_3,
        of_study_4,
        of_study_6,
        of_pooled_studies,
        of_study_9,
        of_study_10,
        of_study_13,
        of_study_14,
        of_study_15,
        of_benchmark_recovery,
        of_benchmark_training,
        of_benchmark_replicates,
        of_benchmark_random_problems,
        of_benchmark_any_network,
        of_benchmark_sweep,
        of_benchmark_commands,
        of_benchmark_environment,
    ],
    ids=lambda each: each.__name__,
)
def test_page_states_the_numbers_of_the_stored_tables(statements):
    missing = [(path.name, words) for path, words in statements() if words not in text_of(path)]
    assert not missing


# ------------------------------------------------------------------------------------ texts of notebooks

STUDIES = sorted(ROOT.glob("notebooks/studies/*.ipynb"))
LESSONS = [ROOT / "notebooks" / "start_here.ipynb", *sorted(ROOT.glob("notebooks/lessons/*.ipynb"))]
SOLUTION = r"<details>[\s\S]*?</details>"  # tests/lessons holds them to the right answers
NOT_PRINTED = {  # of a figure of the notebook, of the paper, or of another page that is named
    "3_uncertainty": "1.7",
    "4_pruning_frequency": "50.9 51.8 52.7 54.3 1.6",
    "5_penalty_and_measurements": "42.6 44.1 34.5 0.047 1.6",
    "6_lottery_tickets": "0.18",
    "8_sweep_report": "2.5 85.7 90.8 0.3 0.7 91.2 94.7 94.4 92.4 92.8 93.0 0.05 93.1 93.5 0.4 0.5",
    "9_binning": "0.9174",
    "1_inverse_sensing": "2.5 2505.23869",  # by hand, and the paper
    "2_numbering": "0.2 1.5 2.0",  # of an exercise
    "3_entropy_by_hand": "0.1 0.6 1.4 2.2 1.5 1.7 2.5 0.9174 2505.23869",  # of exercises, and the paper
    "4_null_models": "0.75 0.76 0.78 0.95",  # of an exercise
    "5_cutting": "0.999 2.5 3.16",  # of Adam, of a figure, and of an exercise
    "12_from_code_to_text": "0.9 4.5 0.91 0.24 0.37 1.4 1.2 0.27 1.01 0.49 0.48 2.7 4.0",
}
NUMBER = r"(?<![\w.])\d+\.\d+"


def printed_numbers(path: Path) -> list[float]:
    """Numbers with a decimal point in all that the cells of a notebook print."""
    found = []
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            shown = output.get("text") or "".join(
                output.get("data", {}).get(k, "") for k in ("text/plain", "text/html")
            )
            found += [float(number) for number in re.findall(NUMBER, re.sub(r"<[^>]+>", " ", shown).replace(",", ""))]
    return found


@pytest.mark.parametrize("path", [*STUDIES, *LESSONS], ids=lambda path: path.stem)
def test_numbers_in_the_texts_of_a_notebook_are_printed_there(path):
    """Rounded, and as a share, in per cent or in points; a number that nothing prints is stale, or has no source."""
    printed, missing = printed_numbers(path), set()
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            text = re.sub(rf"{SOLUTION}|\]\([^)]*\)|\$[^$]*\$|`[^`]*`", "", cell.source)
            for number in re.findall(NUMBER, text):
                half = 0.5 * 10 ** -len(number.split(".")[1]) + 1e-9
                if not any(abs(value * unit - float(number)) <= half for value in printed for unit in (1, 100, 0.01)):
                    missing.add(number)
    assert missing == set(NOT_PRINTED.get(path.stem, "").split())
