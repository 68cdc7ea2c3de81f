from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch

from dtc_helpers.readings import READINGS, IndependentStreams, Plan
from dtc_helpers.recovery import recover
from dtc_helpers.scoring import SCORES, HiddenLayer, Scores, dtc_scores, random_scores
from dtc_helpers.sensing import dct_basis, gaussian_matrix
from dtc_helpers.studies import setting as settings_of_studies
from dtc_helpers.studies import study, study_13_numbering
from dtc_helpers.studies.numbering import NUMBERINGS, choices, numbered_rays, numbered_scores
from dtc_helpers.studies.study_13_numbering import NumberingParameters, choices_table, numbering_runs

N, M, R = 24, 6, 2
DOMAINS = ("sparse_code", "recovered_weights")
every_domain = pytest.mark.parametrize("domain", DOMAINS)


def layer(domain="recovered_weights", seed=1):
    rng = np.random.default_rng(seed)
    sums = torch.from_numpy(rng.standard_t(4, size=(4, R, N)))
    matrices = torch.stack([gaussian_matrix(M, N, rng=rng) for _ in range(R)])
    streams = [IndependentStreams(seed + r).choice(1, 0) for r in range(R)]
    reading = replace(READINGS["described"], ray_domain=domain)
    return HiddenLayer(sums[0], sums[1], sums[2].abs(), sums[3].abs(), matrices, streams, reading, Plan())


def draws(of_layer, size=None):
    """What the streams of the layer draw first: a permutation of each replicate, or normal numbers."""
    fresh = [IndependentStreams(1 + r).choice(1, 0) for r in range(R)]
    return [rng.permutation(N) if size is None else rng.normal(size=size) for rng in fresh]


def solved(Theta, y):
    return recover(torch.from_numpy(Theta), torch.from_numpy(y), l1_penalty=0.3, solver="interior_point").sparse_code


@every_domain
def test_as_numbered_is_dtc_itself(domain):
    found, expected = numbered_scores(layer(domain), name="dtc"), dtc_scores(layer(domain))
    torch.testing.assert_close(found.values, expected.values, rtol=0, atol=1e-12)


@every_domain
@pytest.mark.parametrize("name", ["dtc renumbered", "dtc sorted"])
def test_renumbered_scores_are_those_of_the_sums_in_that_order_put_back_one_by_one(domain, name):
    of_layer, Psi = layer(domain), dct_basis(N).numpy()
    found = numbered_scores(of_layer, name=name).values
    for r in range(R):
        total, Phi = np.zeros(N), of_layer.measurement_matrix[r].numpy()
        for sums in (of_layer.incoming_sums[r].numpy(), of_layer.outgoing_sums[r].numpy()):
            order = draws(of_layer)[r] if name == "dtc renumbered" else sorted(range(N), key=lambda i, w=sums: w[i])
            shown = np.array([sums[i] for i in order])
            s = solved(Phi @ Psi, Phi @ shown).numpy()
            ray = s if domain == "sparse_code" else Psi @ s
            for place, neuron in enumerate(order):
                total[neuron] += ray[place]
        np.testing.assert_allclose(found[r].numpy(), np.abs(total), rtol=0, atol=1e-6)


@every_domain
def test_random_basis_is_dtc_with_that_basis_in_place_of_the_cosines(domain):
    """Θ = Φ'Q, y = Φ'w, ray Qs; Φ' is Φ turned, which is as Gaussian as Φ."""
    of_layer, Psi = layer(domain), dct_basis(N).numpy()
    found = numbered_scores(of_layer, name="dtc random basis").values
    for r, drawn in enumerate(draws(of_layer, size=(N, N))):
        turn, triangle = np.linalg.qr(drawn)
        turn = turn * np.sign(np.diag(triangle))
        Q, Phi = turn.T @ Psi, of_layer.measurement_matrix[r].numpy() @ turn
        np.testing.assert_allclose(Q.T @ Q, np.eye(N), atol=1e-12)
        codes = [solved(Phi @ Q, Phi @ w[r].numpy()).numpy() for w in (of_layer.incoming_sums, of_layer.outgoing_sums)]
        ray = sum(codes) if domain == "sparse_code" else Q @ sum(codes)
        np.testing.assert_allclose(found[r].numpy(), np.abs(ray), rtol=0, atol=1e-6)


def in_other_order(of_layer, order):
    names = ("incoming_sums", "outgoing_sums", "incoming_norms", "outgoing_norms")
    return replace(of_layer, **{name: getattr(of_layer, name)[:, order] for name in names})


@pytest.mark.parametrize(
    ("score", "is_blind"),
    [("magnitude", True), ("norms", True), ("dtc", False), ("dtc sorted", True), ("dtc renumbered", False)],
)
def test_scores_that_do_not_depend_on_the_numbering_and_scores_that_do(score, is_blind):
    """The same network, its neurons renumbered: a score worth the name goes with the neuron."""
    order = torch.from_numpy(np.random.default_rng(5).permutation(N))
    scored = SCORES.get(score) or (lambda each: numbered_scores(each, name=score))
    before, after = scored(layer()).values, scored(in_other_order(layer(), order)).values
    assert torch.allclose(after, before[:, order], atol=1e-6) == is_blind


def test_sorted_sums_are_recovered_better_than_sums_as_they_stand():
    incoming, outgoing = torch.from_numpy(np.random.default_rng(3).normal(size=(2, R, 200)))
    many = replace(layer(), incoming_sums=incoming, outgoing_sums=outgoing)
    matrices = torch.stack([gaussian_matrix(40, 200, rng=np.random.default_rng(r)) for r in range(R)])
    many = replace(many, measurement_matrix=matrices)
    sums, errors = torch.stack([many.incoming_sums, many.outgoing_sums]), {}
    for name, make in NUMBERINGS.items():
        rays, recovery = numbered_rays(many, make(many))
        assert recovery.converged.all()
        errors[name] = float((rays["recovered_weights"] - sums).norm() / sums.norm())
    assert errors.pop("dtc sorted") < 0.3
    assert min(errors.values()) > 0.8


# ----------------------------------------------------------------------- one layer, scored in every way


def cut_by_hand(scores, n_cut):
    """Described: the lowest scores go; of equal ones the lower index stays."""
    return set(sorted(range(len(scores)), key=lambda i: (-scores[i], i))[len(scores) - n_cut :])


@every_domain
def test_choices_are_those_of_the_slow_loop(domain):
    n_cut, of_layer = 3, layer(domain)
    rows = [row for row in choices(layer(domain), n_cut=n_cut, rng=np.random.default_rng(9)) if row["arm"] == "dtc"]
    rng = np.random.default_rng(9)
    orders = [rng.permutation(N) for _ in range(R)]
    others = rng.normal(size=(R, M, N))
    for row in (row for row in rows if row["ray_domain"] == domain):
        r = row["replicate"]
        one = {name: getattr(of_layer, name)[r : r + 1] for name in ("incoming_sums", "outgoing_sums")}
        alone = replace(of_layer, **one, measurement_matrix=of_layer.measurement_matrix[r : r + 1])
        own = dtc_scores(alone).values[0].tolist()
        mixed = dtc_scores(replace(alone, **{name: sums[:, orders[r]] for name, sums in one.items()})).values[0]
        put_back = [float(mixed[list(orders[r]).index(i)]) for i in range(N)]
        again = dtc_scores(replace(alone, measurement_matrix=torch.from_numpy(others[r : r + 1]))).values[0].tolist()
        magnitude = (alone.incoming_sums + alone.outgoing_sums)[0].abs().tolist()
        for column, scores in {
            "with_magnitude": magnitude, "with_other_order": put_back, "with_other_matrix": again,
        }.items():  # fmt: skip
            share = len(cut_by_hand(own, n_cut) & cut_by_hand(scores, n_cut)) / n_cut
            assert row[column] == pytest.approx(share, abs=1e-6)
        assert row["by_chance"] == n_cut / N
        solve = dtc_scores(alone).recovery
        assert solve is not None
        codes = solve.sparse_code[:, 0].numpy()
        for side, sums in enumerate(one.values()):
            error = np.linalg.norm(dct_basis(N).numpy() @ codes[side] - sums[0].numpy()) / np.linalg.norm(sums[0])
            assert row[["error_incoming", "error_outgoing"][side]] == pytest.approx(error, abs=1e-6)


def test_sorted_cut_is_the_same_whatever_the_order():
    rows = choices(layer(), n_cut=3, rng=np.random.default_rng(9))
    shares = {row["with_other_order"] for row in rows if (row["arm"], row["ray_domain"]) == ("dtc sorted", DOMAINS[1])}
    assert shares == {1.0}


# --------------------------------------------------------------------------------------- the study


@pytest.fixture
def parameters(monkeypatch, tmp_path, tiny_dataset):
    monkeypatch.setattr(settings_of_studies, "images", lambda name, _: replace(tiny_dataset, name=name))
    small = {"hidden_widths": (12,), "plan": Plan(batches_per_cycle=1, keep_fraction=0.7, stop_at=4)}
    monkeypatch.setattr(study_13_numbering, "Setting", partial(study_13_numbering.Setting, **small))
    common = {"seed": 1, "recompute": True, "results_dir": str(tmp_path), "figures_dir": "f", "dataset": "digits"}
    arms = {"arms": ["random", "dtc"], "other_arms": ["dtc sorted"]}
    return NumberingParameters(**arms, replicates=3, other_replicates=2, **common)


def test_arms_have_all_replicates_others_fewer_and_codes_as_rays_are_for_dtc_alone(parameters):
    runs = [
        (s.reading.ray_domain, s.columns["ray_domain"], arm, list(s.seeds)) for s, arm in numbering_runs(parameters)
    ]
    code, weights = DOMAINS
    assert runs == [
        (weights, weights, "random", [1, 2, 3]), (weights, weights, "dtc", [1, 2, 3]),
        (weights, weights, "dtc sorted", [1, 2]), (code, code, "dtc", [1, 2]), (code, code, "dtc sorted", [1, 2]),
    ]  # fmt: skip


def test_choices_are_looked_at_before_every_cut_of_random_pruning_and_stored(parameters, monkeypatch, tmp_path):
    table = choices_table(parameters)
    assert sorted(set(table.neurons)) == [5, 8, 12]
    assert len(table) == 3 * 2 * len(NUMBERINGS) * 2
    assert set(zip(table.replicate, table.seed, strict=True)) == {(0, 1), (1, 2)}
    monkeypatch.setattr(study, "STORED", tmp_path)
    stored = choices_table(replace(parameters, recompute=False))
    pd.testing.assert_frame_equal(stored, table)
    other = replace(parameters, recompute=False, other_replicates=3)
    with pytest.raises(ValueError, match=r"13_choices.csv was made with {'seeds': \[1, 2\]}: set recompute=True"):
        choices_table(other)


def test_looking_at_a_layer_changes_nothing_of_random_pruning(parameters):
    (setting, _), *_ = numbering_runs(parameters)

    def seen(of_layer):
        scores = random_scores(of_layer)
        choices(of_layer, n_cut=1, rng=np.random.default_rng(0))
        return scores

    for watched, plain in zip(setting.cut(seen), setting.cut("random"), strict=True):
        assert torch.equal(watched.network.neuron_ids[0], plain.network.neuron_ids[0])
        assert torch.equal(watched.accuracy.overall, plain.accuracy.overall)


def test_score_of_ones_own_chooses_the_neurons(parameters):
    (setting, _), *_ = numbering_runs(parameters)

    def first_ones(of_layer):
        return Scores(torch.arange(of_layer.incoming_sums.shape[1]).expand(len(setting.seeds), -1).double())

    *_, last = setting.cut(first_ones)
    assert last.network.neuron_ids[0].tolist() == [[9, 10, 11]] * len(setting.seeds)  # described: the lowest go
