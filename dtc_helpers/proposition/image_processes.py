"""JPEG as a compression process: quality steps on photographs that scikit-image and scikit-learn ship."""

import io
from collections.abc import Iterator, Mapping

import numpy as np
from PIL import Image

from dtc_helpers.proposition.network_processes import measured_step
from dtc_helpers.proposition.relation import Step

QUALITIES = (*range(95, 0, -5), 1)
SIDE = 128  # pixels
MEASUREMENT_FRACTION = 0.01  # of 16,384 pixels: lengths like those of the networks
_SCIKIT_IMAGE = (  # only what stands in the package; the others would be downloaded
    "astronaut", "brick", "camera", "cell", "chelsea", "clock", "coffee", "coins", "grass", "gravel",
    "hubble_deep_field", "immunohistochemistry", "moon", "page", "retina", "rocket", "text", "stereo_motorcycle",
)  # fmt: skip


def photographs() -> dict[str, np.ndarray]:
    """Middle 128×128 pixels of 20 pictures in grey, name → (128, 128) uint8."""
    import skimage.data
    from sklearn.datasets import load_sample_images

    pictures = {name: getattr(skimage.data, name)() for name in _SCIKIT_IMAGE}
    bunch = load_sample_images()
    pictures |= {name.rsplit("/", 1)[-1]: image for name, image in zip(bunch.filenames, bunch.images, strict=True)}
    return {name: _middle(p[0] if isinstance(p, tuple) else p) for name, p in pictures.items()}  # stereo: the left one


def _middle(pixels: np.ndarray) -> np.ndarray:
    top, left = ((length - SIDE) // 2 for length in pixels.shape[:2])
    return np.asarray(Image.fromarray(pixels).convert("L"))[top : top + SIDE, left : left + SIDE]


def jpeg(pixels: np.ndarray, quality: int) -> tuple[np.ndarray, int]:
    """Grey picture after JPEG, and the size of the file in bytes, of which some 330 are its header."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="JPEG", quality=quality)
    return np.asarray(Image.open(file)), file.getbuffer().nbytes


def jpeg_process(pixels: np.ndarray, *, rng: np.random.Generator) -> list[Step]:
    """JPEG at falling quality, 95 … 5, 1.

    w are the pixels less mid-grey, / 128; m = int(0.01 · file size / raw size · pixels); fitness is the structural
    similarity to the original (SSIM, scikit-image). The unrelated signal is a picture of uniform noise, compressed
    alike. Pixels are (height, width) uint8.
    """
    from skimage.metrics import structural_similarity

    noise = rng.integers(0, 256, size=pixels.shape, dtype=np.uint8)
    process = []
    for quality in QUALITIES:
        (shown, n_bytes), (shown_noise, _) = (jpeg(picture, quality) for picture in (pixels, noise))
        process.append(
            measured_step(
                _signal(shown),
                _signal(shown_noise),
                removed_fraction=max(0.0, 1 - n_bytes / pixels.size),
                fitness=float(structural_similarity(pixels, shown, data_range=255)),  # pyright: ignore[reportArgumentType]
                measurement_fraction=MEASUREMENT_FRACTION,
                rng=rng,
            )
        )
    return process


def _signal(pixels: np.ndarray) -> np.ndarray:
    return (pixels.ravel() - 128.0) / 128


def jpeg_processes(pictures: Mapping[str, np.ndarray], *, seed: int) -> Iterator[list[Step]]:
    """One process a picture, each with a generator of its own."""
    root = np.random.SeedSequence(seed)
    for pixels, child in zip(pictures.values(), root.spawn(len(pictures)), strict=True):
        yield jpeg_process(pixels, rng=np.random.default_rng(child))
