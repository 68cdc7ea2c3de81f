import re

import numpy as np
import pytest
import torch
from notebook_cells import run_cells

from dtc_helpers import Dataset, load_dataset
from dtc_helpers.figures import style
from dtc_helpers.paths import project_root
from dtc_helpers.runs.results import read_results
from dtc_helpers.sweeps.folder import SweepFolder
from dtc_helpers.sweeps.grid import read_grid
from dtc_helpers.sweeps.grid_reader import GridError
from dtc_helpers.sweeps.sweep import _point, dataset_fingerprint, planned

NOTEBOOKS = project_root() / "notebooks"


def arrays(n_images=60, *, kind=np.uint8, shape=(2, 3)):
    rng = np.random.default_rng(0)
    labels = np.arange(n_images) % 3
    return (rng.integers(0, 2, (n_images, *shape)) + labels.reshape(-1, *([1] * len(shape)))).astype(kind), labels


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int64, np.float16, np.float64])
@pytest.mark.parametrize("shape", [(6,), (2, 3), (1, 2, 3)])
def test_images_of_any_shape_and_type_are_flat_and_normalised_by_the_training_pixels(kind, shape):
    images, labels = arrays(kind=kind, shape=shape)
    data = Dataset.from_arrays(images, labels, test=(images[:9], labels[:9]))
    assert (len(data.train), len(data.test), data.n_inputs, data.n_classes) == (60, 9, 6, 3)
    assert data.image_shape == shape
    assert (data.train.images.dtype, data.train.labels.dtype) == (torch.float32, torch.int64)
    assert float(data.train.images.mean()) == pytest.approx(0, abs=1e-6)
    assert float(data.train.images.std(correction=0)) == pytest.approx(1, abs=1e-5)
    pixels = images.reshape(60, -1).astype(float)
    expected = (pixels[:9] - pixels.mean()) / pixels.std()
    np.testing.assert_allclose(data.test.images.numpy(), expected, atol=1e-5)


def test_tensors_and_lists_are_taken_alike():
    images, labels = arrays()
    for given in ((torch.tensor(images), torch.tensor(labels).float()), (images.tolist(), labels.tolist())):
        assert torch.equal(Dataset.from_arrays(*given).train.images, Dataset.from_arrays(images, labels).train.images)


def test_one_in_five_images_of_every_class_is_drawn_by_the_seed():
    images, labels = np.arange(60).reshape(60, 1), arrays()[1]
    drawn = [Dataset.from_arrays(images, labels, seed=seed) for seed in (1, 1, 2)]
    for data in drawn:
        assert torch.bincount(data.test.labels).tolist() == [4, 4, 4]
        assert torch.bincount(data.train.labels).tolist() == [16, 16, 16]
        both = torch.cat([data.train.images, data.test.images]).flatten().unique()
        assert len(both) == 60
    assert torch.equal(drawn[0].test.images, drawn[1].test.images)
    assert not torch.equal(drawn[0].test.images.sort(0).values, drawn[2].test.images.sort(0).values)


IMAGES, LABELS = arrays()


@pytest.mark.parametrize(
    ("images", "labels", "test", "message"),
    [
        (IMAGES, LABELS + 1, None, "labels go to 3, but 0 is missing in training"),
        (IMAGES, LABELS - 1, None, "labels of type int64 hold -1: expected whole numbers from 0"),
        (IMAGES, LABELS + 0.5, None, "labels of type float64 hold 0.5: expected whole numbers from 0"),
        (IMAGES, LABELS.astype(str), None, "expected whole numbers from 0"),
        (IMAGES, LABELS[1:], None, "labels have the shape (59,) for 60 images: expected (60,)"),
        (IMAGES, 0 * LABELS, None, "labels are all the same"),
        (IMAGES.astype(complex), LABELS, None, "images of type complex128 and shape (60, 2, 3): expected numbers"),
        (LABELS, LABELS, None, "images of type int64 and shape (60,): expected numbers, (n_images, …)"),
        (IMAGES * np.nan, LABELS, None, "images: a pixel is NaN, infinite"),
        (IMAGES * 1e300, LABELS, None, "images: a pixel is NaN, infinite"),
        (np.ones((60, 4)), LABELS, None, "every pixel has the same value"),
        (IMAGES, LABELS, (IMAGES[:, 0], LABELS), "test_images have the shape (3,), images (2, 3): expected the same"),
        (IMAGES, LABELS, (IMAGES, LABELS + 1), "test_labels go to 3, labels only to 2"),
        (IMAGES, LABELS, (IMAGES[:0], LABELS[:0]), "test_images of type uint8 and shape (0, 2, 3)"),
        (IMAGES[:3], LABELS[:3], None, "no class has 5 images"),
    ],
)
def test_what_is_wrong_is_said_of_the_array_that_is_wrong(images, labels, test, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Dataset.from_arrays(images, labels, test=test)


@pytest.fixture
def own(tmp_path):
    np.savez(tmp_path / "mine.npz", images=IMAGES, labels=LABELS)
    return tmp_path / "mine.npz"


def test_file_is_named_in_every_error(tmp_path):
    path = tmp_path / "mine.npz"
    with pytest.raises(FileNotFoundError, match=r"there is no file .*mine.npz"):
        load_dataset(str(path))
    path.write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"mine.npz cannot be read as an .npz file of numbers"):
        load_dataset(str(path))
    for there, message in (
        ({"x": IMAGES}, "has no images and no labels, but x: expected images and labels"),
        ({"images": IMAGES, "labels": LABELS, "test_images": IMAGES}, "has no test_labels, but"),
        ({"images": IMAGES, "labels": LABELS + 1}, r"labels go to 3"),
        ({"images": np.array([{}]), "labels": LABELS}, "cannot be read as an .npz file of numbers"),
    ):
        np.savez(path, allow_pickle=True, **there)
        with pytest.raises(ValueError, match=rf"mine.npz:? {message}"):
            load_dataset(str(path))
    np.savez(tmp_path / "mnist.npz", images=IMAGES, labels=LABELS)
    with pytest.raises(ValueError, match=r"mnist.npz has the name of another dataset: rename the file"):
        load_dataset(str(tmp_path / "mnist.npz"))


def test_both_notebooks_run_on_a_file(own, tmp_path, monkeypatch):
    saved = set()
    monkeypatch.setattr(style, "save_figure", lambda _, name, folder: saved.add(folder / name))
    places = {"dataset": str(own), "results_dir": str(tmp_path / "r"), "methods": ["random"]}
    run_cells(NOTEBOOKS / "1_dtc_prune_train.ipynb", hidden_neurons=8, stop_at=5, batches_per_cycle=1, **places)
    run_cells(NOTEBOOKS / "2_gibbs_entropy.ipynb", null_draws=10, **places)
    assert set(read_results(tmp_path / "r").cycles.dataset) == {"mine"}
    assert {path.parent for path in saved} == {tmp_path / "r" / "figures" / "mine"}


def test_grid_of_a_sweep_takes_a_file_and_knows_it_by_its_content(own, tmp_path):
    text = f"notebook: {NOTEBOOKS / '1_dtc_prune_train.ipynb'}\nfixed:\n  dataset: "
    (tmp_path / "grid.yaml").write_text(f"{text}{own}")
    grid = read_grid(tmp_path / "grid.yaml")
    (outcome,) = planned(grid, SweepFolder(tmp_path / "runs"))
    assert _point(grid, outcome, None).job["parameters"]["dataset"] == str(own)
    before = dataset_fingerprint(str(own))
    np.savez(own, images=IMAGES + 1, labels=LABELS)
    assert dataset_fingerprint(str(own)) != before
    (tmp_path / "grid.yaml").write_text(f"{text}{own}.npz")
    with pytest.raises(GridError, match=r"line 3: dataset = .*mine.npz.npz: there is no such file"):
        read_grid(tmp_path / "grid.yaml")
