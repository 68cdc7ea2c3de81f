"""Images of one's own: an .npz file with `images` and `labels`, and if there are some `test_images` and `test_labels`.

Images are (n_images, …) numbers of any type, flat or not; labels are whole numbers from 0, none of them missing in
training. Without test images one in five images of every class is drawn by a seed.
"""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

SUFFIX = ".npz"
Given = ArrayLike | Tensor
_NAMES, _TEST_NAMES = ("images", "labels"), ("test_images", "test_labels")


def read_npz(path: Path) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray] | None]:
    """Images, labels, and (test images, test labels) or None.

    Raises
    ------
    FileNotFoundError if there is no such file; ValueError naming it if it is no .npz file or lacks an array.
    """
    if not path.is_file():
        raise FileNotFoundError(f"dataset: there is no file {path}")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            found = {name: archive[name] for name in _NAMES + _TEST_NAMES if name in archive.files}
            others = ", ".join(archive.files) or "nothing"
    except (ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise ValueError(f"{path} cannot be read as an .npz file of numbers: {error}") from None
    has_test = not found.keys().isdisjoint(_TEST_NAMES)
    wanted = " and ".join(_NAMES + _TEST_NAMES * has_test)
    if missing := [name for name in _NAMES + _TEST_NAMES * has_test if name not in found]:
        raise ValueError(f"{path} has no {' and no '.join(missing)}, but {others}: expected {wanted}")
    test = (found["test_images"], found["test_labels"]) if has_test else None
    return found["images"], found["labels"], test


Arrays = tuple[np.ndarray, np.ndarray]  # pixels (n_images, n_inputs) float64, labels (n_images,) int64


def arrays_of(
    images: Given, labels: Given, test: tuple[Given, Given] | None, seed: int
) -> tuple[Arrays, Arrays, tuple[int, ...]]:
    """Training and test arrays, checked and flat, and the shape of an image.

    Raises
    ------
    ValueError saying what is wrong with which array.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed = {seed!r}: expected a whole number from 0")
    if test is not None and len(test) != 2:
        raise ValueError(f"test has {len(test)} parts: expected (images, labels)")
    pixels, shape = _pixels("images", images)
    train = pixels, _labels("labels", labels, len(pixels))
    classes = np.unique(train[1])
    if len(classes) < 2:
        raise ValueError("labels are all the same: expected at least 2 classes")
    if missing := sorted(set(range(int(classes[-1]) + 1)) - set(classes.tolist())):
        rest = f"but {missing[0]} is missing in training: number the classes 0, 1, …"
        raise ValueError(f"labels go to {classes[-1]}, {rest}")
    if test is None:
        train, held_out = _split(*train, classes, np.random.default_rng(seed))
    else:
        test_pixels, test_shape = _pixels("test_images", test[0])
        if test_shape != shape:
            raise ValueError(f"test_images have the shape {test_shape}, images {shape}: expected the same")
        held_out = test_pixels, _labels("test_labels", test[1], len(test_pixels))
        if held_out[1].max() > classes[-1]:
            raise ValueError(f"test_labels go to {held_out[1].max()}, labels only to {classes[-1]}")
    if not train[0].std() > 0:  # 0 too where the differences are too small for it
        raise ValueError("images: every pixel has the same value, so there is nothing to learn")
    return train, held_out, shape


def _pixels(name: str, given: Given) -> tuple[np.ndarray, tuple[int, ...]]:
    images = _array(name, given)
    if images.dtype.kind not in "buif" or images.ndim < 2 or images.size == 0:
        raise ValueError(f"{name} of type {images.dtype} and shape {images.shape}: expected numbers, (n_images, …)")
    pixels = images.reshape(len(images), -1).astype(float)
    if not (np.abs(pixels) <= np.finfo(np.float32).max).all():  # nor is NaN
        raise ValueError(f"{name}: a pixel is NaN, infinite or beyond 32 bits: expected finite numbers")
    return pixels, images.shape[1:]


def _labels(name: str, given: Given, n_images: int) -> np.ndarray:
    labels = _array(name, given)
    if labels.shape != (n_images,):
        raise ValueError(f"{name} have the shape {labels.shape} for {n_images} images: expected ({n_images},)")
    is_whole = labels.dtype.kind in "buif" and np.isfinite(labels).all() and (labels == np.floor(labels)).all()
    if not is_whole or labels.min() < 0 or labels.max() > 100_000:
        first = next((value for value in labels.tolist() if value not in range(100_001)), None)
        raise ValueError(f"{name} of type {labels.dtype} hold {first!r}: expected whole numbers from 0 to 100,000")
    return labels.astype(np.int64)


def _array(name: str, given: Given) -> np.ndarray:
    values: Any = given.detach().cpu() if isinstance(given, Tensor) else given
    if np.ma.is_masked(values):
        raise ValueError(f"{name}: some are masked: leave those images out")
    try:
        return np.asarray(values)
    except (TypeError, ValueError) as error:  # lists of several lengths; tensors of a kind that NumPy has not
        raise ValueError(f"{name} cannot be read as an array: {error}") from None


def _split(
    pixels: np.ndarray, labels: np.ndarray, classes: np.ndarray, rng: np.random.Generator
) -> tuple[Arrays, Arrays]:
    """One in five images of every class for testing; the order of the others stays."""
    is_test = np.zeros(len(labels), dtype=bool)
    for label in classes:
        places = np.flatnonzero(labels == label)
        is_test[rng.permutation(places)[: len(places) // 5]] = True
    if not is_test.any():
        raise ValueError("no class has 5 images, one of which could be a test image: give test_images and test_labels")
    return (pixels[~is_test], labels[~is_test]), (pixels[is_test], labels[is_test])
