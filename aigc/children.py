"""Child processes that are kept running, and that end with their parent."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

LOG_LIMIT = 5 * 1024 * 1024
FIRST_WAIT_SECONDS, LAST_WAIT_SECONDS, STEADY_SECONDS = 0.5, 30.0, 60.0
PR_SET_PDEATHSIG = 1


class ChildFailed(RuntimeError):  # noqa: N818 - what happened, in the words of this module
    """A child ended in a way that starting it again would not mend."""


class Child:
    """One process, started again with growing pauses if it ends by itself."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path, report: Callable[[str], None]) -> None:
        self.name, self.command, self.environment, self.log, self.report = name, list(command), dict(environment), log, report
        self.process: asyncio.subprocess.Process | None = None
        self.num_starts = 0
        self._stopping = False

    async def start(self) -> None:
        """Start the process; its output goes to its log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.old"))
        with self.log.open("ab") as output:
            self.process = await asyncio.create_subprocess_exec(
                *self.command,
                env=self.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Its own session: Ctrl-C reaches the parent only, which then ends the children in order.
                start_new_session=True,
                preexec_fn=end_with_parent,
            )
        self.num_starts += 1

    async def keep(self, hopeless: Sequence[int] = (2,)) -> None:
        """Start again whenever it ends, until :meth:`stop`.

        Raises:
            ChildFailed: it ended with a status in ``hopeless``.
        """
        wait = FIRST_WAIT_SECONDS
        while True:
            assert self.process is not None
            started = time.monotonic()
            status = await self.process.wait()
            if self._stopping:
                return
            if status in hopeless:
                raise ChildFailed(f"{self.name} ended: {last_line(self.log)}")
            wait = FIRST_WAIT_SECONDS if time.monotonic() - started > STEADY_SECONDS else min(2 * wait, LAST_WAIT_SECONDS)
            self.report(f"{self.name} ended (status {status}); starting it again in {wait:.0f} s. Its log: {self.log}")
            await asyncio.sleep(wait)
            if self._stopping:
                return
            await self.start()

    async def stop(self, seconds: float = 15.0) -> None:
        """Ask it to end, and end it if it does not."""
        self._stopping = True
        if self.process is None or self.process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), seconds)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


def end_with_parent() -> None:
    """Ask Linux for SIGTERM when the parent dies, however it dies; elsewhere this does nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() == 1:
            os._exit(1)


def last_line(log: Path) -> str:
    """The last line of a log, for a message."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1] if lines else "it left no message"
