"""What goes into the engine and what comes out of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from contracts.outcomes import Outcome, Progress
from contracts.requests import ImagineRequest, WriteRequest


class Ending(Exception):  # noqa: N818 - ways to end that are no errors
    """A job ends without running to its end."""


class Cancelled(Ending):
    """Its person asked for that. ``partial`` is what there is so far."""

    def __init__(self, partial: Result | None = None) -> None:
        super().__init__()
        self.partial = partial


class DeadlinePassed(Ending):
    """It took too long."""


class Released(Ending):
    """The worker is about to end; the job goes back to its queue."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """A finished job: the outcome, its files, and what it cost the device."""

    outcome: Outcome
    files: tuple[bytes, ...] = ()
    cost_seconds: float = 0.0


@dataclass(eq=False, kw_only=True)
class Work:
    """A job in the engine. The engine thread sets ``progress`` and resolves ``future``; any thread may set ``ending``."""

    job_id: str
    request: ImagineRequest | WriteRequest
    deadline_at: float
    future: Future[Result | Callable[[], Result]] = field(default_factory=Future)
    saved: bytes | None = None
    """Where the text that this one continues stopped."""
    progress: Progress | None = None
    cost_seconds: float = 0.0
    started_at: float = field(default_factory=time.monotonic)
    _ending: Ending | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def end(self, ending: Ending) -> None:
        """Ask the engine to end this job at its next tick; the first reason counts."""
        with self._lock:
            self._ending = self._ending or ending

    def ending(self) -> Ending | None:
        """Why the job has to end now, if it has."""
        if self._ending is None and time.time() > self.deadline_at:
            self.end(DeadlinePassed())
        return self._ending

    def resolve(self, result: Result | Callable[[], Result]) -> None:
        """Hand the result to the waiting task, or the rest of the way to it, which needs no device."""
        if not self.future.done():
            self.future.set_result(result)

    def result(self, timeout: float | None = None, gate: AbstractContextManager[object] | None = None) -> Result:
        """Wait for the engine, then go the rest of the way in this thread, through ``gate`` if there is one."""
        made = self.future.result(timeout)
        if isinstance(made, Result):
            return made
        with gate or nullcontext():
            return made()

    def fail(self, error: BaseException) -> None:
        """Hand an error to the waiting task."""
        if not self.future.done():
            self.future.set_exception(error)
