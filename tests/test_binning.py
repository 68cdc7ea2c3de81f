import numpy as np
import pytest
from test_proposition import by_length, made_process

from dtc_helpers.binning import WIDTHS, binning_table, bins_of_width, other_binnings, width_binnings


@pytest.mark.parametrize("width", WIDTHS)
def test_edges_are_multiples_of_the_width_and_cover_the_reach(width):
    edges = bins_of_width(width, reach=30)
    np.testing.assert_allclose(np.diff(edges), width)
    np.testing.assert_allclose(edges / width, np.round(edges / width), atol=1e-9)
    assert edges[0] <= -30 < 30 <= edges[-1]


def test_table_has_a_row_a_process_and_binning_and_the_base_changes_nothing():
    rng = np.random.default_rng(0)
    processes = {"length": [made_process(rng, fitness=by_length) for _ in range(3)]}
    binnings = {**width_binnings(), **other_binnings()}
    table = binning_table(processes, binnings, rng=rng, n_draws=1).set_index("binning")
    assert list(table.index) == list(binnings)
    assert (table.tested_n == 3).sum() >= len(table) - 2
    nats, bits = (table.loc[f"published bins, {base}", "tested_value"] for base in ("nats", "bits"))
    assert nats == pytest.approx(bits)
