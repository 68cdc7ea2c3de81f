"""Helpers of the compress-train pruning notebooks (Dual Tomographic Compression, arXiv:2505.23869).

The names below are imported when they are first asked for, so that `import dtc_helpers` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_MODULE_OF = {
    # the L1 solve and what it needs
    "gaussian_matrix": "sensing",
    "dct_basis": "sensing",
    "sensing_matrix": "sensing",
    "measure": "sensing",
    "recovered_weights": "sensing",
    "recover": "recovery",
    "Recovery": "recovery",
    "l1_penalty_max": "recovery",
    "SOLVERS": "recovery",
    # networks, scores, cuts
    "ReplicatedMLP": "networks",
    "xavier_mlp": "networks",
    "incoming_sums": "networks",
    "outgoing_sums": "networks",
    "HiddenLayer": "scoring",
    "Scores": "scoring",
    "SCORES": "scoring",
    "n_keep": "surgery",
    "schedule": "surgery",
    "keep_neurons": "surgery",
    # train, score, cut, and again
    "Dataset": "images.datasets",
    "Split": "images.datasets",
    "load_dataset": "images.datasets",
    "PUBLISHED_SEED": "paper",
    "READINGS": "readings",
    "Reading": "readings",
    "Plan": "readings",
    "start_networks": "cycle",
    "compress_train": "cycle",
    "CycleRecord": "cycle",
    "run_methods": "runs.methods",
    # the same for any torch.nn.Module
    "compress_train_module": "any_network.compress_train",
    "CutPlan": "any_network.plan",
    "CutRecord": "any_network.plan",
    "Limits": "any_network.graph",
    "CutRefusedError": "any_network.troubles",
    "DTCImportance": "any_network.importance",
    "RandomImportance": "any_network.importance",
    "Checkpoints": "any_network.checkpoints",
    "load_network": "any_network.checkpoints",
    # the entropy of measurements
    "Entropy": "gibbs",
    "gibbs_entropy": "gibbs",
    "entropy_series": "gibbs",
}
__all__ = list(_MODULE_OF)  # pyright: ignore[reportUnsupportedDunderAll]

if TYPE_CHECKING:  # the same names, for whoever reads without running
    from dtc_helpers.any_network.checkpoints import Checkpoints, load_network
    from dtc_helpers.any_network.compress_train import compress_train_module
    from dtc_helpers.any_network.graph import Limits
    from dtc_helpers.any_network.importance import DTCImportance, RandomImportance
    from dtc_helpers.any_network.plan import CutPlan, CutRecord
    from dtc_helpers.any_network.troubles import CutRefusedError
    from dtc_helpers.cycle import CycleRecord, compress_train, start_networks
    from dtc_helpers.gibbs import Entropy, entropy_series, gibbs_entropy
    from dtc_helpers.images.datasets import Dataset, Split, load_dataset
    from dtc_helpers.networks import ReplicatedMLP, incoming_sums, outgoing_sums, xavier_mlp
    from dtc_helpers.paper import PUBLISHED_SEED
    from dtc_helpers.readings import READINGS, Plan, Reading
    from dtc_helpers.recovery import SOLVERS, Recovery, l1_penalty_max, recover
    from dtc_helpers.runs.methods import run_methods
    from dtc_helpers.scoring import SCORES, HiddenLayer, Scores
    from dtc_helpers.sensing import dct_basis, gaussian_matrix, measure, recovered_weights, sensing_matrix
    from dtc_helpers.surgery import keep_neurons, n_keep, schedule


def __getattr__(name: str) -> Any:
    """Public name, imported now and kept; PEP 562."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
