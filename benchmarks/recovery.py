"""Time and certificate of every L1 solver on the weights of trained layers: one table, all measured in this run.

    python -m benchmarks.recovery                                   # the whole table
    python -m benchmarks.recovery --sizes 512 --batches 1 16
    python -m benchmarks.recovery --sizes 16384 --fractions 0.1 --batches 1 --solvers interior_point

Times are per problem, the shortest of a few runs: "ms" by the clock, "thread" of this thread alone, which other work
on the machine disturbs less. "alone" solves the incoming and the outgoing sums of one network one after the other; a
batch solves networks of one training together, with one Φ for all or ("own Φ") one each. Solvers by themselves check
nothing and prove nothing: their gap is computed beside the clock. "× SCS" says how many times faster than cvxpy + SCS
alone, "× DAQP" how many times slower than DAQP itself. "floor" is the time of the m²N products, one an iteration, at
the matrix-product peak measured here, and "× floor" how far from it the interior point is. The last line is a whole
run of DTC: both sums of all widths from 512 to 11.
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

from benchmarks.peers import PEERS
from benchmarks.trained_layers import trained_sums
from dtc_helpers.recovery import REFERENCES, SOLVERS, recover
from dtc_helpers.sensing import dct_basis, gaussian_matrix, measure, sensing_matrix
from dtc_helpers.solvers.certificate import judged
from dtc_helpers.surgery import schedule

SEED = 42424242
L1_PENALTY = 0.3
SECONDS_PER_M2N = {"lars": 1e-8, "clarabel": 4e-8, "scs": 1e-7, "quadprog": 1e-7, "PIQP": 1e-7}  # until measured
SIZES_OF_PEERS = {"quadprog": 512, "PIQP": 1024, "lars": 4096}  # largest N that they are asked for
OURS = ("active_set", "interior_point", "exact")
LARGEST_OWN = 2**27  # numbers in Θ where each problem has its own
LARGEST_BASIS = 4096  # N up to which the dense Ψ is timed beside the fast transform
HEADER = f"{'N':>6} {'m':>5}  {'solver':<14} {'batch':<9} {'ms':>9} {'thread':>9} {'gap':>8} {'nonzeros':>8}"
HEADER += f" {'iter.':>5} {'× SCS':>7} {'× DAQP':>7} {'× floor':>8}"


@dataclass(frozen=True)
class Timed:
    """What one table row shows; times in seconds a problem, gap and nonzeros the largest, iterations the mean."""

    seconds: float
    thread_seconds: float
    gap: float
    nonzeros: int
    iterations: float


def shortest(call: Callable[[], object], *, at_least_seconds: float = 0.5) -> tuple[float, float]:
    """Shortest times of up to 20 runs, seconds by the clock and of this thread."""
    times: list[tuple[float, float]] = []
    while not times or (sum(clock for clock, _ in times) < at_least_seconds and len(times) < 20):
        started = time.perf_counter(), time.thread_time()
        call()
        times.append((time.perf_counter() - started[0], time.thread_time() - started[1]))
    return min(clock for clock, _ in times), min(thread for _, thread in times)


def product_peak() -> float:
    """Multiplications and additions a second of a float64 matrix product."""
    matrix = torch.ones(1536, 1536, dtype=torch.float64)
    return 2 * len(matrix) ** 3 / shortest(lambda: matrix @ matrix)[0]


def sensed(sums: Tensor, n_measurements: int, *, seed: int = SEED) -> tuple[Tensor, Tensor]:
    """Θ and y of some sums, measured with one Φ."""
    Phi = gaussian_matrix(n_measurements, sums.shape[-1], rng=np.random.RandomState(seed))
    return sensing_matrix(Phi), measure(Phi, sums)


def timed(problems: list[tuple[Tensor, Tensor]], solver: str) -> Timed:
    """One call for each (Θ, y), of `recover` or of a peer by itself."""
    times, gaps, nonzeros, iterations = [], [], [], []
    for Theta, y in problems:
        if solver in PEERS:
            arrays = Theta.numpy(), y.numpy()
            answer = PEERS[solver](*arrays, L1_PENALTY)
            gaps.append(judged(arrays[0], arrays[1][None], np.array([L1_PENALTY]), answer, solver).gap.max())
            nonzeros.append(int((np.abs(answer.code) > 1e-9 * np.abs(answer.code).max()).sum()))
            times.append(shortest(lambda arrays=arrays: PEERS[solver](*arrays, L1_PENALTY)))
        else:
            answer = recover(Theta, y, l1_penalty=L1_PENALTY, solver=solver)
            gaps.append(float(answer.duality_gap.max()))
            nonzeros.append(int((answer.sparse_code != 0).sum(-1).max()))
            times.append(shortest(lambda Theta=Theta, y=y: recover(Theta, y, l1_penalty=L1_PENALTY, solver=solver)))
        iterations.append(answer.iterations)
    n_solved = sum(y.shape[:-1].numel() for _, y in problems)
    clock, thread = (sum(values) / n_solved for values in zip(*times, strict=True))
    return Timed(clock, thread, max(gaps), max(nonzeros), float(np.mean(iterations)))


@dataclass
class Size:
    """One N and m: its problems, and what the rows so far measured."""

    sums: Tensor  # (n_problems, n_neurons)
    n_measurements: int
    peak: float  # of matrix products, 1/s
    limit: float  # seconds a row may take
    scs_seconds: float = float("nan")
    daqp_seconds: float = float("nan")

    def __post_init__(self):
        self.Theta, self.y = sensed(self.sums, self.n_measurements)
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
        if solver == "DAQP itself":
            self.daqp_seconds = result.thread_seconds
        return self._row(result, solver, "alone")

    def together(self, solver: str, n_problems: int, *, own: bool = False) -> str:
        """Row of one call of an exact solver for many problems."""
        name = f"{n_problems} own Φ" if own else str(n_problems)
        Theta, y = self._own(n_problems) if own else (self.Theta, self.y[:n_problems])
        result, line = self._run([(Theta, y)], solver, name)
        return line if result is None else self._row(result, solver, name)

    def _own(self, n_problems: int) -> tuple[Tensor, Tensor]:
        problems = [
            sensed(sums, self.n_measurements, seed=SEED + number) for number, sums in enumerate(self.sums[:n_problems])
        ]
        Theta, y = zip(*problems, strict=True)
        return torch.stack(Theta), torch.stack(y)

    def _run(self, problems: list[tuple[Tensor, Tensor]], solver: str, batch: str) -> tuple[Timed | None, str]:
        """Its result, or a line that says why there is none."""
        n_problems = sum(y.shape[:-1].numel() for _, y in problems)
        expected = 2 * SECONDS_PER_M2N.get(solver, 1e-9) * self.products * n_problems  # two runs at least
        if expected > self.limit:
            return None, f"{self._start(solver, batch)} skipped: would take {expected:.0f} s"
        return timed(problems, solver), ""

    def _start(self, solver: str, batch: str) -> str:
        return f"{self.sums.shape[1]:6d} {self.n_measurements:5d}  {solver:<14} {batch:<9}"

    def _row(self, result: Timed, solver: str, batch: str) -> str:
        line = f"{self._start(solver, batch)} {1e3 * result.seconds:9.3f} {1e3 * result.thread_seconds:9.3f}"
        line += f" {result.gap:8.0e} {result.nonzeros:8d} {result.iterations:5.0f}"
        line += f" {self.scs_seconds / result.seconds:7.1f} {result.thread_seconds / self.daqp_seconds:7.2f}"
        if solver == "interior_point":
            line += f" {result.seconds / (result.iterations * 2 * self.products / self.peak):8.1f}"
        return line


def rows(size: Size, solvers: list[str], batches: list[int]) -> Iterator[str]:
    """Lines of one size: SCS and DAQP first, for the others are compared with them."""
    n_neurons = size.sums.shape[1]
    for solver in (name for name in (*REFERENCES, *PEERS, *OURS) if name in solvers):
        if n_neurons <= SIZES_OF_PEERS.get(solver, n_neurons):
            yield size.alone(solver)
    for solver in (name for name in OURS if name in solvers):
        for n_problems in (number for number in batches if number > 1):
            yield size.together(solver, n_problems)
            if n_problems == 16 and n_problems * size.Theta.numel() <= LARGEST_OWN:
                yield size.together(solver, n_problems, own=True)


def whole_run(sums: Tensor) -> str:
    """Both sums of one network at all widths of a DTC run, each width a call as in the loop."""
    widths = [512, *schedule(512, keep_fraction=0.9, stop_at=11)]
    problems = [sensed(sums[:2, :width], max(1, round(0.1 * width))) for width in widths]
    times = {
        solver: shortest(
            lambda solver=solver: [recover(Theta, y, l1_penalty=L1_PENALTY, solver=solver) for Theta, y in problems]
        )
        for solver in ("exact", "interior_point")
    }
    shown = [f"{name} {1e3 * clock:.0f} ms ({1e3 * thread:.0f} thread)" for name, (clock, thread) in times.items()]
    return f"{len(problems)} widths of a DTC run, both rays: {', '.join(shown)}"


def transforms(n_neurons: int, n_measurements: int) -> str:
    """How Θ was made, and what the other way would have cost."""
    Phi = gaussian_matrix(n_measurements, n_neurons, rng=np.random.RandomState(SEED))
    fast, _ = shortest(lambda: sensing_matrix(Phi), at_least_seconds=0.1)
    line = f"N = {n_neurons}, m = {n_measurements}: Θ by fast cosine transforms of rows of Φ, {1e3 * fast:.1f} ms;"
    if n_neurons > LARGEST_BASIS:
        return f"{line} the dense Ψ would take {8e-9 * n_neurons**2:.1f} GB"
    dense, _ = shortest(lambda: Phi @ dct_basis(n_neurons), at_least_seconds=0.1)
    return f"{line} dense Ψ and product {1e3 * dense:.1f} ms"


def arguments() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description="Time and certificate of every L1 solver")
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 512, 2048, 4096], help="N")
    parser.add_argument("--fractions", type=float, nargs="+", default=[0.1, 0.5], help="m / N")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16, 64], help="problems in one call")
    parser.add_argument("--solvers", nargs="+", choices=[*SOLVERS, *PEERS], default=[*SOLVERS, *PEERS])
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
    print(whole_run(trained_sums(512, n_networks=1)))


if __name__ == "__main__":
    main()
