"""Takes requests in: defer, write the job's record, tell the workers, follow it."""

from __future__ import annotations

import asyncio
import logging
import time

import discord
import redis
from pydantic import SecretStr

from bot import words
from bot.dispatch import Dispatcher
from bot.follower import Follower
from bot.metrics import BotMetrics
from contracts.away import is_away
from contracts.ports import JobQueue, Refused
from contracts.requests import ImagineRequest, Job, Reply, WriteRequest
from contracts.routes import route_of

logger = logging.getLogger(__name__)

TOKEN_SECONDS = 15 * 60.0
RETRY_SECONDS = 10.0
QUEUE_PATIENCE_SECONDS = 60.0
"""How long an accepted request waits for a queue that is away, for instance because Redis restarts."""


class Intake:
    """Turns interactions into jobs."""

    def __init__(self, queue: JobQueue, dispatcher: Dispatcher, follower: Follower, job_seconds: float, metrics: BotMetrics) -> None:
        self.queue, self.dispatcher, self.follower, self.job_seconds, self.metrics = queue, dispatcher, follower, job_seconds, metrics

    async def accept(self, interaction: discord.Interaction, request: ImagineRequest | WriteRequest, parent: str | None = None) -> None:
        """Answer at once with "thinking", then queue the request; a refusal is seen by the person only."""
        response = await interaction.response.defer(thinking=True)
        job = self._job(interaction, request, parent, str(response.message_id) if response and response.message_id else None)
        try:
            refused = await self._submit(job)
        except (redis.RedisError, OSError) as error:
            logger.warning("action=job_not_queued job_id=%s error=%s", job.id, type(error).__name__)
            await _take_back(interaction, words.QUEUE_AWAY)
            return
        if refused:
            self.metrics.refused.labels(refused.code.value).inc()
            logger.info("action=job_refused job_id=%s code=%s", job.id, refused.code.value)
            await _take_back(interaction, words.error_text(refused.code, refused.details, await self._retry_at(job.user_id)))
            return
        self.metrics.accepted.labels(request.model).inc()
        self.follower.follow(job)
        if not self.queue.sends:
            await self._dispatch(route_of(request))
        logger.info("action=job_queued job_id=%s model=%s", job.id, request.model)

    async def _dispatch(self, route: str) -> None:
        """Send the messages of those whose turn it is, often the new job itself; if that fails, the workers' heartbeat does it."""
        try:
            turns = await self.queue.dispatch([route])
        except (redis.RedisError, OSError) as error:
            logger.info("action=dispatch_postponed route=%s error=%s", route, type(error).__name__)
            return
        for job_id, job_route in turns:
            await self.dispatcher.send(job_id, job_route)

    async def _retry_at(self, user_id: str) -> int:
        """When a refused person may try again (Unix time): when their oldest waiting job is likely to be done, or else in a moment."""
        try:
            snapshots = await self.queue.snapshots(await self.queue.open_jobs(user_id))
        except redis.RedisError as error:
            logger.info("action=retry_time_unknown error=%s", type(error).__name__)
            snapshots = []
        known = [snapshot.seconds_left for snapshot in snapshots if snapshot and snapshot.seconds_left]
        return int(time.time() + max(RETRY_SECONDS, min(known, default=0.0)))

    async def _submit(self, job: Job) -> Refused | None:
        """Write the record. It is idempotent, so a lost answer of Redis is met by doing it again."""
        until = time.monotonic() + QUEUE_PATIENCE_SECONDS
        while True:
            try:
                return await self.queue.submit(job)
            except redis.RedisError as error:
                if not is_away(error) or time.monotonic() > until:
                    raise
                await asyncio.sleep(0.3)

    def _job(self, interaction: discord.Interaction, request: ImagineRequest | WriteRequest, parent: str | None, message_id: str | None) -> Job:
        created = interaction.created_at.timestamp()
        reply = Reply(
            application_id=str(interaction.application_id),
            channel_id=str(interaction.channel_id),
            message_id=message_id,
            token=SecretStr(interaction.token),
            token_expires_at=created + TOKEN_SECONDS,
        )
        return Job(
            id=str(interaction.id),
            request=request,
            user_id=str(interaction.user.id),
            guild_id=str(interaction.guild_id) if interaction.guild_id else None,
            reply=reply,
            parent=parent,
            created_at=created,
            deadline_at=time.time() + self.job_seconds,
        )


async def _take_back(interaction: discord.Interaction, text: str) -> None:
    """Replace the public "thinking" by a note that only the person sees."""
    await interaction.delete_original_response()
    await interaction.followup.send(text, ephemeral=True)
