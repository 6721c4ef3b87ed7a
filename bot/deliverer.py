"""Delivers every ended job once: reads the stream with the bots' group, edits the answer, marks it delivered, then acknowledges."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial

import aiohttp
import discord
import redis

from bot import render
from bot.background import Background
from bot.courier import Courier, Undeliverable
from bot.follower import Follower
from bot.metrics import BotMetrics
from contracts.ports import Event, JobQueue

logger = logging.getLogger(__name__)

BLOCK_SECONDS = 1.0
TAKE_OVER_SECONDS = 5.0
"""After this long an event that its bot has not acknowledged is taken over by another one (or by the same, after a restart)."""
AT_ONCE = 16


class Deliverer:
    """One process's part in the delivery."""

    def __init__(
        self, queue: JobQueue, courier: Courier, follower: Follower, background: Background, consumer: str, metrics: BotMetrics | None = None
    ) -> None:
        self.queue, self.courier, self.follower, self.background, self.consumer = queue, courier, follower, background, consumer
        self.metrics = metrics or BotMetrics()
        self._under_way: set[str] = set()
        self._room = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            try:
                for event in await self.queue.events(self.consumer, BLOCK_SECONDS, TAKE_OVER_SECONDS):
                    if event.token not in self._under_way:
                        self._under_way.add(event.token)
                        self.background.spawn(self._deliver(event), partial(self._under_way.discard, event.token))
            except (redis.ConnectionError, redis.TimeoutError, redis.ResponseError) as error:
                logger.warning("action=delivery_paused error=%s", type(error).__name__)
                await asyncio.sleep(0.5)

    async def _deliver(self, event: Event) -> None:
        """Deliver one job. A passing problem leaves the event unacknowledged, so that it comes again."""
        async with self._room:
            result = "postponed"
            try:
                await self._post(event)
                await self.queue.acknowledge(event)
                result = "delivered"
            except Undeliverable as end:
                logger.warning("action=undeliverable job_id=%s reason=%s", event.job_id, end)
                await self.queue.acknowledge(event, problem=str(end))
                result = "undeliverable"
            except (discord.HTTPException, aiohttp.ClientError, OSError, redis.RedisError) as error:
                logger.warning("action=delivery_postponed job_id=%s error=%s", event.job_id, type(error).__name__)
            except Exception as error:
                if self.courier.closed:
                    return  # the connection went away under the delivery: the event comes again, here or to another bot
                # A result that cannot be rendered would come back for ever: note it, and let go of it.
                logger.exception("action=delivery_failed job_id=%s", event.job_id)
                await self.queue.acknowledge(event, problem=f"a defect of the bot: {type(error).__name__}")
                result = "failed"
            finally:
                self.metrics.deliveries.labels(result).inc()

    async def _post(self, event: Event) -> None:
        started = time.monotonic()
        await self.follower.finish(event.job_id)
        ended = await self.queue.ended(event.job_id)
        if ended is None or ended.delivered:
            return
        message_id = await self.queue.message_of(event.job_id)
        await self.courier.deliver(ended.job, render.ended(ended), message_id)
        waited = time.time() - ended.job.created_at
        self.metrics.answered.labels(ended.job.request.model).observe(max(0.0, waited))
        logger.info(
            "action=delivered job_id=%s state=%s seconds=%.3f in_all=%.3f", event.job_id, ended.state.value, time.monotonic() - started, waited
        )
