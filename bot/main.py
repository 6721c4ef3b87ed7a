"""Compose the bot and keep it online until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import logging
import signal

import aiohttp
import discord
import redis.asyncio
from redis.asyncio import BlockingConnectionPool

from bot.client import AigcClient
from bot.settings import BotSettings

logger = logging.getLogger(__name__)

FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 1.0, 60.0


def run_bot(settings: BotSettings | None = None) -> int:
    """Run until a signal; exit status 2 if Discord refuses the token."""
    return asyncio.run(_run(settings or BotSettings()))


async def _run(settings: BotSettings) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    running = asyncio.create_task(_keep_online(settings))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if running.done():
        return running.result()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return 0


async def _keep_online(settings: BotSettings) -> int:
    """Connect, and connect again when the very first connection fails: discord.py itself retries later ones only."""
    # A blocking pool: an outage of Redis then queues callers up instead of failing them.
    pool = BlockingConnectionPool.from_url(
        settings.redis_url.get_secret_value(), max_connections=32, timeout=5, socket_timeout=5, socket_connect_timeout=2, health_check_interval=15
    )
    wait = FIRST_RETRY_SECONDS
    async with redis.asyncio.Redis(connection_pool=pool) as client:
        while True:
            try:
                async with AigcClient(settings, client) as bot:
                    await bot.start(settings.token.get_secret_value())
                    return 0
            except (discord.LoginFailure, discord.PrivilegedIntentsRequired) as error:
                logger.error("action=login_refused reason=%s", error)  # noqa: TRY400 - the reason is all there is to know
                return 2
            except AttributeError:
                # What discord.py raises when the first gateway connection fails: it asks the socket it never had.
                if bot.is_ready():
                    raise
                logger.warning("action=gateway_unreachable retry_seconds=%.0f", wait)
            except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
                logger.warning("action=discord_unreachable error=%s retry_seconds=%.0f", type(error).__name__, wait)
            await asyncio.sleep(wait)
            wait = min(2 * wait, LAST_RETRY_SECONDS)
