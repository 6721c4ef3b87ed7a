"""The Discord client: composes commands, buttons, progress and delivery around one connection."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import secrets
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import discord
import redis
import redis.asyncio
from discord import app_commands

from bot.background import Background
from bot.commands import add_commands, say_sorry
from bot.courier import Courier
from bot.deliverer import Deliverer
from bot.dispatch import CeleryDispatcher
from bot.follower import Follower
from bot.intake import Intake
from bot.metrics import BotMetrics
from bot.options import Catalogue
from bot.presses import Presses
from bot.settings import BotSettings
from bot.values import CUSTOM_ID, Action, Press
from contracts.redis_store import RedisJobQueue

logger = logging.getLogger(__name__)

CATALOGUE_SECONDS = 1.0
COMMANDS_KEY = "aigc:commands:"
CLOSE_SECONDS = 10.0


class AigcClient(discord.AutoShardedClient):
    """The bot. It needs no privileged intent: it reads commands and buttons only."""

    def __init__(self, settings: BotSettings, client: redis.asyncio.Redis) -> None:
        socket = settings.discord_socket
        connector = aiohttp.UnixConnector(str(socket), limit=0) if socket else None
        extra: dict[str, Any] = {"connector": connector, "guild_ready_timeout": 0.05} if connector else {}
        super().__init__(intents=discord.Intents(guilds=True), allowed_mentions=discord.AllowedMentions.none(), **extra)
        self.settings, self._redis, self._created_at = settings, client, time.monotonic()
        self.catalogue = Catalogue()
        self.queue = RedisJobQueue(client, settings.limits, sends=settings.sends)
        courier = Courier(self)
        self._background, self.metrics = Background(), BotMetrics()
        self.follower = Follower(self.queue, courier, self._background, self.metrics)
        self.deliverer = Deliverer(self.queue, courier, self.follower, self._background, consumer=f"bot-{secrets.token_hex(6)}", metrics=self.metrics)
        intake = Intake(self.queue, CeleryDispatcher(settings.broker), self.follower, settings.job_minutes * 60, self.metrics)
        self._stop_metrics: Callable[[], None] | None = None
        self.presses = Presses(self.queue, intake)
        self.tree = app_commands.CommandTree(self)
        add_commands(self.tree, self.queue, intake, self.known_models)

    async def setup_hook(self) -> None:
        """After login, before the gateway: register the commands, start the background work."""
        if self.settings.metrics_port:
            self._stop_metrics = self.metrics.serve(self.settings.metrics_address, self.settings.metrics_port)
        await self._refresh_catalogue()
        await self._sync_commands()
        for loop in (self._watch_catalogue, self._resume_following, self.follower.run, self.deliverer.run):
            self._background.keep_running(loop)

    async def close(self) -> None:
        """Stop the background work first: a delivery must not find its connection closed. Then the connection, with a limit."""
        await self._background.close()
        if self._stop_metrics:
            await asyncio.to_thread(self._stop_metrics)
            self._stop_metrics = None
        try:
            await asyncio.wait_for(super().close(), CLOSE_SECONDS)
        except TimeoutError:
            logger.warning("action=connection_did_not_close")

    async def on_ready(self) -> None:
        """Online."""
        self.metrics.guilds.set(len(self.guilds))
        logger.info("action=ready guilds=%d seconds=%.3f", len(self.guilds), time.monotonic() - self._created_at)

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Route presses of our buttons by their custom id; commands are routed by the tree."""
        if interaction.type is not discord.InteractionType.component or not interaction.data:
            return
        match = CUSTOM_ID.fullmatch(str(interaction.data.get("custom_id", "")))
        if match:
            press = Press(action=Action(match["action"]), job_id=match["job"], index=int(match["index"]))
            try:
                await self.presses.handle(interaction, press)
            except Exception:
                logger.exception("action=press_failed press=%s job_id=%s", press.action.value, press.job_id)
                await say_sorry(interaction)

    async def _sync_commands(self) -> None:
        """Register the commands if they changed; Discord limits how many may be created a day."""
        payload = [command.to_dict(self.tree) for command in self.tree.get_commands()]
        digest = hashlib.sha256(json.dumps(payload, sort_keys=True, default=str).encode()).hexdigest()
        key = f"{COMMANDS_KEY}{self.application_id}"
        try:
            known = await self._redis.get(key)
        except redis.RedisError:
            known = None
        if known == digest.encode() and not self.settings.discord_socket:
            return
        await self.tree.sync()
        logger.info("action=commands_registered count=%d", len(payload))
        try:
            await self._redis.set(key, digest)
        except redis.RedisError:
            logger.warning("action=commands_hash_not_kept")  # the next start registers them again

    async def _refresh_catalogue(self) -> None:
        try:
            cards, workers = await asyncio.gather(self.queue.cards(), self.queue.workers())
        except (redis.RedisError, OSError) as error:
            logger.debug("action=catalogue_kept error=%s", type(error).__name__)
            return
        live = frozenset(card.name for worker in workers for card in worker.models)
        preferred = tuple(name.strip() for name in self.settings.default_models.split(","))
        self.catalogue = Catalogue(cards=tuple(cards), live=live, preferred=preferred)

    async def known_models(self) -> Catalogue:
        """The catalogue; before the first worker has been seen it is looked up at once, so that a fresh start is not a refusal."""
        if not self.catalogue.live:
            await self._refresh_catalogue()
        return self.catalogue

    async def _watch_catalogue(self) -> None:
        while True:
            await asyncio.sleep(CATALOGUE_SECONDS)
            await self._refresh_catalogue()
            if self.settings.heartbeat_file and self.is_ready():
                self.settings.heartbeat_file.touch()  # what the container's health check looks at

    async def _resume_following(self) -> None:
        while True:
            try:
                await self.follower.resume()
            except (redis.RedisError, OSError):
                await asyncio.sleep(1)
            else:
                return
