"""Shows how jobs get on: place in line, time left, pictures being drawn, text as it grows. The newest state wins.

The state is pulled from the records at the rate at which Discord may be edited, instead of being pushed at the rate at which it changes:
a slow channel then costs no memory, and a restarted bot simply pulls again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field

import aiohttp
import discord
import redis

from bot import render
from bot.courier import Courier
from contracts.outcomes import Snapshot
from contracts.ports import JobQueue
from contracts.requests import Job

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.2
FIRST_EDIT_SECONDS = 0.7
EDIT_SECONDS = 1.2
"""Discord lets a webhook token edit about five times in five seconds; one edit in 1.2 s leaves room for the final one."""


@dataclass(eq=False)
class _Followed:
    job: Job
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    edited_at: float = 0.0
    shown: str = ""
    over: bool = False


class Follower:
    """Follows the jobs of this process until they are delivered."""

    def __init__(self, queue: JobQueue, courier: Courier) -> None:
        self.queue, self.courier = queue, courier
        self._followed: dict[str, _Followed] = {}
        self._edits: set[asyncio.Task[None]] = set()

    def follow(self, job: Job) -> None:
        """Show this job's progress from now on."""
        first = time.monotonic() - EDIT_SECONDS + FIRST_EDIT_SECONDS
        self._followed.setdefault(job.id, _Followed(job, edited_at=first))

    async def finish(self, job_id: str) -> None:
        """Stop following; returns when no edit of the job is under way, so that the final one is the last."""
        followed = self._followed.pop(job_id, None)
        if followed:
            followed.over = True
            async with followed.lock:
                pass

    async def resume(self) -> None:
        """Follow all jobs that are under way, after a restart."""
        for job_id in await self.queue.open_jobs():
            job = await self.queue.job(job_id)
            if job:
                self.follow(job)

    async def run(self) -> None:
        """Poll and edit until cancelled."""
        while True:
            try:
                await self._round()
            except (redis.ConnectionError, redis.TimeoutError) as error:
                logger.debug("action=follow_paused error=%s", type(error).__name__)
            await asyncio.sleep(POLL_SECONDS)

    async def _round(self) -> None:
        now = time.monotonic()
        due = [f for f in self._followed.values() if now - f.edited_at >= EDIT_SECONDS and not f.lock.locked()]
        snapshots = await self.queue.snapshots([followed.job.id for followed in due])
        for followed, snapshot in zip(due, snapshots, strict=True):
            if snapshot is None or snapshot.state.ended:
                self._followed.pop(followed.job.id, None)  # the delivery has it, here or in another process
                continue
            task = asyncio.create_task(self._show(followed, snapshot))
            self._edits.add(task)
            task.add_done_callback(self._edits.discard)

    async def _show(self, followed: _Followed, snapshot: Snapshot) -> None:
        rendered = render.under_way(followed.job, snapshot)
        if rendered.content == followed.shown:
            return
        async with followed.lock:
            if followed.over:
                return
            try:
                message_id = await self.courier.edit(followed.job, rendered)
                if message_id and not followed.shown:
                    await self.queue.set_message(followed.job.id, message_id)
                followed.shown = rendered.content
            except discord.HTTPException as error:
                logger.info("action=progress_not_shown job_id=%s status=%d code=%d", followed.job.id, error.status, error.code)
            except (aiohttp.ClientError, OSError, redis.RedisError) as error:
                logger.info("action=progress_not_shown job_id=%s error=%s", followed.job.id, type(error).__name__)
            followed.edited_at = time.monotonic()
