"""Solvers of min ‖Θs − y‖² + λ‖s‖₁: two exact ones of which each covers the other's weakness, and the paper's peers.

In all of them a flat batch of problems is Theta, Θ, (m, N) where they share it, else (problems, m, N), with y,
(problems, m), and penalty, λ, (problems,).
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Answer:
    """Answer of a solver to a flat batch of problems; only the certificate judges it."""

    code: np.ndarray  # s, (problems, n_neurons)
    dual_point: np.ndarray | None  # c, (problems, n_measurements), where the solver has one
    iterations: int  # of the problem that took most
