import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from dtc_helpers.images import datasets, idx_files
from dtc_helpers.images.datasets import DATASETS, load_dataset

SHAPES = {"digits": (1437, 360, 64, 10), "mnist1d": (4000, 1000, 40, 10)}  # training, test, inputs, classes
embedded = pytest.mark.parametrize("name", SHAPES)


@embedded
def test_embedded_set_has_its_published_shape_and_types(name):
    data = load_dataset(name)
    assert (len(data.train), len(data.test), data.n_inputs, data.n_classes) == SHAPES[name]
    assert np.prod(data.image_shape) == data.n_inputs
    for split in (data.train, data.test):
        assert split.images.dtype == torch.float32
        assert split.labels.dtype == torch.int64
        assert split.images.isfinite().all()
        assert split.labels.unique().tolist() == list(range(data.n_classes))


@embedded
def test_training_pixels_have_mean_0_and_deviation_1(name):
    pixels = load_dataset(name).train.images.double()
    assert pixels.mean().item() == pytest.approx(0, abs=1e-4)
    assert pixels.std().item() == pytest.approx(1, abs=1e-3)


@embedded
def test_fitting_and_validation_share_out_the_training_images(name):
    data = load_dataset(name)
    assert len(data.validation) == data.n_validation == len(data.train) // 6
    assert torch.equal(torch.cat([data.fitting.images, data.validation.images]), data.train.images)
    assert torch.equal(torch.cat([data.fitting.labels, data.validation.labels]), data.train.labels)


def test_choosing_sees_no_test_image(tiny_dataset):
    chosen = tiny_dataset.for_choosing()
    assert torch.equal(chosen.train.images, tiny_dataset.train.images[:500])
    assert torch.equal(chosen.test.images, tiny_dataset.train.images[500:])
    assert torch.equal(chosen.test.labels, tiny_dataset.train.labels[500:])
    assert chosen.n_validation == 0


@embedded
def test_dataset_is_read_once(name):
    assert load_dataset(name) is load_dataset(name)


def test_no_digit_is_in_both_splits():
    data = load_dataset("digits")
    train, test = ({image.numpy().tobytes() for image in split.images} for split in (data.train, data.test))
    assert not train & test


def test_digits_are_stratified():
    counts = torch.bincount(load_dataset("digits").test.labels)
    assert counts.min() >= 34
    assert counts.max() <= 38


def global_state():
    state = np.random.get_state(legacy=False)
    return state["state"]["key"].tolist(), state["state"]["pos"]


@embedded
def test_loading_leaves_the_global_generators_alone(name):
    np.random.seed(3)
    torch.manual_seed(3)
    before, torch_before = global_state(), torch.get_rng_state()
    DATASETS[name].__wrapped__()  # pyright: ignore[reportFunctionMemberAccess]
    assert global_state() == before
    assert torch.equal(torch.get_rng_state(), torch_before)


def test_moving_keeps_everything_else(tiny_dataset):
    moved = tiny_dataset.to("meta")
    assert moved.train.images.device.type == moved.test.labels.device.type == "meta"
    kept = ("name", "title", "n_validation", "image_shape")
    assert [getattr(moved, field) for field in kept] == [getattr(tiny_dataset, field) for field in kept]


@pytest.mark.parametrize("name", ["MNIST", "cifar10", ""])
def test_unknown_dataset_is_refused_with_the_list_of_those_that_exist(name):
    expected = f"dataset = {name!r} is not one of mnist, fashion_mnist, kmnist, digits, mnist1d"
    with pytest.raises(ValueError, match=re.escape(expected)):
        load_dataset(name)


def test_mnist_is_scaled_and_normalised_as_published(mnist):
    assert (len(mnist.train), len(mnist.test), mnist.n_inputs, mnist.n_classes) == (60_000, 10_000, 784, 10)
    assert mnist.n_validation == 10_000
    assert mnist.train.images.min().item() == pytest.approx(-0.1307 / 0.3081, abs=1e-6)
    assert mnist.train.images.max().item() == pytest.approx((1 - 0.1307) / 0.3081, abs=1e-6)
    assert mnist.train.images.double().mean().item() == pytest.approx(0, abs=1e-3)
    assert mnist.train.images.double().std().item() == pytest.approx(1, abs=1e-3)
    assert mnist.train.labels[:5].tolist() == [5, 0, 4, 1, 9]  # the first labels of the canonical files
    assert mnist.test.labels[:5].tolist() == [7, 2, 1, 0, 4]


@pytest.fixture
def small_sets(monkeypatch, tmp_path):
    """Six training and four test images of every family, each with one white pixel, where DTC_DATA_DIR says."""
    shapes = {}
    for family in datasets.IDX_FAMILIES.values():
        raw = tmp_path / family.torchvision_class / "raw"
        raw.mkdir(parents=True)
        for prefix, n_images in (("train", 6), ("t10k", 4)):
            pixels = np.zeros((n_images, 28, 28), dtype=np.uint8)
            pixels[:, 0, 3] = 255
            parts = {"images-idx3-ubyte": pixels, "labels-idx1-ubyte": np.arange(n_images, dtype=np.uint8)}
            for kind, array in parts.items():
                header = np.array([0x0800 + array.ndim, *array.shape], dtype=">i4").tobytes()
                (raw / f"{prefix}-{kind}").write_bytes(header + array.tobytes())
                shapes[f"{prefix}-{kind}"] = array.shape
    monkeypatch.setattr(idx_files, "IDX_SHAPES", shapes)
    monkeypatch.setenv("DTC_DATA_DIR", str(tmp_path))


@pytest.mark.parametrize(
    ("name", "title", "mean", "deviation"),  # of the training pixels, as their authors give them
    [
        ("mnist", "MNIST", 0.1307, 0.3081),
        ("fashion_mnist", "Fashion-MNIST", 0.2860, 0.3530),
        ("kmnist", "Kuzushiji-MNIST", 0.1918, 0.3483),
    ],
)
def test_sets_of_the_mnist_family_are_read_from_idx_files_and_normalised(
    monkeypatch, small_sets, name, title, mean, deviation
):
    monkeypatch.setitem(datasets.IDX_FAMILIES, name, replace(datasets.IDX_FAMILIES[name], sha256={}))
    data = datasets._load_idx(name)
    assert (data.name, data.title, data.n_validation, data.image_shape) == (
        name,
        title,
        1,
        (28, 28),
    )  # a sixth of 6: 10,000 of 60,000
    assert (len(data.train), len(data.test), data.n_inputs) == (6, 4, 784)
    assert data.test.labels.tolist() == [0, 1, 2, 3]
    expected = torch.full((6, 784), -mean / deviation)
    expected[:, 3] = (1 - mean) / deviation
    torch.testing.assert_close(data.train.images, expected)


def test_files_that_are_not_those_of_mnist_are_not_taken_for_it(small_sets):
    with pytest.raises(ValueError, match="train-images-idx3-ubyte is damaged or of another set"):
        datasets._load_idx("mnist")
