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
from bot.background import Background
from bot.courier import Courier, Undeliverable
from bot.metrics import BotMetrics
from bot.pace import Pace
from contracts.away import is_away
from contracts.outcomes import Snapshot
from contracts.ports import JobQueue
from contracts.requests import Job

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.2
FIRST_EDIT_SECONDS = 0.7
MEND_SECONDS = 10.0
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

    def __init__(self, queue: JobQueue, courier: Courier, background: Background, metrics: BotMetrics | None = None) -> None:
        self.queue, self.courier, self.background = queue, courier, background
        self.metrics = metrics or BotMetrics()
        self.pace = Pace()
        self._followed: dict[str, _Followed] = {}

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
            except redis.RedisError as error:
                if not is_away(error):
                    raise
                logger.debug("action=follow_paused error=%s", type(error).__name__)
            await asyncio.sleep(POLL_SECONDS)

    async def _round(self) -> None:
        due = self._due(time.monotonic())
        snapshots = await self.queue.snapshots([followed.job.id for followed in due])
        for followed, snapshot in zip(due, snapshots, strict=True):
            if snapshot is None or snapshot.state.ended:
                self._followed.pop(followed.job.id, None)  # the delivery has it, here or in another process
                continue
            self.background.spawn(self._show(followed, snapshot))

    def _due(self, now: float) -> list[_Followed]:
        """Those that have waited longest for an edit, as many as their channels take now."""
        self.pace.keep({followed.job.reply.channel_id for followed in self._followed.values()})
        ready = [f for f in self._followed.values() if now - f.edited_at >= EDIT_SECONDS and not f.lock.locked()]
        return [f for f in sorted(ready, key=lambda f: f.edited_at) if self.pace.take(f.job.reply.channel_id, now)]

    async def _show(self, followed: _Followed, snapshot: Snapshot) -> None:
        rendered = render.under_way(followed.job, snapshot)
        if rendered.content == followed.shown:
            return
        async with followed.lock:
            if followed.over:
                return
            result, started = "not_shown", time.monotonic()
            try:
                message_id = await self.courier.edit(followed.job, rendered)
                if message_id and not followed.shown:
                    await self.queue.set_message(followed.job.id, message_id)
                followed.shown, result = rendered.content, "shown"
            except discord.HTTPException as error:
                logger.info("action=progress_not_shown job_id=%s status=%d code=%d", followed.job.id, error.status, error.code)
            except (aiohttp.ClientError, OSError, redis.RedisError) as error:
                logger.info("action=progress_not_shown job_id=%s error=%s", followed.job.id, type(error).__name__)
            self.metrics.edits.labels(result).inc()
            followed.edited_at = time.monotonic()
            self.pace.note(followed.job.reply.channel_id, followed.edited_at - started)
        await self._mend(followed)

    async def _mend(self, followed: _Followed) -> None:
        """Another bot may have delivered the job while this edit was on its way: then the final answer has to be shown again."""
        until = time.monotonic() + MEND_SECONDS
        while not followed.over and time.monotonic() < until:
            try:
                ended = await self.queue.ended(followed.job.id)
                if ended is None:
                    return
                if ended.delivered:
                    message_id = await self.queue.message_of(followed.job.id)
                    await self.courier.deliver(followed.job, render.ended(ended), message_id)
                    return
            except Undeliverable as end:
                logger.info("action=not_mended job_id=%s reason=%s", followed.job.id, end)
                return
            except (discord.HTTPException, aiohttp.ClientError, OSError, redis.RedisError) as error:
                logger.info("action=mend_postponed job_id=%s error=%s", followed.job.id, type(error).__name__)
            await asyncio.sleep(POLL_SECONDS)
