"""Energy from a real counter (RAPL of the processor, NVML of the GPU), or none: an estimate is no measurement."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

POWERCAP = Path("/sys/class/powercap")
NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Energy:
    """Energy of some work, and the counter that says so."""

    joules: float | None
    counter: str  # "RAPL package-0", "NVML GPU 0", or "not measured"

    def __str__(self) -> str:
        return self.counter if self.joules is None else f"{self.joules:.1f} J ({self.counter})"


def measured_energy(work: Callable[[], Any], *, powercap: Path = POWERCAP) -> list[Energy]:
    """Energy used while some work is done, by every counter of this machine that can be read.

    Where there is none, a single Energy says "not measured". What else the machine does meanwhile is in it. Reading
    RAPL needs the right to do so (root, on most Linux systems).
    """
    counters = [*_rapl_counters(powercap), *_nvml_counters()]
    before = [read() for _, read, _ in counters]
    work()
    used = [
        Energy((read() - start) % wraps / 1e6, name)
        for (name, read, wraps), start in zip(counters, before, strict=True)
    ]
    return used or [Energy(None, NOT_MEASURED)]


Counter = tuple[str, Callable[[], int], int]  # name, microjoules so far, value at which it starts again


def _rapl_counters(powercap: Path) -> list[Counter]:
    """Counters of whole processors; their parts (cores, memory) are in them."""
    found = []
    for folder in sorted(powercap.glob("intel-rapl:[0-9]*")):
        if folder.name.count(":") == 1:
            try:
                name, wraps = (folder / "name").read_text().strip(), int((folder / "max_energy_range_uj").read_text())
                (folder / "energy_uj").read_text()
            except OSError:  # not there, or not for us
                continue
            found.append((f"RAPL {name}", lambda path=folder / "energy_uj": int(path.read_text()), wraps + 1))
    return found


def _nvml_counters() -> list[Counter]:
    """Counters of NVIDIA GPUs, by the driver's own library."""
    if not torch.cuda.is_available():
        return []
    try:
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return []
    found, count = [], ctypes.c_uint()
    nvml.nvmlInit_v2()
    nvml.nvmlDeviceGetCount_v2(ctypes.byref(count))
    for i in range(count.value):
        handle = ctypes.c_void_p()
        nvml.nvmlDeviceGetHandleByIndex_v2(i, ctypes.byref(handle))
        if _microjoules(nvml, handle) is not None:
            found.append((f"NVML GPU {i}", partial(_microjoules, nvml, handle), 1000 * 2**64))
    return found


def _microjoules(nvml: ctypes.CDLL, handle: ctypes.c_void_p) -> int | None:
    """Energy of a GPU since its driver was loaded; None where it has no such counter."""
    torch.cuda.synchronize()
    millijoules = ctypes.c_ulonglong()
    failed = nvml.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(millijoules))
    return None if failed else 1000 * millijoules.value
