import dataclasses
import re
from pathlib import Path

import pytest
import torch

from dtc_helpers.paths import in_project, project_root
from dtc_helpers.readings import Plan
from dtc_helpers.runs.parameters import EntropyParameters, Parameters, notebook_parameters

DEFAULTS = {
    "dataset": "digits",
    "readings": ["published"],
    "methods": ["magnitude", "random", "dtc"],
    "replicates": 1,
    "seed": 42424242,
    "hidden_neurons": 512,
    "batches_per_cycle": 200,
    "keep_fraction": 0.9,
    "stop_at": 10,
    "l1_penalty": 0.3,
    "measurement_fraction": 0.1,
    "device": "auto",
    "results_dir": "results",
    "figures_dir": "figures",
}  # design.md, section 3


def parameters(**changed):
    return Parameters(**{**DEFAULTS, **changed})


def namespace(*cells):
    """What `globals()` of a notebook holds after these cells were run."""
    names = {"In": ["", *cells]}
    for cell in cells:
        exec(cell, names)
    return names


OWN_CELL = "# Parameters\n" + "\n".join(
    f"{name}: {type(value).__name__} = {value!r}" for name, value in DEFAULTS.items()
)


# -------------------------------------------------------------------------------------- the notebook


def test_parameters_of_the_cell_arrive():
    assert notebook_parameters(namespace(OWN_CELL), Parameters) == parameters()


def test_injected_cell_wins():
    injected = '# Parameters\nseed = 7\nmethods = ["dtc"]'
    assert notebook_parameters(namespace(OWN_CELL, injected), Parameters) == parameters(seed=7, methods=["dtc"])


@pytest.mark.parametrize("line", ["datset = 'mnist'", "datset: str = 'mnist'", "seed = datset = 1"])
def test_unknown_name_is_refused_with_the_list_of_those_that_exist(line):
    expected = f"unknown parameter datset: expected one of {', '.join(DEFAULTS)}"
    with pytest.raises(ValueError, match=expected):
        notebook_parameters(namespace(OWN_CELL, f"# Parameters\n{line}"), Parameters)


def test_names_of_other_cells_are_free():
    assert notebook_parameters(namespace(OWN_CELL, "figure = 1  # Parameters"), Parameters) == parameters()


def test_corrected_cell_is_accepted():
    mistyped = OWN_CELL.replace("dataset", "datset")
    assert notebook_parameters(namespace(mistyped, "import numpy", OWN_CELL), Parameters) == parameters()


# -------------------------------------------------------------------------------------------- types


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dataset", 1), ("dataset", ["digits"]), ("dataset", None), ("readings", "published"), ("readings", []),
        ("methods", []), ("methods", [1]), ("methods", ["dtc", None]), ("methods", ("dtc",)), ("replicates", True),
        ("replicates", 1.0), ("replicates", "1"), ("seed", "42"), ("seed", 1.5), ("hidden_neurons", "512"),
        ("hidden_neurons", []), ("hidden_neurons", [512, 1.5]), ("hidden_neurons", True), ("hidden_neurons", [True]),
        ("keep_fraction", "0.9"), ("keep_fraction", True), ("stop_at", None), ("l1_penalty", [0.3]), ("device", 0),
        ("results_dir", None), ("figures_dir", 3),
    ],
)  # fmt: skip
def test_value_of_another_type_is_refused_by_name(name, value):
    expected = f"{name} = {value!r}: expected .*, got {type(value).__name__}"
    with pytest.raises(TypeError, match=expected.replace("[", r"\[").replace("(", r"\(").replace(")", r"\)")):
        parameters(**{name: value})


@pytest.mark.parametrize("name", ["keep_fraction", "l1_penalty", "measurement_fraction"])
def test_number_that_yaml_reads_as_text_is_explained(name):
    with pytest.raises(TypeError, match=r"YAML reads 1e-4 as text: write 1\.0e-4"):
        parameters(**{name: "1e-4"})


@pytest.mark.parametrize("name", ["l1_penalty", "measurement_fraction"])
def test_whole_number_may_stand_for_a_float(name):
    assert getattr(parameters(**{name: 1}), name) == 1


@pytest.mark.parametrize("value", [[], [1]])
def test_message_for_a_list_says_of_what(value):
    with pytest.raises(TypeError, match=r"list\[str\]"):
        parameters(methods=value)


# ------------------------------------------------------------------------------------ names, ranges


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("dataset", "cifar", "dataset = cifar does not exist: expected mnist, fashion_mnist, kmnist, digits, mnist1d"),
        ("readings", ["as_printed"], "readings = as_printed does not exist: expected published"),
        ("methods", ["dtc", "dct", "x"], "methods = dct, x does not exist: expected magnitude, norms, random, dtc"),
        ("methods", ["dtc", "dtc"], "methods = dtc, dtc names one twice"),
        ("readings", ["published"] * 2, "readings = published, published names one twice"),
    ],
)
def test_name_that_does_not_exist_or_comes_twice_is_refused(name, value, message):
    with pytest.raises(ValueError, match=message):
        parameters(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("replicates", 0), ("seed", -1), ("seed", 2**32 - 10_000), ("hidden_neurons", 1), ("hidden_neurons", [512, 1]),
        ("batches_per_cycle", 0), ("keep_fraction", 0.0), ("keep_fraction", 1.0), ("keep_fraction", 1),
        ("keep_fraction", float("nan")), ("stop_at", 0), ("stop_at", 512), ("l1_penalty", 0), ("l1_penalty", -0.3),
        ("l1_penalty", float("inf")), ("l1_penalty", float("nan")), ("measurement_fraction", 0),
        ("measurement_fraction", 1.1),
    ],
)  # fmt: skip
def test_number_out_of_range_is_refused(name, value):
    shown = re.escape(str(value[-1] if isinstance(value, list) else value))
    with pytest.raises(ValueError, match=f"{name} = {shown} is outside .* … "):
        parameters(**{name: value})


@pytest.mark.parametrize("hidden", [11, [512, 11], [11]])
def test_stop_lies_below_the_narrowest_layer(hidden):
    assert parameters(hidden_neurons=hidden, stop_at=10).stop_at == 10
    with pytest.raises(ValueError, match="stop_at = 11 is outside 1 … 10"):
        parameters(hidden_neurons=hidden, stop_at=11)


# ------------------------------------------------------------------------------------------ derived


def test_replicates_have_the_seeds_seed_seed_plus_1_and_so_on():
    assert parameters(seed=7, replicates=3).seeds == [7, 8, 9]


@pytest.mark.parametrize(("given", "widths"), [(20, [20]), ([20], [20]), ([20, 30], [20, 30])])
def test_one_number_is_one_hidden_layer(given, widths):
    assert parameters(hidden_neurons=given).hidden_widths == widths


def test_defaults_are_the_published_plan_and_anything_else_is_not():
    assert parameters().is_published_plan
    assert parameters(seed=1, dataset="mnist1d", replicates=5).is_published_plan
    changes = {"hidden_neurons": 511, "batches_per_cycle": 1, "keep_fraction": 0.8, "stop_at": 9, "l1_penalty": 0.2}
    changes = {**changes, "measurement_fraction": 0.2}
    for name, value in changes.items():
        assert not parameters(**{name: value}).is_published_plan
        if name != "hidden_neurons":
            assert parameters(**{name: value}).plan == dataclasses.replace(Plan(), **{name: value})


def test_list_of_one_layer_is_the_published_plan_too():
    assert parameters(hidden_neurons=[512]).is_published_plan


@pytest.mark.parametrize(("available", "expected"), [(True, "cuda"), (False, "cpu")])
def test_auto_is_cuda_where_there_is_one(monkeypatch, available, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    assert parameters(device="auto").torch_device == torch.device(expected)
    assert parameters(device="cpu").torch_device == torch.device("cpu")


@pytest.mark.parametrize("device", ["cuda", "cuda:0"])
def test_device_that_cannot_be_used_is_refused(monkeypatch, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=f"device = '{device}' cannot be used here: expected auto, cpu or, with CUDA"):
        _ = parameters(device=device).torch_device


@pytest.mark.parametrize("device", ["gpu", "", "meta", "mps", "cuda:x"])
def test_device_that_does_not_exist_is_refused(device):
    with pytest.raises(ValueError, match=f"device = '{device}': expected auto, cpu or cuda"):
        parameters(device=device)


def test_relative_folders_start_at_the_project(tmp_path):
    assert in_project("results") == project_root() / "results"
    assert in_project(str(tmp_path)) == tmp_path
    assert in_project("~/results") == Path.home() / "results"


def test_largest_seed_leaves_room_for_ten_thousand_replicates():
    assert parameters(seed=2**32 - 10_001, replicates=10_000).seeds[-1] < 2**32


def test_one_of_several_cuda_devices_may_be_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert parameters(device="cuda:1").torch_device == torch.device("cuda:1")


@pytest.mark.parametrize(
    ("changed", "error"),
    [({"null_draws": 9}, ValueError), ({"methods": ["x"]}, ValueError), ({"seed": "1"}, TypeError)],
)
def test_parameters_of_notebook_2_are_checked_alike(changed, error):
    given = {name: DEFAULTS[name] for name in ("dataset", "readings", "methods", "seed", "results_dir", "figures_dir")}
    assert EntropyParameters(**given, null_draws=10).null_draws == 10
    with pytest.raises(error, match=f"^{next(iter(changed))} = "):
        EntropyParameters(**{**given, "null_draws": 10, **changed})
