"""Dual active-set method for min ‖Θs − y‖² + ‖s‖₁, one problem at a time: DAQP on its dual; another λ is a scaled y.

The dual is a projection,  min ‖c − y‖²  over  |Θᵀc| ≤ ½,  and its multipliers are s. The columns that are active are
independent, so s has at most m nonzeros and exact zeros elsewhere, also where columns repeat or tie.

Source: D. Arnström, A. Bemporad and D. Axehill, A dual active-set solver for embedded quadratic programming using
recursive LDLᵀ updates, IEEE Trans. Automatic Control 67 (2022) 4362-4369.
"""

import daqp
import numpy as np

from dtc_helpers.solvers import Answer

_BOUND_TOLERANCE = 1e-9  # of |θᵀc| for a column θ of unit length
_NO_BOUND = 1e30  # DAQP's infinity, for a column of zeros


def minimise(Theta: np.ndarray, y: np.ndarray) -> Answer:
    """Minimise ‖Θs − y‖² + ‖s‖₁ for each row of y; a problem that DAQP gives up has s = 0 and c = y."""
    shared = _unit_columns(Theta) if Theta.ndim == 2 else None
    codes, dual_points, iterations = np.zeros((len(y), Theta.shape[-1])), y.copy(), 0
    identity = np.eye(y.shape[-1])
    for row, measurement in enumerate(y):
        columns, scale = shared or _unit_columns(Theta[row])
        bound = np.where(scale > 0, 0.5 * scale, _NO_BOUND)
        point, _, flag, info = daqp.solve(identity, -measurement, columns, bound, -bound, primal_tol=_BOUND_TOLERANCE)
        if flag > 0:  # else what it leaves is not even initialised
            codes[row], dual_points[row] = scale * info["lam"], point
        iterations = max(iterations, info["iterations"])
    return Answer(codes, dual_points, iterations)


def _unit_columns(Theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns of Θ as rows of length 1, (N, m), and 1 / their lengths, 0 for zeros: DAQP drops short ones."""
    columns = np.array(Theta.T, order="C")  # a copy
    lengths = np.sqrt(np.vecdot(columns, columns))
    scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    columns *= scale[:, None]
    return columns, scale
