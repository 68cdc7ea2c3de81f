"""Time and certificate of every L1 solver on the weights of trained layers: one table, all measured in this run.

    python -m benchmarks.recovery                                   # the whole table
    python -m benchmarks.recovery --sizes 512 --batches 1 16
    python -m benchmarks.recovery --sizes 16384 --fractions 0.1 --batches 1 --solvers interior_point

"ms" is per problem, the shortest of a few runs. "alone" solves the incoming and the outgoing sums of one network one
after the other; a batch solves networks of one training together, with one Φ for all or ("own Φ") one each. "× SCS"
says how many times faster than cvxpy + SCS alone. "floor" is the time of the m²N products, one an iteration alone, at
the matrix-product peak measured here, and "× floor" how far from it the solve is.
"""

import argparse
import os
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from benchmarks.trained_layers import trained_sums
from dtc_helpers.recovery import SOLVERS, Recovery, recover
from dtc_helpers.sensing import dct_basis, gaussian_matrix, sense, sensing_matrix

SEED = 42424242
L1_PENALTY = 0.3
SECONDS_PER_M2N = {"interior_point": 1e-9, "lars": 1e-8, "clarabel": 4e-8, "scs": 1e-7}  # until measured
LARGEST_OWN = 2**27  # numbers in Θ where each problem has its own
LARGEST_BASIS = 4096  # N up to which the dense Ψ is timed beside the fast transform
HEADER = f"{'N':>6} {'m':>5}  {'solver':<14} {'batch':<9} {'ms':>9} {'gap':>8} {'nonzeros':>8} {'iter.':>5}"
HEADER += f" {'× SCS':>7} {'floor ms':>9} {'× floor':>8}"


@dataclass(frozen=True)
class Timed:
    """Answers of one table row."""

    seconds: float  # per problem
    recoveries: list[Recovery]

    @property
    def iterations(self) -> float:
        """Mean over the calls."""
        return float(np.mean([recovery.iterations for recovery in self.recoveries]))

    @property
    def gap(self) -> float:
        """The largest."""
        return max(float(recovery.duality_gap.max()) for recovery in self.recoveries)

    @property
    def nonzeros(self) -> int:
        """The most."""
        return max(int((recovery.sparse_code != 0).sum(-1).max()) for recovery in self.recoveries)


def shortest(call: Callable[[], object], *, at_least_seconds: float = 0.5, at_most_runs: int = 20) -> float:
    """Shortest time of several runs, seconds."""
    times: list[float] = []
    while not times or (sum(times) < at_least_seconds and len(times) < at_most_runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def product_peak() -> float:
    """Multiplications and additions a second of a float64 matrix product."""
    matrix = torch.ones(1536, 1536, dtype=torch.float64)
    return 2 * len(matrix) ** 3 / shortest(lambda: matrix @ matrix)


def timed(problems: list[tuple[Tensor, Tensor]], solver: str) -> Timed:
    """One call of `recover` for each (Θ, y)."""
    recoveries, seconds, n_solved = [], 0.0, 0
    for Theta, y in problems:
        recoveries.append(recover(Theta, y, l1_penalty=L1_PENALTY, solver=solver))
        seconds += shortest(lambda Theta=Theta, y=y: recover(Theta, y, l1_penalty=L1_PENALTY, solver=solver))
        n_solved += y.shape[:-1].numel()
    return Timed(seconds / n_solved, recoveries)


@dataclass
class Size:
    """One N and m: its problems, and what the rows so far measured."""

    sums: Tensor  # (n_problems, n_neurons)
    n_measurements: int
    peak: float  # of matrix products, 1/s
    limit: float  # seconds a row may take
    scs_seconds: float | None = None
    floor_seconds: float = float("nan")

    def __post_init__(self):
        sensed = sense(self.sums, n_measurements=self.n_measurements, rng=np.random.RandomState(SEED))
        self.Theta, self.y = sensed.sensing_matrix, sensed.measurement
        self.products = self.n_measurements**2 * self.sums.shape[1]

    def alone(self, solver: str) -> str:
        """Row of a solver that takes one problem at a time."""
        problems = [(self.Theta, measurement) for measurement in self.y[:2]]
        result, line = self._run(problems, solver, "alone")
        if result is None:
            return line
        SECONDS_PER_M2N[solver] = result.seconds / self.products
        if solver == "scs":
            self.scs_seconds = result.seconds
        if solver == "interior_point":
            self.floor_seconds = result.iterations * 2 * self.products / self.peak
        return self._row(result, solver, "alone")

    def together(self, n_problems: int, *, own: bool = False) -> str:
        """Row of one call of the interior point method for many problems."""
        name = f"{n_problems} own Φ" if own else str(n_problems)
        Theta, y = self._own(n_problems) if own else (self.Theta, self.y[:n_problems])
        result, line = self._run([(Theta, y)], "interior_point", name)
        return line if result is None else self._row(result, "interior_point", name)

    def _own(self, n_problems: int) -> tuple[Tensor, Tensor]:
        sensed = [
            sense(sums, n_measurements=self.n_measurements, rng=np.random.RandomState(SEED + number))
            for number, sums in enumerate(self.sums[:n_problems])
        ]
        return torch.stack([one.sensing_matrix for one in sensed]), torch.stack([one.measurement for one in sensed])

    def _run(self, problems: list[tuple[Tensor, Tensor]], solver: str, batch: str) -> tuple[Timed | None, str]:
        """Its result, or a line that says why there is none."""
        n_problems = sum(y.shape[:-1].numel() for _, y in problems)
        expected = 2 * SECONDS_PER_M2N[solver] * self.products * n_problems  # two runs at least
        if expected > self.limit:
            return None, f"{self._start(solver, batch)} skipped: would take {expected:.0f} s"
        return timed(problems, solver), ""

    def _start(self, solver: str, batch: str) -> str:
        return f"{self.sums.shape[1]:6d} {self.n_measurements:5d}  {solver:<14} {batch:<9}"

    def _row(self, result: Timed, solver: str, batch: str) -> str:
        line = f"{self._start(solver, batch)} {1e3 * result.seconds:9.2f} {result.gap:8.0e} {result.nonzeros:8d}"
        line += f" {result.iterations:5.0f}"
        line += f" {self.scs_seconds / result.seconds:7.1f}" if self.scs_seconds else f" {'–':>7}"
        if solver == "interior_point":
            line += f" {1e3 * self.floor_seconds:9.2f} {result.seconds / self.floor_seconds:8.1f}"
        return line


def rows(size: Size, solvers: list[str], batches: list[int]) -> Iterator[str]:
    """Lines of one size: SCS first, for the others are compared with it."""
    for solver in (name for name in ("scs", "clarabel", "lars", "interior_point") if name in solvers):
        yield size.alone(solver)
    if "interior_point" not in solvers:
        return
    for n_problems in (number for number in batches if number > 1):
        yield size.together(n_problems)
        if n_problems == 16 and n_problems * size.Theta.numel() <= LARGEST_OWN:
            yield size.together(n_problems, own=True)


def transforms(n_neurons: int, n_measurements: int) -> str:
    """How Θ was made, and what the other way would have cost."""
    Phi = gaussian_matrix(n_measurements, n_neurons, rng=np.random.RandomState(SEED))
    fast = shortest(lambda: sensing_matrix(Phi), at_least_seconds=0.1)
    line = f"N = {n_neurons}, m = {n_measurements}: Θ by fast cosine transforms of rows of Φ, {1e3 * fast:.1f} ms;"
    if n_neurons > LARGEST_BASIS:
        return f"{line} the dense Ψ would take {8e-9 * n_neurons**2:.1f} GB"
    dense = shortest(lambda: Phi @ dct_basis(n_neurons), at_least_seconds=0.1)
    return f"{line} dense Ψ and product {1e3 * dense:.1f} ms"


def arguments() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description="Time and certificate of every L1 solver")
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 512, 2048, 4096], help="N")
    parser.add_argument("--fractions", type=float, nargs="+", default=[0.1, 0.5], help="m / N")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16, 64], help="problems in one call")
    parser.add_argument("--solvers", nargs="+", choices=list(SOLVERS), default=list(SOLVERS))
    parser.add_argument("--limit", type=float, default=240, help="seconds above which a row is skipped, and says so")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of every library")
    return parser.parse_args()


def main() -> None:
    """Print the table."""
    chosen = arguments()
    torch.set_num_threads(chosen.threads)
    with threadpool_limits(chosen.threads):
        _print_table(chosen)


def _print_table(chosen: argparse.Namespace) -> None:
    peak = product_peak()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f},", end=" ")
    print(f"float64 matrix product {peak / 1e9:.0f} GFLOP/s, λ = {L1_PENALTY}")
    print(HEADER)
    notes = []
    for n_neurons in chosen.sizes:
        sums = trained_sums(n_neurons, n_networks=(max(chosen.batches) + 1) // 2)
        for fraction in chosen.fractions:
            n_measurements = max(1, round(fraction * n_neurons))
            size = Size(sums, n_measurements, peak, chosen.limit)
            for line in rows(size, chosen.solvers, chosen.batches):
                print(line, flush=True)
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            notes.append(f"{transforms(n_neurons, n_measurements)}; peak memory so far {memory:.2f} GiB")
    print(*notes, sep="\n")


if __name__ == "__main__":
    main()
