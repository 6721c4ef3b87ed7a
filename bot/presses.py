"""What the buttons do, and who may press them. Their state is in the custom id and the job's record, so they outlive restarts."""

from __future__ import annotations

import discord
import redis

from bot import options, words
from bot.intake import Intake
from bot.options import OptionError
from bot.values import Action, Press
from contracts.outcomes import TextOutcome
from contracts.ports import JobQueue
from contracts.requests import ImagineRequest, Job, WriteRequest

OWNERS_ONLY = frozenset({Action.STOP, Action.DELETE})


class Presses:
    """Handles the presses of all buttons."""

    def __init__(self, queue: JobQueue, intake: Intake) -> None:
        self.queue, self.intake = queue, intake

    async def handle(self, interaction: discord.Interaction, press: Press) -> None:
        """Do what a button says."""
        try:
            job = await self.queue.job(press.job_id)
        except (redis.RedisError, OSError):
            await tell(interaction, words.QUEUE_AWAY)
            return
        if job is None:
            await tell(interaction, words.TOO_OLD)
        elif press.action in OWNERS_ONLY and not may_change(interaction, job):
            await tell(interaction, f"Only <@{job.user_id}> or a moderator can do that.")
        else:
            await self._do(interaction, press, job)

    async def _do(self, interaction: discord.Interaction, press: Press, job: Job) -> None:
        if press.action is Action.STOP:
            await self.stop(interaction, job.id)
        elif press.action is Action.DELETE:
            await interaction.response.defer()
            await interaction.delete_original_response()
        else:
            try:
                request = await self._next(press, job)
            except OptionError as error:
                await tell(interaction, str(error))
                return
            await self.intake.accept(interaction, request, parent=job.id)

    async def _next(self, press: Press, job: Job) -> ImagineRequest | WriteRequest:
        if press.action is Action.VARY and isinstance(job.request, ImagineRequest):
            return options.vary(job.request, press.index)
        if press.action in (Action.CONTINUE, Action.ENDING) and isinstance(job.request, WriteRequest):
            ended = await self.queue.ended(job.id)
            if ended is None or not isinstance(ended.outcome, TextOutcome):
                raise OptionError(words.TOO_OLD)
            text, titled = ended.outcome.text, ended.outcome.titled
            return options.end_anew(job.request, text, titled) if press.action is Action.ENDING else options.go_on(job.request, text, titled, job.id)
        return options.reroll(job.request)

    async def stop(self, interaction: discord.Interaction, job_id: str) -> None:
        """Cancel a job; its message tells the rest."""
        await interaction.response.defer()
        await self.queue.cancel(job_id)


def may_change(interaction: discord.Interaction, job: Job) -> bool:
    """The person whose job it is, or a moderator of the channel."""
    return str(interaction.user.id) == job.user_id or interaction.permissions.manage_messages


async def tell(interaction: discord.Interaction, text: str) -> None:
    """Words for the person who asked only."""
    await interaction.response.send_message(text, ephemeral=True, allowed_mentions=discord.AllowedMentions.none())
