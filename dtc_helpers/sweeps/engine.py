"""The engine of sweeps: points in flight on Dask, each under its lock, and the outcome of each."""

import errno
import time
import uuid
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import cloudpickle
from distributed import Client, Future
from filelock import BaseFileLock

from dtc_helpers.sweeps import point as sweep_point
from dtc_helpers.sweeps.cluster import Settings
from dtc_helpers.sweeps.folder import SweepFolder

_LOOK_EVERY_SECONDS = 0.1
_DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Point:
    """One execution to be done."""

    key: str
    parameters: dict[str, Any]  # as the grid gives them
    job: dict[str, Any]  # argument of `point.run_point`, but for the settings
    about: dict[str, Any]  # part of `result.json` that the caller knows


@dataclass(frozen=True)
class PointOutcome:
    """End of a point, or in a dry run its state."""

    key: str
    parameters: dict[str, Any]  # as the grid gives them
    status: str  # "done", "skipped" (was done before), "failed", or in a dry run "to do"
    seconds: float | None = None  # of the execution, when it took place
    error: str | None = None  # of the last attempt


class LostSchedulerError(ConnectionError):
    """The scheduler does not answer any more; what was done is kept."""


def execute(points: list[Point], *, folder: SweepFolder, settings: Settings, client: Client) -> Iterator[PointOutcome]:
    """Execute points and store what they leave; outcomes in the order in which they come.

    Raises LostSchedulerError if the connection breaks.
    """
    cloudpickle.register_pickle_by_value(sweep_point)  # workers need not have this package
    run = _Run(deque(points), folder, settings, client)
    try:
        while run.waiting or run.running:
            yield from run.start_some()
            yield from run.finish_some()
            time.sleep(_LOOK_EVERY_SECONDS)
    finally:
        run.let_go()


@dataclass
class _Run:
    """Points that wait and points in flight, with the locks of the latter."""

    waiting: deque[Point]
    folder: SweepFolder
    settings: Settings
    client: Client
    running: dict[Future, tuple[Point, BaseFileLock]] = field(default_factory=dict)
    is_disk_full: bool = False

    def start_some(self) -> Iterator[PointOutcome]:
        """Submit what the cluster can take; points that another sweep executes are put off."""
        while self.waiting and self.is_disk_full:
            point = self.waiting.popleft()
            yield PointOutcome(point.key, point.parameters, "failed", error="not started: the disk is full")
        room = self._room() if self.waiting else 0
        for _ in range(len(self.waiting)):
            if len(self.running) >= room:
                return
            point = self.waiting.popleft()
            lock = self.folder.try_lock(point.key)
            if lock is None:
                self.waiting.append(point)
            elif self.folder.record(point.key):  # by another sweep, since this one began
                lock.release()
                yield PointOutcome(point.key, point.parameters, "skipped")
            else:
                self.running[self._submit(point)] = point, lock

    def finish_some(self) -> Iterator[PointOutcome]:
        """Store what has come back."""
        for future in [future for future in self.running if future.done()]:
            point, lock = self.running.pop(future)
            try:
                outcome = self._outcome_of(point, future)
            finally:
                lock.release()
            yield outcome
        if self.client.status != "running":
            raise _lost(self.settings)

    def let_go(self) -> None:
        """Cancel what is in flight, so that workers kill it, and release the locks."""
        if self.running and self.client.status == "running":
            self.client.cancel(list(self.running))
        for _, lock in self.running.values():
            lock.release()
        self.running.clear()

    def _room(self) -> int:
        """Points that may be in flight: one more for every one executed, so that no worker waits for this caller.

        Four before there is any worker, so that an adaptive cluster sees work; never all, to bound the memory.
        """
        threads: Any = self.client.nthreads()  # typed as if it were awaited
        return 2 * sum(threads.values()) or 4

    def _submit(self, point: Point) -> Future:
        job = {**point.job, "threads": self.settings.threads, "time_out": self.settings.time_out}
        # one word before the dash, so that Dask's statistics have one entry and not one a point
        return self.client.submit(sweep_point.run_point, job, pure=False, key=f"point-{uuid.uuid4().hex}")

    def _outcome_of(self, point: Point, future: Future) -> PointOutcome:
        """Outcome of a point that has come back, after its attempt has been stored."""
        record, archive = self._attempt(future)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        try:
            self.folder.write(point.key, {"key": point.key, **record, **point.about, "finished": now}, archive)
        except OSError as error:
            record = {**record, "error": f"results could not be written: {_in_one_line(error)}"}
            self.is_disk_full |= error.errno in _DISK_IS_FULL
        status = "failed" if record["error"] else "done"
        return PointOutcome(point.key, point.parameters, status, record["seconds"], record["error"])

    def _attempt(self, future: Future) -> tuple[dict[str, Any], bytes | None]:
        """Record and archive of an attempt; without an archive where no worker came back with one."""
        if future.cancelled():
            raise _lost(self.settings)
        try:
            return future.result()
        except Exception as error:  # whatever Dask says, e.g. that every worker died that tried: it is this point's
            return {"error": _in_one_line(error), "seconds": None}, None


def _lost(settings: Settings) -> LostSchedulerError:
    return LostSchedulerError(
        f"the scheduler {settings.scheduler or 'of this process'} was lost or dropped the points in flight: "
        "what was done is kept; start the sweep again to go on"
    )


def _in_one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
