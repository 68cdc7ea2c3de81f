"""A cut network for other programs: ONNX, checked in onnxruntime, and `torch.export`; any number of examples."""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dtc_helpers.any_network.modules import copied
from dtc_helpers.paths import in_project, whole_file

EXTRAS = ("onnx", "onnxscript", "onnxruntime")  # of pyproject.toml, [export]
BATCH_SIZES = (1, 3, 8)  # at which an exported network is compared with its original


def to_exported(network: nn.Module, example_inputs: Tensor) -> torch.export.ExportedProgram:
    """Network as `torch.export` writes it, in `eval()`, for any number of examples; the network is left as it is.

    The examples are along the first axis, at least two. Raises ValueError for one, which would fix their number at 1,
    and TypeError for anything but a single tensor.
    """
    twin, sizes = _ready(network, example_inputs)
    return torch.export.export(twin, (example_inputs,), dynamic_shapes=sizes, strict=False)


def to_onnx(network: nn.Module, example_inputs: Tensor, *, path: str | Path) -> float:
    """Write a network as one ONNX file for any number of examples, once onnxruntime answers as torch does.

    Parameters
    ----------
    example_inputs : at least two real examples, along the first axis; the comparison is on them.
    path : relative ones start at the project. The file is written whole or not at all.

    Returns
    -------
    Largest difference between onnxruntime and torch at 1, 3 and 8 examples.

    Raises
    ------
    ValueError for a single example, TypeError for anything but a tensor; ModuleNotFoundError, with what to install,
    without the packages for ONNX; RuntimeError if both differ by more than 1e-4 of the largest answer.
    """
    runtime = _onnxruntime()
    twin, sizes = _ready(network, example_inputs)
    with whole_file(in_project(path)) as temporary:
        torch.onnx.export(
            twin, (example_inputs,), temporary, dynamo=True, dynamic_shapes=sizes, external_data=False, verbose=False
        )
        session = runtime.InferenceSession(str(temporary), providers=["CPUExecutionProvider"])
        difference, scale = _compared(twin, session, example_inputs)
        if difference > 1e-4 * scale:
            raise RuntimeError(f"onnxruntime and torch differ by {difference:.2g}: nothing was written")
    return difference


def _ready(network: nn.Module, example_inputs: Tensor) -> tuple[nn.Module, tuple[dict[int, Any]]]:
    if not isinstance(example_inputs, Tensor):
        came = type(example_inputs).__name__
        raise TypeError(f"expected one tensor of examples, got {came}: give a network around yours that takes one")
    if len(example_inputs) < 2:
        raise ValueError("one example would fix the number of examples at 1: give at least two")
    return copied(network).eval(), ({0: torch.export.Dim("batch")},)


def _onnxruntime() -> Any:
    try:
        return [import_module(name) for name in EXTRAS][-1]
    except ModuleNotFoundError as error:
        install = f"pip install {' '.join(EXTRAS)}"
        raise ModuleNotFoundError(f"ONNX needs {error.name}, which is not installed: {install}") from error


def _compared(network: nn.Module, session: Any, example_inputs: Tensor) -> tuple[float, float]:
    """Largest difference between both, and the largest answer (at least 1)."""
    (name,) = (each.name for each in session.get_inputs())
    difference = scale = 0.0
    for size in BATCH_SIZES:
        batch = example_inputs[torch.arange(size) % len(example_inputs)]
        with torch.no_grad():
            answer = network(batch).cpu().numpy()
        (other,) = session.run(None, {name: batch.cpu().numpy()})
        difference = max(difference, float(np.abs(answer - other).max()))
        scale = max(scale, float(np.abs(answer).max()))
    return difference, max(scale, 1.0)
