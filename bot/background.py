"""Background work of the bot: loops that are started anew after an error, tasks that end with their owner."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

logger = logging.getLogger(__name__)

RESTART_SECONDS = 1.0
CLOSE_SECONDS = 5.0


class Background:
    """Owns tasks: nothing it started outlives :meth:`close`."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def spawn(self, work: Coroutine[Any, Any, None], done: Callable[[], object] | None = None) -> None:
        """Start a task; ``done`` is called when it has ended, however it did. After :meth:`close` nothing starts any more."""
        if self._closed:
            work.close()
            if done:
                done()
            return
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if done:
            task.add_done_callback(lambda _: done())

    def keep_running(self, loop: Callable[[], Awaitable[None]]) -> None:
        """Start a loop. An error that nobody foresaw is logged, and the loop starts anew."""
        self.spawn(_restarted(loop))

    async def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Cancel everything and wait for it, but not for ever: a library that swallows a cancellation must not keep the bot from ending."""
        self._closed = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if not tasks:
            return
        _, stuck = await asyncio.wait(tasks, timeout=seconds)
        for task in stuck:
            logger.warning("action=task_did_not_end task=%s", task.get_coro())


async def _restarted(loop: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await loop()
        except Exception:
            logger.exception("action=background_work_failed loop=%s", getattr(loop, "__qualname__", loop))
            await asyncio.sleep(RESTART_SECONDS)
        else:
            return
