import numpy as np
import pytest

from dtc_helpers.proposition.image_processes import QUALITIES, SIDE, jpeg, jpeg_process, jpeg_processes, photographs


@pytest.fixture(scope="module")
def pictures():
    return photographs()


def test_pictures_are_20_different_grey_ones(pictures):
    assert len({pixels.tobytes() for pixels in pictures.values()}) == len(pictures) == 20
    assert {pixels.shape for pixels in pictures.values()} == {(SIDE, SIDE)}
    assert {pixels.dtype for pixels in pictures.values()} == {np.dtype("uint8")}
    assert min(pixels.std() for pixels in pictures.values()) > 3


def test_high_quality_keeps_the_picture_and_low_quality_the_space(pictures):
    pixels = pictures["camera"]
    (good, large), (bad, small) = jpeg(pixels, 95), jpeg(pixels, 1)
    assert np.abs(good.astype(int) - pixels).mean() < 3 < np.abs(bad.astype(int) - pixels).mean()
    assert small < large / 5


def test_process_loses_similarity_size_and_measurements(pictures):
    process = jpeg_process(pictures["astronaut"], rng=np.random.default_rng(0))
    assert len(process) == len(QUALITIES) == 20
    removed, fitness = ([getattr(step, name) for step in process] for name in ("removed_fraction", "fitness"))
    assert removed == sorted(removed)
    assert fitness[0] > 0.97 > 0.6 > fitness[-1]
    assert [step.measurement.size for step in process] == [max(1, int(163.84 * (1 - r) + 1e-9)) for r in removed]
    assert all(len(step.signal) == len(step.unrelated_signal) == SIDE**2 for step in process)


def test_signal_is_the_picture_and_the_unrelated_one_is_noise(pictures):
    first = jpeg_process(pictures["coins"], rng=np.random.default_rng(0))[0]
    assert np.corrcoef(first.signal, pictures["coins"].ravel())[0, 1] > 0.99
    assert abs(np.corrcoef(first.unrelated_signal, first.signal)[0, 1]) < 0.05
    assert np.abs(first.signal).max() <= 1


def test_every_picture_has_random_numbers_of_its_own():
    ramp = np.tile(np.arange(128, dtype=np.uint8), (128, 1))
    same = {"one": ramp, "other": ramp}
    one, other = jpeg_processes(same, seed=1)
    assert not np.array_equal(one[0].measurement, other[0].measurement)
    again = next(iter(jpeg_processes(same, seed=1)))
    np.testing.assert_array_equal(one[0].measurement, again[0].measurement)
