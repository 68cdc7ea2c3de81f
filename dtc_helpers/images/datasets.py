"""Images and labels as tensors, read once: MNIST and its siblings, and embedded sets that need no network."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from dtc_helpers.images.idx_files import MNIST_SHA256, read_idx_files
from dtc_helpers.images.idx_folders import find_or_download
from dtc_helpers.images.own_data import SUFFIX, Arrays, arrays_of, read_npz
from dtc_helpers.paths import in_project


@dataclass(frozen=True)
class Split:
    """Images of one purpose, and as many labels; ValueError for others.

    Examples
    --------
    >>> import torch
    >>> from dtc_helpers import Split
    >>> split = Split(images=torch.zeros(5, 4), labels=torch.tensor([0, 1, 0, 1, 1]))
    >>> len(split), split[3:].labels.tolist()
    (5, [1, 1])
    """

    images: Tensor  # (n_images, n_inputs) float32, normalised
    labels: Tensor  # (n_images,) int64

    def __post_init__(self) -> None:
        if self.labels.ndim != 1 or self.images.shape[:1] != self.labels.shape:
            raise ValueError(
                f"images {tuple(self.images.shape)} and labels {tuple(self.labels.shape)} of a split do not fit: "
                "expected (n_images, n_inputs) and (n_images,); one image is split[i : i + 1]"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: slice) -> "Split":
        return Split(self.images[index], self.labels[index])

    def to(self, device: torch.device | str) -> "Split":
        """Same images on another device."""
        return Split(self.images.to(device), self.labels.to(device))


@dataclass(frozen=True)
class Dataset:
    """Training and test images; the last `n_validation` training images are for whatever has to be chosen.

    Raises ValueError where so many are not there.

    Examples
    --------
    >>> import torch
    >>> from dtc_helpers import Dataset, Split
    >>> train = Split(images=torch.zeros(5, 4), labels=torch.tensor([0, 1, 0, 1, 1]))
    >>> test = Split(images=torch.zeros(2, 4), labels=torch.tensor([0, 1]))
    >>> data = Dataset("own", "images of my own", train, test, n_validation=2, image_shape=(2, 2))
    >>> data.n_inputs, data.n_classes, len(data.fitting), len(data.validation)
    (4, 2, 3, 2)
    """

    name: str
    title: str  # as captions show it
    train: Split
    test: Split
    n_validation: int
    image_shape: tuple[int, ...]

    def __post_init__(self) -> None:
        if not 0 <= self.n_validation <= len(self.train):
            raise ValueError(f"n_validation = {self.n_validation}: expected 0 … {len(self.train)}, the training images")

    @classmethod
    def from_arrays(
        cls,
        images: ArrayLike | Tensor,
        labels: ArrayLike | Tensor,
        *,
        test: tuple[ArrayLike | Tensor, ArrayLike | Tensor] | None = None,
        name: str = "own",
        seed: int = 0,
    ) -> "Dataset":
        """Dataset of images of one's own; see `images.own_data` for the rules.

        Parameters
        ----------
        images : (n_images, …) numbers of any type, flat or not; normalised here.
        labels : (n_images,) whole numbers from 0.
        test : images and labels; without them one in five images of every class is drawn by the seed.
        seed : of that split.

        Raises
        ------
        ValueError saying what is wrong with which array.

        Examples
        --------
        >>> import numpy as np
        >>> data = Dataset.from_arrays(np.random.rand(50, 4, 4), np.arange(50) % 2)
        >>> data.n_inputs, data.n_classes, len(data.train), len(data.test)
        (16, 2, 40, 10)
        """
        if name in DATASETS:
            raise ValueError(f"name = {name!r} is that of another dataset: choose another one")
        train, held_out, shape = arrays_of(images, labels, test, seed)
        return _standardised(name, train, held_out, image_shape=shape)

    @property
    def n_inputs(self) -> int:
        """Pixels of an image."""
        return self.train.images.shape[1]

    @property
    def n_classes(self) -> int:
        """Different labels."""
        return int(self.train.labels.max()) + 1

    @property
    def fitting(self) -> Split:
        """Training images without the validation part: train on these when something is chosen."""
        return self.train[: len(self.train) - self.n_validation]

    @property
    def validation(self) -> Split:
        """Held-out last part of the training images."""
        return self.train[len(self.train) - self.n_validation :]

    def for_choosing(self) -> "Dataset":
        """Trained on `fitting` and tested on `validation`: for whatever is chosen before the test images are seen."""
        return replace(self, train=self.fitting, test=self.validation, n_validation=0)

    def to(self, device: torch.device | str) -> "Dataset":
        """Same dataset on another device."""
        return replace(self, train=self.train.to(device), test=self.test.to(device))


def load_dataset(name: str | Path) -> Dataset:
    """Dataset by name, as normalised tensors on the CPU.

    Parameters
    ----------
    name : one of `DATASETS`, or the path of an .npz file of one's own, see `images.own_data`. "mnist", "fashion_mnist"
        and "kmnist" are searched in the folder named by the environment variable DTC_DATA_DIR, then in `./data` of the
        project (see `images.idx_folders.find_folder`), then downloaded there by torchvision (given up when nothing
        arrives for 15 seconds); "digits" and "mnist1d" need no network.

    Raises
    ------
    ValueError for an unknown name, and for a file that is missing beside others, truncated or damaged; TypeError for
    what is no name; DatasetNotFoundError if the images are nowhere to be had, FileNotFoundError for an .npz file.

    Examples
    --------
    >>> from dtc_helpers import load_dataset
    >>> digits = load_dataset("digits")
    >>> len(digits.train), len(digits.test), digits.n_inputs, digits.n_classes
    (1437, 360, 64, 10)
    """
    if not isinstance(name, str | Path):
        expected = "expected a name or the path of an .npz file; see Dataset.from_arrays"
        raise TypeError(f"dataset is of type {type(name).__name__}: {expected}")
    if (text := str(name)).endswith(SUFFIX):
        return _load_own(in_project(name))
    if text not in DATASETS:
        raise ValueError(f"dataset = {text!r} is not one of {', '.join(DATASETS)}")
    return DATASETS[text]()


# ---------------------------------------------------------------------------------- torchvision's sets


TITLES = {  # as captions show them
    "mnist": "MNIST",
    "fashion_mnist": "Fashion-MNIST",
    "kmnist": "Kuzushiji-MNIST",
    "digits": "digits (8×8, scikit-learn)",
    "mnist1d": "MNIST-1D",
}


@dataclass(frozen=True)
class IdxFamily:
    """One of MNIST and its siblings; their files have the same names and sizes."""

    torchvision_class: str
    mean: float  # of the training pixels scaled to [0, 1]
    standard_deviation: float
    sha256: dict[str, str]


IDX_FAMILIES = {
    "mnist": IdxFamily("MNIST", 0.1307, 0.3081, MNIST_SHA256),
    "fashion_mnist": IdxFamily("FashionMNIST", 0.2860, 0.3530, {}),
    "kmnist": IdxFamily("KMNIST", 0.1918, 0.3483, {}),
}


def _load_idx(name: str) -> Dataset:
    family = IDX_FAMILIES[name]
    arrays = read_idx_files(find_or_download(family.torchvision_class), family.sha256)
    splits = []
    for prefix in ("train", "t10k"):
        pixels, labels = (torch.tensor(arrays[f"{prefix}-{kind}-ubyte"]) for kind in ("images-idx3", "labels-idx1"))
        images = pixels.flatten(1).float().div_(255).sub_(family.mean).div_(family.standard_deviation)
        splits.append(Split(images, labels.long()))
    return Dataset(name, TITLES[name], *splits, n_validation=len(splits[0]) // 6, image_shape=(28, 28))


# ---------------------------------------------------------------------------------- a file of one's own


def _load_own(path: Path) -> Dataset:
    images, labels, test = read_npz(path)
    if path.stem in DATASETS:
        raise ValueError(f"{path} has the name of another dataset: rename the file")
    try:
        return Dataset.from_arrays(images, labels, test=test, name=path.stem)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


# ------------------------------------------------------------------------------------- embedded sets


def _load_digits() -> Dataset:
    """1,797 handwritten digits of 8×8 pixels that scikit-learn ships; one in five is a test image."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    bunch: Any = load_digits()
    train, test = train_test_split(np.arange(len(bunch.target)), test_size=360, random_state=0, stratify=bunch.target)
    parts = [(bunch.data[rows], bunch.target[rows]) for rows in (train, test)]
    return _standardised("digits", *parts, image_shape=(8, 8))


def _load_mnist1d() -> Dataset:
    """4,000 + 1,000 synthetic signals of 40 points (Greydanus & Kobak, 2020), generated by their package."""
    from mnist1d.data import get_dataset_args, make_dataset

    state = np.random.get_state()  # the package seeds numpy's global generator
    try:
        data = make_dataset(get_dataset_args())
    finally:
        np.random.set_state(state)
    parts = (data["x"], data["y"]), (data["x_test"], data["y_test"])
    return _standardised("mnist1d", *parts, image_shape=(40,))


def _standardised(name: str, train: Arrays, test: Arrays, *, image_shape: tuple[int, ...]) -> Dataset:
    """Shift and scale all pixels alike, by the mean and deviation of the training pixels."""
    mean, deviation = train[0].mean(), train[0].std()
    splits = [
        Split(torch.tensor((pixels - mean) / deviation, dtype=torch.float32), torch.tensor(labels, dtype=torch.int64))
        for pixels, labels in (train, test)
    ]
    return Dataset(name, TITLES.get(name, name), *splits, n_validation=len(train[1]) // 6, image_shape=image_shape)


DATASETS: dict[str, Callable[[], Dataset]] = {
    **{name: cache(partial(_load_idx, name)) for name in IDX_FAMILIES},
    "digits": cache(_load_digits),
    "mnist1d": cache(_load_mnist1d),
}
