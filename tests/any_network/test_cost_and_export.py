# pyright: reportAttributeAccessIssue=false, reportIndexIssue=false, reportCallIssue=false, reportArgumentType=false
# pyright: reportOptionalMemberAccess=false, reportOptionalSubscript=false, reportOptionalOperand=false
# A module's attributes have no types, and these tests look into many.
import ctypes
import importlib.util
import sys
import time
import tomllib
from pathlib import Path
from types import SimpleNamespace

import module_zoo as zoo
import numpy as np
import pytest
import torch
from torch import nn

from dtc_helpers.any_network import export
from dtc_helpers.any_network.compress_train import CutPlan, compress_train_module
from dtc_helpers.any_network.cost import cost_table, multiply_adds, peak_bytes
from dtc_helpers.any_network.energy import NOT_MEASURED, measured_energy
from dtc_helpers.any_network.importance import RandomImportance
from dtc_helpers.any_network.latency import Latency, LatencyComparison, latency
from dtc_helpers.any_network.modules import cuda_devices
from dtc_helpers.images.datasets import load_dataset


def lenet5(first=20, second=50, hidden=500):
    return nn.Sequential(
        nn.Conv2d(1, first, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(first, second, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(16 * second, hidden), nn.ReLU(), nn.Linear(hidden, 10),
    )  # fmt: skip


def cut_in_half(network, example):
    """Copy without training, cut once."""
    plan = CutPlan(RandomImportance(1), cuts=1, batches_per_cut=0, keep_fraction=0.5)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    list(compress_train_module(network, lambda *_: None, example_inputs=example, optimizer=optimizer, plan=plan))
    return network


# ------------------------------------------------------------------------------------- multiply-adds


def by_hand(first, second, hidden):
    """Multiply-adds of LeNet-5 for an image of 28 × 28 pixels."""
    convolutions = 24 * 24 * 25 * first + 8 * 8 * 25 * first * second
    return convolutions + 16 * second * hidden + 10 * hidden


@pytest.mark.parametrize(("widths", "known"), [((20, 50, 500), 2_293_000), ((10, 25, 250), 646_500)])
def test_multiply_adds_are_those_counted_by_hand(widths, known):
    counted = multiply_adds(lenet5(*widths), torch.randn(3, 1, 28, 28))
    assert counted.forward == by_hand(*widths) == known
    first_layer = 24 * 24 * 25 * widths[0]  # no gradient for the images
    assert counted.training == 3 * known - first_layer
    assert counted.uncounted == ()


@pytest.mark.parametrize(
    ("second", "forward"),
    [
        (nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False), 64 * 8 * 9),
        (nn.Conv2d(8, 12, 3, padding=1, groups=4, bias=False), 64 * 12 * 2 * 9),
        (nn.ConvTranspose2d(8, 4, 2, stride=2, groups=2, bias=False), 64 * 8 * 2 * 4),
    ],
)
def test_weights_of_a_convolution_in_groups_meet_the_channels_of_their_own(second, forward):
    network, first = nn.Sequential(nn.Conv2d(3, 8, 1, bias=False), second), 64 * 3 * 8
    counted = multiply_adds(network, torch.randn(3, 3, 8, 8))
    assert counted.forward == first + forward
    assert counted.training == 2 * first + 3 * forward  # no gradient for the images
    assert counted.training == 16_896 or second.groups < 8


def with_whole_numbers():
    network = zoo.mlp()
    network.order = nn.Parameter(torch.arange(3), requires_grad=False)
    return network


def test_parameters_of_whole_numbers_have_no_gradient_to_count():
    assert multiply_adds(with_whole_numbers(), zoo.vectors()) == multiply_adds(zoo.mlp(), zoo.vectors())
    assert peak_bytes(with_whole_numbers(), zoo.vectors()) >= peak_bytes(zoo.mlp(), zoo.vectors())


@pytest.mark.parametrize("count", [multiply_adds, peak_bytes])
def test_graphics_cards_that_a_network_is_not_on_are_left_alone(count, monkeypatch):
    """Torch looks after the random numbers of all of them, and warns, if it is not told which."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.random, "_fork_rng_warned_already", False)
    assert count(zoo.mlp(), zoo.vectors())


def test_every_card_of_a_network_is_named_once(monkeypatch):
    network = nn.Module()
    places = [SimpleNamespace(device=torch.device(name)) for name in ("cuda:1", "cpu", "cuda:0", "cuda:1", "meta")]
    monkeypatch.setattr(network, "parameters", lambda: iter(places))
    assert cuda_devices(network) == [torch.device("cuda:1"), torch.device("cuda:0")]


def test_layers_that_the_counter_does_not_see_are_named():
    counted = multiply_adds(zoo.recurrent(nn.LSTM), zoo.sequences())
    assert counted.uncounted == ("memory",)
    assert "without memory (not counted)" in str(counted)


def test_attention_is_counted_without_its_fast_path():
    layer, example = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval(), zoo.sequences()
    n, width = 5, 8
    by_hand = n * (3 * width * width + width * width + 2 * width * 16) + 2 * n * n * width
    with torch.no_grad():
        counted = multiply_adds(layer, example)
    assert (counted.forward, counted.uncounted) == (by_hand, ())
    assert torch.backends.mha.get_fastpath_enabled()


def test_counting_leaves_the_network_as_it_was():
    network = zoo.resnet()
    network.conv0.weight.requires_grad_(False)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    counted = multiply_adds(network, zoo.images())
    assert network.training
    assert not network.conv0.weight.requires_grad
    assert all(parameter.grad is None for parameter in network.parameters())
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert counted.training > counted.forward


# ------------------------------------------------------------------------------------------- latency


def comparison(null_ratio, dense=2.0, cut=1.0):
    return LatencyComparison(1, Latency(dense, dense, dense, 2), Latency(cut, cut, cut, 1), null_ratio)


def test_speed_up_is_told_only_where_a_network_is_as_fast_as_itself():
    assert comparison(1.04).speed_up == 2.0
    assert str(comparison(1.04)) == "batch 1: 2.00 × (2e+03 → 1e+03 ms; dense/dense = 1.04)"
    for ratio in (0.94, 1.06):
        assert comparison(ratio).speed_up is None
        words = f"batch 1: too noisy to say (dense/dense = {ratio}, quartiles 0% of the median apart)"
        assert str(comparison(ratio)) == words


def test_speed_up_is_not_told_where_times_scatter():
    steady, scattered = Latency(1.0, 0.9, 1.1, 5), Latency(1.0, 0.9, 1.2, 5)
    assert LatencyComparison(1, steady, steady, 1.0).speed_up == 1.0
    assert LatencyComparison(1, steady, scattered, 1.0).speed_up is None
    assert LatencyComparison(1, scattered, steady, 1.0).speed_up is None


def test_networks_are_called_in_turn_with_the_batch_size_and_modes_stay(monkeypatch):
    called, clock = [], iter(np.arange(10_000.0))
    dense, cut = nn.Linear(2, 2), nn.Linear(2, 2)
    dense.register_forward_hook(lambda layer, inputs, _: called.append(("dense", len(inputs[0]), layer.training)))
    cut.register_forward_hook(lambda layer, inputs, _: called.append(("cut", len(inputs[0]), layer.training)))
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    found = latency(dense, cut, torch.ones(3, 2), batch_size=5, n=4)
    assert called == [("dense", 5, False), ("cut", 5, False), ("dense", 5, False)] * 7
    assert (found.dense.n, found.cut.n, found.null_ratio, found.speed_up) == (8, 4, 1.0, 1.0)
    assert dense.training
    assert cut.training


def test_table_has_a_row_a_network_and_ratios_to_the_first():
    networks = {"dense": lenet5(), "half": lenet5(10, 25, 250)}
    table = cost_table(networks, torch.randn(2, 1, 28, 28), batch_sizes=(1, 4), n=3)
    assert table.index.tolist() == ["dense", "half"]
    assert table.multiply_adds.tolist() == [2_293_000, 646_500]
    assert table.fewer_multiply_adds.round(2).tolist() == [1.0, 3.55]
    assert table.parameters.tolist() == [431_080, 109_295]
    assert table.megabytes.tolist() == [1.724, 0.437]
    assert (table.milliseconds_4 > 0).all()


@pytest.mark.parametrize("examples", [(zoo.vectors(), torch.tensor(2.0)), {"x": zoo.vectors(), "scale": 2.0}])
def test_table_takes_several_examples_and_those_by_name(examples):
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.sizes = nn.Linear(6, 3), set()

        def forward(self, x, scale):
            self.sizes.add(len(x))
            return self.a(x) * scale

    network = Scaled()
    assert cost_table({"scaled": network}, examples, batch_sizes=(7,), n=2).multiply_adds.tolist() == [18]
    assert network.sizes == {7}
    with pytest.raises(TypeError, match=r"expected one tensor of examples, got .*: give a network around yours"):
        export.to_exported(network, examples)


def test_peak_of_a_step_holds_all_that_the_backward_pass_needs():
    """After each layer what the next one needs: pictures once, places of the largest pixels as int64."""
    kept = 4 * (20 * 24 * 24 + 20 * 12 * 12 + 50 * 8 * 8 + 50 * 4 * 4 + 500) + 8 * (20 * 12 * 12 + 50 * 4 * 4)
    network = lenet5().eval()
    weights = 4 * sum(parameter.numel() for parameter in network.parameters())
    peaks = [peak_bytes(network, torch.randn(n_images, 1, 28, 28)) for n_images in (64, 128)]
    assert weights + 128 * kept <= peaks[1] <= 2 * (weights + 128 * kept)
    assert 64 * kept <= peaks[1] - peaks[0] <= 2 * 64 * kept
    assert not network.training
    assert all(parameter.grad is None for parameter in network.parameters())
    table = cost_table({"dense": network}, torch.randn(64, 1, 28, 28), batch_sizes=(1,), n=3)
    assert table.peak_megabytes.tolist() == [round(peaks[0] / 1e6, 3)]


@pytest.mark.parametrize("name", ["resnet", "vit", "depthwise", "reused"])
def test_peak_is_told_for_networks_of_every_kind(name):
    make_network, examples = zoo.CUT_RIGHT[name]
    network = make_network()
    weights = sum(parameter.nbytes for parameter in network.parameters())
    assert weights < peak_bytes(network, examples()) < peak_bytes(network, torch.cat([examples()] * 9))


# -------------------------------------------------------------------------------------------- energy


def counters(folder, start, *, wraps=1000):
    (folder / "intel-rapl:0").mkdir(parents=True)
    (folder / "intel-rapl:0:0").mkdir()
    for name, value in {"name": "package-0\n", "max_energy_range_uj": f"{wraps}\n", "energy_uj": f"{start}\n"}.items():
        (folder / "intel-rapl:0" / name).write_text(value)
        (folder / "intel-rapl:0:0" / name).write_text(value)
    return folder / "intel-rapl:0" / "energy_uj"


def test_energy_is_not_measured_where_there_is_no_counter(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    done = []
    (energy,) = measured_energy(lambda: done.append(1), powercap=tmp_path)
    assert (energy.joules, str(energy), done) == (None, NOT_MEASURED, [1])


@pytest.mark.parametrize(("start", "end", "microjoules"), [(100, 600, 500), (900, 50, 151)])
def test_energy_of_the_processor_is_what_its_counter_has_gone_on_also_over_its_end(
    start, end, microjoules, tmp_path, monkeypatch
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    path = counters(tmp_path, start)
    (energy,) = measured_energy(lambda: path.write_text(str(end)), powercap=tmp_path)
    assert (energy.joules, energy.counter) == (pytest.approx(microjoules / 1e6), "RAPL package-0")


def test_counter_that_is_not_for_us_is_no_counter(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    counters(tmp_path, 0).unlink()
    assert str(measured_energy(lambda: None, powercap=tmp_path)[0]) == NOT_MEASURED


class Driver:
    """NVIDIA's library with two cards, of which the second has no counter."""

    millijoules = 0

    def nvmlInit_v2(self):  # noqa: N802
        return 0

    def nvmlDeviceGetCount_v2(self, count):  # noqa: N802
        count._obj.value = 2
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, i, handle):  # noqa: N802
        handle._obj.value = i + 1
        return 0

    def nvmlDeviceGetTotalEnergyConsumption(self, handle, energy):  # noqa: N802
        energy._obj.value = self.millijoules
        return handle.value - 1


def test_energy_of_a_graphics_card_is_what_its_counter_has_gone_on(tmp_path, monkeypatch):
    driver = Driver()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: driver)
    found = measured_energy(lambda: setattr(driver, "millijoules", 2500), powercap=tmp_path)
    assert [(energy.joules, energy.counter) for energy in found] == [(2.5, "NVML GPU 0")]


# -------------------------------------------------------------------------------------------- export


def digits(n=8):
    return load_dataset("digits").test.images[:n].view(-1, 1, 8, 8)


def small():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 6, 3), nn.ReLU(), nn.Flatten(),
        nn.Linear(96, 20), nn.ReLU(), nn.Linear(20, 10),
    )  # fmt: skip


def test_exported_program_of_a_cut_network_answers_alike_at_other_batch_sizes():
    network = cut_in_half(small(), digits())
    program = export.to_exported(network, digits())
    assert network.training
    network.eval()
    for size in export.BATCH_SIZES:
        torch.testing.assert_close(program.module()(digits(size)), network(digits(size)), rtol=0, atol=1e-5)


@pytest.mark.skipif(any(importlib.util.find_spec(name) is None for name in export.EXTRAS), reason="ONNX is an extra")
def test_onnx_of_a_cut_network_answers_alike_on_real_digits(tmp_path):
    network = cut_in_half(small(), digits())
    assert export.to_onnx(network, digits(), path=tmp_path / "small.onnx") <= 1e-5
    assert [path.name for path in tmp_path.iterdir()] == ["small.onnx"]
    monkey = export._compared
    export._compared = lambda *_: (1.0, 1.0)
    try:
        with pytest.raises(RuntimeError, match="onnxruntime and torch differ by 1: nothing was written"):
            export.to_onnx(network, digits(), path=tmp_path / "other.onnx")
    finally:
        export._compared = monkey
    assert not (tmp_path / "other.onnx").exists()


def test_without_the_packages_for_onnx_it_is_said_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    monkeypatch.setattr(export, "EXTRAS", ("onnxscript",))
    with pytest.raises(ModuleNotFoundError, match=r"ONNX needs onnxscript, .*: pip install onnxscript"):
        export.to_onnx(small(), digits(), path=tmp_path / "small.onnx")
    assert list(tmp_path.iterdir()) == []


def test_single_example_is_refused():
    with pytest.raises(ValueError, match="give at least two"):
        export.to_exported(small(), digits(1))


def test_extras_are_those_that_pyproject_offers():
    project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert tuple(project["project"]["optional-dependencies"]["export"]) == export.EXTRAS
