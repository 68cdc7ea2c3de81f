"""How the correlation of entropy and fitness moves with the histogram: the paper's open question."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial

import numpy as np
import pandas as pd

from dtc_helpers.gibbs import PUBLISHED_BIN_EDGES, entropy_series
from dtc_helpers.null_models import credit, gaussian_vectors
from dtc_helpers.proposition import Measure, Process

WIDTHS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)  # in weight units; 0.2 is published
REACHES = (1.0, 3.0, 10.0, 50.0)  # bins of 0.2 from −reach to reach; 50 is published
RULES = ("sqrt", "sturges", "rice", "scott", "fd", "doane")  # of numpy


def bins_of_width(width: float, *, reach: float = 200.0) -> np.ndarray:
    """Edges at whole multiples of a width that cover −reach … reach, (n_bins + 1,)."""
    n_bins = int(np.ceil(reach / width))
    return width * np.arange(-n_bins, n_bins + 1)


def width_binnings() -> dict[str, Measure]:
    """Bins of many widths that cover every value."""
    return {f"{width:g}": partial(entropy_series, bins=bins_of_width(width)) for width in WIDTHS}


def other_binnings() -> dict[str, Measure]:
    """Ranges, rules for the whole process and for every step, bases and length corrections."""
    published = partial(entropy_series, bins=PUBLISHED_BIN_EDGES)
    return {
        "published bins, nats": published,
        "published bins, bits": partial(published, base="bits"),
        "published bins, Miller–Madow": partial(published, miller_madow=True),
        "published bins, S / ln m": partial(published, normalised=True),
        **{f"0.2 in ±{r:g}": partial(entropy_series, bins=bins_of_width(0.2, reach=r)) for r in REACHES[:-1]},
        **{f"{rule}, shared": partial(entropy_series, bins=rule) for rule in RULES},
        "fd, shared, Miller–Madow": partial(entropy_series, miller_madow=True),
        "fd, shared, S / ln m": partial(entropy_series, normalised=True),
        **{f"{rule}, each step": partial(entropy_series, bins=rule, shared=False) for rule in ("fd", "sturges")},
    }


def binning_table(
    processes: Mapping[str, Sequence[Process]],
    binnings: Mapping[str, Measure],
    *,
    rng: np.random.Generator,
    n_draws: int,
) -> pd.DataFrame:
    """Pearson correlation of the measurements, of Gaussian vectors of the same lengths, and the excess.

    Parameters
    ----------
    processes : panel → replicates.
    binnings : name → measure.

    Returns
    -------
    One row a panel × binning; columns panel, binning, and value, low, high, n of tested, null and excess.
    """
    rows = []
    for panel, replicates in processes.items():
        for name, measure in binnings.items():
            found = asdict(credit(replicates, gaussian_vectors, measure=measure, rng=rng, n_draws=n_draws))
            numbers = {f"{which}_{part}": v for which, parts in found.items() for part, v in parts.items()}
            rows.append({"panel": panel, "binning": name, **numbers})
    return pd.DataFrame(rows)
