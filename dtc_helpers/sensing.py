"""The made-up measurement of inverse compressed sensing: Φ (Gaussian), Ψ (cosine basis), Θ = ΦΨ, y = Φw."""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.fft
import torch
from torch import Tensor

DCT_TYPES = (1, 2, 3, 4)
RandomSource = np.random.Generator | np.random.RandomState  # the second draws what was published, bit for bit


def gaussian_matrix(n_measurements: int, n_neurons: int, *, rng: RandomSource) -> Tensor:
    """Measurement matrix Φ with independent standard normal entries.

    Parameters
    ----------
    n_measurements, n_neurons : m and N of the paper (section III).
    rng : a `RandomState(seed)` draws the published matrix bit for bit; a `Generator` draws a new one.

    Returns
    -------
    (n_measurements, n_neurons) float64.

    Raises
    ------
    ValueError unless 1 ≤ n_measurements ≤ n_neurons.

    Examples
    --------
    >>> Phi = gaussian_matrix(2, 5, rng=np.random.RandomState(42424242))
    >>> tuple(Phi.shape), Phi.dtype
    ((2, 5), torch.float64)
    """
    if not 1 <= n_measurements <= n_neurons:
        raise ValueError(
            f"n_measurements = {n_measurements} is outside 1…{n_neurons}: "
            "compressed sensing measures at least once and at most once per neuron"
        )
    return torch.from_numpy(np.asarray(rng.normal(size=(n_measurements, n_neurons))))


def dct_basis(n_neurons: int, *, dct_type: int = 1) -> Tensor:
    """Orthonormal discrete cosine transform Ψ as a matrix: recovered_weights = Ψ · sparse_code.

    Returns
    -------
    (n_neurons, n_neurons) float64, ΨᵀΨ = I.

    Raises
    ------
    ValueError for an unknown type, or for type I with fewer than 2 neurons (it is not defined there).

    Examples
    --------
    >>> Psi = dct_basis(3)
    >>> (Psi.mT @ Psi).round(decimals=6).abs().tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    _check_dct(n_neurons, dct_type)
    return torch.from_numpy(scipy.fft.dct(np.eye(n_neurons), type=dct_type, norm="ortho", axis=0))


def _check_dct(n_neurons: int, dct_type: int) -> None:
    if dct_type not in DCT_TYPES:
        raise ValueError(f"dct_type = {dct_type} is not one of {', '.join(map(str, DCT_TYPES))}")
    if n_neurons < (2 if dct_type == 1 else 1):
        raise ValueError(f"a DCT of type {dct_type} needs more than {n_neurons} neurons: stop pruning earlier")


def sensing_matrix(measurement_matrix: Tensor, *, dct_type: int = 1) -> Tensor:
    """Θ = ΦΨ, without Ψ: each row of Θ is Ψᵀ times a row of Φ, a fast cosine transform.

    Parameters
    ----------
    measurement_matrix : Φ, (..., n_measurements, n_neurons).
    dct_type : of Ψ, 1 to 4.

    Returns
    -------
    (..., n_measurements, n_neurons) float64; it differs from the product with `dct_basis` by rounding.

    Raises
    ------
    ValueError as `dct_basis`.

    Examples
    --------
    >>> Phi = torch.tensor([[1.0, 2.0, 3.0], [0.0, 1.0, 0.0]], dtype=torch.float64)
    >>> torch.allclose(sensing_matrix(Phi), Phi @ dct_basis(3))
    True
    """
    return _along_rows(scipy.fft.idct, measurement_matrix, dct_type)  # Ψᵀ is the inverse of Ψ


def recovered_weights(sparse_code: Tensor, *, dct_type: int = 1) -> Tensor:
    """Recovered weights Ψs by a fast cosine transform, (..., n_neurons) float64.

    Raises
    ------
    ValueError as `dct_basis`.

    Examples
    --------
    A code of one frequency gives one cosine, a column of Ψ:

    >>> weights = recovered_weights(torch.tensor([0.0, 0.0, 1.0, 0.0]))
    >>> torch.allclose(weights, dct_basis(4)[:, 2])
    True
    """
    return _along_rows(scipy.fft.dct, sparse_code, dct_type)


def _along_rows(transform: Callable[..., Any], rows: Tensor, dct_type: int) -> Tensor:
    _check_dct(rows.shape[-1], dct_type)
    transformed = transform(rows.detach().double().cpu().numpy(), type=dct_type, norm="ortho", axis=-1)
    return torch.from_numpy(transformed).to(rows.device)


def measure(measurement_matrix: Tensor, weights: Tensor) -> Tensor:
    """Measurement y = Φw.

    Parameters
    ----------
    measurement_matrix : Φ, (..., n_measurements, n_neurons).
    weights : w, (..., n_neurons).

    Returns
    -------
    (..., n_measurements), of the type of Φ, or float64 where Φ holds whole numbers

    Examples
    --------
    >>> Phi = torch.tensor([[1.0, 2.0, 3.0], [0.0, 1.0, 0.0]])
    >>> measure(Phi, torch.tensor([1.0, 1.0, 2.0])).tolist()
    [9.0, 1.0]
    """
    measurement_matrix = measurement_matrix if measurement_matrix.is_floating_point() else measurement_matrix.double()
    weights = weights.to(measurement_matrix.dtype)
    if measurement_matrix.ndim == 2:  # one product for all; a broadcast would copy Φ for each
        return weights @ measurement_matrix.mT
    return (measurement_matrix @ weights.unsqueeze(-1)).squeeze(-1)


MEASUREMENT_COUNTS: dict[str, Callable[[int, float], int]] = {  # m of N and the measurement fraction, at least 1
    # as published: int(N · (1 − 0.9)) in floating point (460 → 45, 300 → 29)
    "truncated": lambda n_neurons, fraction: max(1, int(n_neurons * (1 - (1 - fraction)))),
    # as the text says: the nearest whole number
    "rounded": lambda n_neurons, fraction: max(1, round(n_neurons * fraction)),
}
