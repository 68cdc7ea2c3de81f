"""Checkpoints of a compress-train run: tensors and plain values only, so that loading one runs no code."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.serialization import get_unsafe_globals_in_checkpoint

from dtc_helpers.any_network.modules import all_tensors
from dtc_helpers.any_network.transcript import set_widths
from dtc_helpers.paths import in_project, whole_file, writable_folder

FORMAT = 1  # of the files


@dataclass(frozen=True)
class Checkpoints:
    """Folder in which a run keeps its state after every cut, and what beside network and optimiser belongs to it.

    Parameters
    ----------
    folder : gets one file a cut, "cut_0001.pt" and so on; relative ones start at the project.
    also : by name what else changes while you train: schedulers, gradient scalers (anything with `state_dict` and
        `load_state_dict`) and `torch.Generator`. Torch's own generators are kept anyway.
    resume : go on after the last cut that is there; otherwise a folder with checkpoints is refused.
    """

    folder: str | Path
    also: Mapping[str, Any] = field(default_factory=dict)
    resume: bool = False

    @property
    def paths(self) -> list[Path]:
        """Files of the cuts so far, in their order: after cut_9999.pt comes cut_10000.pt."""
        return sorted(in_project(self.folder).glob("cut_*.pt"), key=lambda path: (len(path.name), path.name))

    def path(self, cut: int) -> Path:
        """File of a cut."""
        return in_project(self.folder) / f"cut_{cut:04d}.pt"

    def states(self) -> dict[str, Any]:
        """State of all that `also` names."""
        return {
            name: each.get_state() if isinstance(each, torch.Generator) else each.state_dict()
            for name, each in self.also.items()
        }

    def check(self, plan: Mapping[str, Any]) -> dict[str, Any] | None:
        """Last checkpoint, if this run goes on after one.

        Raises
        ------
        FileExistsError for checkpoints that are not to be gone on from; ValueError for damaged ones, for those of
        another plan or with other names in `also`, and for what cannot be kept as tensors and plain values;
        CannotWriteError for a folder that takes no files.
        """
        writable_folder(in_project(self.folder), change="folder of checkpoints")
        for name, state in {**self.states(), "plan": plan}.items():
            _written(name, state)
        if not self.paths:
            return None
        if not self.resume:
            raise FileExistsError(f"{in_project(self.folder)} holds checkpoints: choose resume=True, or another folder")
        last = read_checkpoint(self.paths[-1])
        other = {name: value for name, value in plan.items() if last["plan"].get(name, value) != value}
        if other:
            was = {name: last["plan"].get(name) for name in other}
            raise ValueError(f"the checkpoints are those of another run: {was} there, {other} here")
        if last["also"].keys() != self.also.keys():
            there, here = (", ".join(sorted(names)) or "nothing" for names in (last["also"], self.also))
            raise ValueError(f"also names {here}, the checkpoints have {there}: give the same as when the run began")
        return last

    def write(self, cut: int, network: nn.Module, optimizer: Optimizer, run: Mapping[str, Any]) -> None:
        """Write the state of a run after a cut, whole or not at all, with plain values about the `run`.

        These are the plan, the widths of modules, the record, and the shapes of the parameters before any cut.
        """
        content = {
            "format": FORMAT,
            "cut": cut,
            "tensors": {name: tensor.detach() for name, tensor in all_tensors(network).items()},
            "optimizer": optimizer.state_dict(),
            "parameters": _held(optimizer, network),
            "generators": {"cpu": torch.get_rng_state(), "cuda": torch.cuda.get_rng_state_all()},
            "also": self.states(),
            **run,
        }
        written = _written("the run", content)  # torch does not say that a disk is full
        with whole_file(self.path(cut)) as temporary:
            temporary.write_bytes(written.getbuffer())


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Content of a checkpoint; a relative path starts at the project.

    Raises ValueError for a damaged file, and for one of another format.
    """
    path = in_project(path)
    with path.open("rb") as file:
        try:
            if bad := ZipFile(file).testzip():  # torch itself does not compare
                raise BadZipFile(f"{bad} has another checksum")
            file.seek(0)
            content = torch.load(file, weights_only=True, map_location="cpu")
        except Exception as error:  # of many types, and without the name of the file
            raise ValueError(
                f"{path} cannot be read as a checkpoint, it may be damaged ({type(error).__name__}): take it out of "
                "its folder, and the run goes on after the cut before"
            ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f"{path} is no checkpoint of format {FORMAT}")
    return content


def load_network(path: str | Path, build: Callable[[], nn.Module]) -> nn.Module:
    """Cut network of a checkpoint.

    Parameters
    ----------
    path : of the checkpoint, e.g. "checkpoints/cut_0003.pt"; relative ones start at the project.
    build : makes the network as it was before any cut; its weights do not matter.

    Raises
    ------
    ValueError for a network with other parameters or widths, and for a file that is damaged or of another format.
    """
    network = build()
    put_back(network, read_checkpoint(path))
    return network


def put_back(network: nn.Module, content: Mapping[str, Any]) -> None:
    """Give a network the widths and weights of a checkpoint, in place; parameters stay the same objects.

    Raises ValueError for a network with other parameters or buffers, and for one that has the widths neither of before
    all cuts nor of after this one; files that do not say the former are taken as they are.
    """
    own = all_tensors(network)
    stored: dict[str, Tensor] = content["tensors"]
    if own.keys() != stored.keys():
        other = ", ".join(sorted(own.keys() ^ stored.keys()))
        raise ValueError(f"this is another network: only one of both has {other}")
    _check_shapes(network, content)
    set_widths(network, content["widths"])
    for name, tensor in own.items():
        tensor.data = stored[name].to(device=tensor.device, dtype=tensor.dtype, copy=True)


def shapes_of(network: nn.Module) -> dict[str, tuple[int, ...]]:
    """Shape of every parameter, by name."""
    return {name: tuple(parameter.shape) for name, parameter in network.named_parameters()}


def _check_shapes(network: nn.Module, content: Mapping[str, Any]) -> None:
    """Raises ValueError for a network that is neither the uncut one of the run nor already cut like the stored one."""
    own = shapes_of(network)
    uncut = content.get("shapes") or own  # older files do not have them
    if own == uncut or all(shape == content["tensors"][name].shape for name, shape in own.items()):
        return
    other = "; ".join(f"{name} is {own[name]}, and was {shape}" for name, shape in uncut.items() if own[name] != shape)
    raise ValueError(f"this is another network than the one before any cut, of other widths: {other}. Give that one")


def put_back_others(also: Mapping[str, Any], content: Mapping[str, Any]) -> None:
    """Bring torch's generators, and what else belongs to the run, back to a checkpoint, in place."""
    for name, each in also.items():
        (each.set_state if isinstance(each, torch.Generator) else each.load_state_dict)(content["also"][name])
    torch.set_rng_state(content["generators"]["cpu"])
    if torch.cuda.is_available():
        torch.cuda.set_rng_state_all(content["generators"]["cuda"])


def check_kept(optimizer: Optimizer, network: nn.Module, done: Mapping[str, Any] | None) -> None:
    """Raises ValueError for an optimiser that cannot be kept, or of other parameters than in the checkpoint `done`."""
    _written("optimizer", optimizer.state_dict())
    held = _held(optimizer, network)
    if done and done.get("parameters", held) != held:  # older files do not have them
        raise ValueError(
            "the optimiser holds other parameters than that of the checkpoints, or in another order: make it as it was "
            "when the run began"
        )


def _held(optimizer: Optimizer, network: nn.Module) -> list[list[str]]:
    """Names of the parameters of every group of an optimiser, in its order."""
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    return [[names.get(id(each), "another") for each in group["params"]] for group in optimizer.param_groups]


def _written(name: str, state: Any) -> io.BytesIO:
    """File of a state.

    Raises ValueError for one that could be written, but not be read again without running code.
    """
    written = io.BytesIO()
    torch.save(state, written)
    written.seek(0)
    if kinds := ", ".join(sorted(get_unsafe_globals_in_checkpoint(written))):
        advice = "write float(…) for a number of NumPy, str(…) for a path"
        raise ValueError(f"the state of {name!r} is more than tensors and plain values ({kinds}): {advice}")
    return written
