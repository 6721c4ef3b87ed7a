"""Puts a message where it belongs: by the interaction's token while that is good, then as the bot's own message, then as a new one."""

from __future__ import annotations

import logging
import time
from typing import Any

import discord

from bot import render, views
from bot.values import Rendered
from contracts.requests import Job

logger = logging.getLogger(__name__)

TOKEN_MARGIN_SECONDS = 20.0
NO_MENTIONS = discord.AllowedMentions.none()
UNKNOWN_MESSAGE, BLOCKED_BY_AUTOMOD = 10008, 200000
BAD_REQUEST, UNAUTHORISED, TOO_LARGE, RATE_LIMITED = 400, 401, 413, 429
ORIGINAL: Any = "@original"


class Undeliverable(Exception):  # noqa: N818 - an end, not an error
    """Nothing can be posted any more: the channel or the message is gone, or the bot may not write there."""


class Courier:
    """Edits the answers of jobs."""

    def __init__(self, client: discord.Client) -> None:
        self.client = client

    @property
    def closed(self) -> bool:
        """Whether the connection is gone for good."""
        return self.client.is_closed()

    async def edit(self, job: Job, rendered: Rendered) -> str | None:
        """Show progress by the interaction's token; returns the message's id, None if the token is spent."""
        if time.time() > job.reply.token_expires_at - TOKEN_MARGIN_SECONDS:
            return None
        message = await self._webhook(job).edit_message(
            ORIGINAL, content=rendered.content, attachments=views.files(rendered), view=views.view(rendered), allowed_mentions=NO_MENTIONS
        )
        return str(message.id)

    async def deliver(self, job: Job, rendered: Rendered, message_id: str | None) -> None:
        """Post the final result, whatever still works; words instead of it if Discord does not take its content.

        Raises:
            Undeliverable: nothing works.
            discord.HTTPException: Discord had a passing problem; try again.
        """
        try:
            await self._by_any_way(job, rendered, message_id)
        except discord.HTTPException as error:
            if not _content_refused(error):
                raise
            await self._by_any_way(job, render.refused(job), message_id)
            raise Undeliverable(f"Discord does not take the answer: status {error.status}, code {error.code}") from error

    async def _by_any_way(self, job: Job, rendered: Rendered, message_id: str | None) -> None:
        try:
            if await self.edit(job, rendered):
                return
        except discord.HTTPException as error:
            if error.code == UNKNOWN_MESSAGE:
                raise Undeliverable("the answer's message was deleted") from error
            if _passing(error) or _content_refused(error):
                raise
            logger.warning("action=edit_by_token_failed job_id=%s status=%d code=%d", job.id, error.status, error.code)
        try:
            await self._by_channel(job, rendered, message_id or job.reply.message_id)
        except discord.HTTPException as error:
            # 401 is the bot's own token: that is not this message's fault, and the next start may have a good one.
            if _passing(error) or _content_refused(error) or error.status == UNAUTHORISED:
                raise
            raise Undeliverable(f"status {error.status}, code {error.code}") from error

    async def _by_channel(self, job: Job, rendered: Rendered, message_id: str | None) -> None:
        channel = self.client.get_partial_messageable(int(job.reply.channel_id))
        if message_id:
            message = channel.get_partial_message(int(message_id))
            await message.edit(content=rendered.content, attachments=views.files(rendered), view=views.view(rendered), allowed_mentions=NO_MENTIONS)
        else:
            # The nonce is the job's id: a repeat within minutes posts nothing new.
            await channel.send(
                content=rendered.content, files=views.files(rendered), view=views.view(rendered), nonce=job.id, allowed_mentions=NO_MENTIONS
            )

    def _webhook(self, job: Job) -> discord.Webhook:
        return discord.Webhook.partial(int(job.reply.application_id), job.reply.token.get_secret_value(), client=self.client)


def _passing(error: discord.HTTPException) -> bool:
    """Whether the same may work later."""
    return error.status >= 500 or error.status == RATE_LIMITED


def _content_refused(error: discord.HTTPException) -> bool:
    """Whether Discord minds what is said, not where: malformed, too large, or blocked by the server's AutoMod."""
    return error.status in (BAD_REQUEST, TOO_LARGE) or error.code == BLOCKED_BY_AUTOMOD
