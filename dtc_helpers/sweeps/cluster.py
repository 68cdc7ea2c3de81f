"""The cluster of a sweep: in this process, or a running one, which must answer before anything is sent to it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

import dask.config
from dask.system import CPU_COUNT
from dask.utils import parse_timedelta
from distributed import Client, LocalCluster
from distributed.comm.core import connect as call
from distributed.security import Security
from distributed.utils import LoopRunner

from dtc_helpers.checks.fields import Between, check_fields

_Count = Annotated[int, Between(1, 10**6)]
_MORE_SECONDS = 10  # than Dask tries to connect, for an answer
_MOST_WORDS = 200  # characters of what Dask says


@dataclass(frozen=True)
class Settings:
    """Way in which points are executed; ValueError or TypeError for a number that is none, or not above 0."""

    threads: _Count = 1  # of every kernel
    workers: _Count | None = None  # kernels at once on this machine; None: as many as its cores can feed
    scheduler: str | None = None  # address of a running Dask scheduler; None: this machine
    time_out: Annotated[float, Between(1e-3, 1e9)] | None = None  # seconds a point

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def n_kernels(self) -> int:
        """Kernels at once on this machine."""
        return self.workers or max(1, CPU_COUNT // self.threads)


@contextmanager
def connect(settings: Settings) -> Iterator[Client]:
    """Client of the given scheduler, or of one in this process, whose threads each look after one papermill.

    Raises ConnectionError if the given scheduler does not answer, or refuses this side.
    """
    # Dask keeps the last thousand messages, and each of ours holds the helper package
    with dask.config.set({"distributed.admin.low-level-log-length": 20}):
        if settings.scheduler is not None:
            with _client_of(settings.scheduler) as client:
                yield client
            return
        cluster = LocalCluster(
            n_workers=1,
            threads_per_worker=settings.n_kernels,
            processes=False,  # the work is in papermill's processes already
            memory_limit=None,  # of this process, not of the kernels
            # loopback, for nobody asks who calls; a free port: two sweeps on one machine must not want the same
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address="127.0.0.1:0",
            security=Security(tls_ca_file=None, require_encryption=False),  # whatever the environment says of TLS
        )
        with cluster, Client(cluster, set_as_default=False) as client:
            yield client


def _client_of(address: str) -> Client:
    try:
        # first, for a `Client` never ends that fails otherwise than by OSError, or calls another server
        LoopRunner().run_sync(_call_once, address)
        return Client(address, set_as_default=False)
    except Exception as error:  # of Dask, asyncio and ssl
        why = " ".join(f"{type(error).__name__}: {error}".split())[:_MOST_WORDS]
        raise ConnectionError(
            f"no connection to the scheduler {address} ({why}): check that it runs there; with TLS the address begins "
            "with tls://, and this side needs a certificate too (docs/sweeps.md, Who may call)"
        ) from None


async def _call_once(address: str) -> None:
    seconds = parse_timedelta(dask.config.get("distributed.comm.timeouts.connect")) + _MORE_SECONDS
    calling = call(address, **Security().get_connection_args("client"))
    try:
        comm = await asyncio.wait_for(calling, seconds)
    except TimeoutError:
        raise TimeoutError(f"no answer of a scheduler in {seconds:g} s") from None
    await comm.close()
