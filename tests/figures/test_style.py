import pytest

from dtc_helpers.figures.style import canvas, spelled


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("DTC · mnist, n = 10", "DTC · MNIST, n = 10"),
        ("mnist1d", "MNIST-1D"),
        ("fashion_mnist and kmnist", "Fashion-MNIST and Kuzushiji-MNIST"),
        ("my_mnist_set on digits", "my_mnist_set on digits"),
    ],
)
def test_datasets_are_spelled_as_people_do(words, shown):
    assert spelled(words) == shown
    assert canvas(words)[0].figure.get_supxlabel() == shown
