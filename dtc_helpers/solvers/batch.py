"""A flat batch of problems in units in which nothing overflows, and the way back to the problems as they were given."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from dtc_helpers.solvers import Answer
from dtc_helpers.solvers.certificate import Proven, l1_penalty_max, within

_PENALTIES = 1e-300, 1e300  # λ in the units of the solve


class FlatBatch:
    """Problems min ‖Θs − y‖² + λ‖s‖₁ as arrays, scaled by powers of two, which rounds nothing.

    Attributes
    ----------
    Theta : (m, N) if it is shared, else (problems, m, N); its largest entry is between ½ and 1.
    y : (problems, m); the largest entry of each is between ½ and 1.

    Raises
    ------
    TypeError for what is no dense tensor of real numbers; ValueError for shapes that do not fit, and numbers that are
    not finite.
    """

    def __init__(self, sensing_matrix: Tensor, measurement: Tensor):
        self._Theta, self._y, self.shape = _flat(sensing_matrix, measurement)
        self._of_matrix, self._of_measurement = _unit(self._Theta), _unit(self._y, axis=-1)
        self.Theta, self.y = self._Theta / self._of_matrix, self._y / self._of_measurement[:, None]

    def scaled_penalty(
        self, l1_penalty: float | Tensor | None, l1_penalty_fraction: float | Tensor | None
    ) -> np.ndarray:
        """Penalty λ of each problem in its units, (problems,), from one of the two that can be given."""
        if (l1_penalty is None) == (l1_penalty_fraction is None):
            raise ValueError("give either l1_penalty or l1_penalty_fraction (of l1_penalty_max), and not both")
        if l1_penalty is None:
            penalty = self._one_each(l1_penalty_fraction, "l1_penalty_fraction") * l1_penalty_max(self.Theta, self.y)
        else:
            penalty = self._one_each(l1_penalty, "l1_penalty") / self._of_matrix / self._of_measurement
        return within(penalty, *_PENALTIES)  # y = 0 has no λ_max: its answer is 0 for any λ

    def _one_each(self, given: float | Tensor | None, name: str) -> np.ndarray:
        penalty = np.asarray(given.detach().cpu() if isinstance(given, Tensor) else given)
        if penalty.dtype.kind not in "iuf" or not ((penalty > 0) & (penalty < np.inf)).all():
            raise ValueError(f"{name} = {given!r}: expected finite numbers above 0; at 0 the minimiser is not unique")
        try:
            return np.broadcast_to(penalty.astype(float), self.shape).reshape(-1)
        except ValueError:
            raise ValueError(f"{name} of shape {penalty.shape}: expected a number, or {self.shape}") from None

    def solved_as_given(self, solve: Callable[..., Answer], penalty: np.ndarray, solver: str) -> Answer:
        """Scaled answer of a solver that sees the problems as they were given: where it stops depends on the units."""
        answer = solve(self._Theta, self._y, penalty * self._of_matrix * self._of_measurement, solver=solver)
        return replace(answer, code=answer.code * self._of_matrix / self._of_measurement[:, None])

    def as_given(self, found: Proven) -> tuple[np.ndarray, ...]:
        """Code, objective, gap and dual point in the units and with the leading axes of the problems as given."""
        unit = self._of_measurement
        with np.errstate(over="ignore", under="ignore"):  # where float64 has no such number
            code, objective = found.code * unit[:, None] / self._of_matrix, found.objective * unit * unit
        arrays = (code, objective, found.gap, found.dual_point * unit[:, None])
        return tuple(values.reshape((*self.shape, *values.shape[1:])) for values in arrays)


def _flat(sensing_matrix: Tensor, measurement: Tensor) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
    """Θ, y, both float64 with one leading axis (Θ none where it is shared), and the leading axes that were given."""
    for name, value in (("sensing_matrix", sensing_matrix), ("measurement", measurement)):
        if not isinstance(value, Tensor):
            raise TypeError(f"{name} is of type {type(value).__name__}: expected a torch.Tensor, see torch.as_tensor")
        if value.is_complex() or value.layout != torch.strided:
            raise TypeError(f"{name} is {value.layout}, {value.dtype}: expected a dense tensor of real numbers")
    fits = sensing_matrix.ndim > 1 and sensing_matrix.shape[-2:-1] == measurement.shape[-1:]
    if not fits or 0 in sensing_matrix.shape[-2:] or not _are_alike(sensing_matrix.shape[:-2], measurement.shape[:-1]):
        raise ValueError(
            f"sensing_matrix {tuple(sensing_matrix.shape)} and measurement {tuple(measurement.shape)} do not fit: "
            "expected (..., n_measurements, n_neurons) and (..., n_measurements), at least one of each"
        )
    Theta, y = (values.detach().cpu().double().numpy() for values in (sensing_matrix, measurement))
    matrix_shape, leading = Theta.shape[-2:], Theta.shape[:-2]
    batch_shape = np.broadcast_shapes(leading, y.shape[:-1])
    y = np.broadcast_to(y, (*batch_shape, y.shape[-1])).reshape(-1, y.shape[-1])
    if math.prod(leading) == 1:
        return Theta.reshape(matrix_shape), y, batch_shape
    return np.broadcast_to(Theta, (*batch_shape, *matrix_shape)).reshape(-1, *matrix_shape), y, batch_shape


def _are_alike(first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    """Whether axes can be broadcast."""
    return all(1 in pair or pair[0] == pair[1] for pair in zip(first[::-1], second[::-1], strict=False))


def _unit(values: np.ndarray, axis: int | None = None) -> np.ndarray:
    """Power of two near the largest entry: in this unit nothing overflows, and to scale by it rounds nothing."""
    largest = np.abs(values).max(axis, initial=0.0)
    if not np.isfinite(largest).all():
        raise ValueError("sensing_matrix or measurement holds NaN or infinity: look at the weights they came from")
    return np.ldexp(1.0, within(np.frexp(largest)[1], -1021, 1023))
