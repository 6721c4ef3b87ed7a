"""What ``aigc doctor`` looks at. Each check says what is, and what to do if that is not enough."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import redis

from aigc.settings import LocalSettings

if TYPE_CHECKING:
    import discord

OLDEST_REDIS = (6, 2)
CLOCK_SECONDS = 2.0
FREE_BYTES_WANTED = 1024**3
GUILDS_LOOKED_AT = 10
INVITED_PERMISSIONS = ("view_channel", "send_messages", "attach_files")


@dataclass(frozen=True, kw_only=True)
class Check:
    """One finding. With ``advice`` and not ``failed`` it is a warning."""

    name: str
    words: str
    advice: str = ""
    failed: bool = False

    @property
    def mark(self) -> str:
        """How it looks at a glance."""
        return "✗" if self.failed else "!" if self.advice else "✓"


def of_redis(settings: LocalSettings) -> Iterator[Check]:
    """Reachable, new enough, durable, and of the same time as this machine."""
    if settings.redis_url is None:
        yield from _embedded_redis()
        return
    with redis.Redis.from_url(settings.redis_url.get_secret_value(), socket_connect_timeout=2, socket_timeout=5) as client:
        try:
            info = cast("dict[str, Any]", client.info())
            configured = cast("dict[str, str]", client.config_get("maxmemory-policy"))
            seconds, micros = cast("tuple[int, int]", client.time())
        except redis.AuthenticationError:
            yield Check(name="Redis", words="it refuses the password", advice="correct the password in REDIS_URL", failed=True)
            return
        except redis.RedisError as error:
            yield Check(name="Redis", words=f"no answer ({type(error).__name__})", advice="start it, or correct REDIS_URL", failed=True)
            return
    yield from _facts(info, configured.get("maxmemory-policy", ""), abs(time.time() - seconds - micros / 1e6))


def _embedded_redis() -> Iterator[Check]:
    from aigc.embedded_redis import NoRedisError, find_server

    try:
        yield Check(name="Redis", words=f"REDIS_URL is not set: `aigc up` starts {find_server()}")
    except NoRedisError as error:
        yield Check(name="Redis", words="none", advice=str(error), failed=True)


def _facts(info: dict[str, Any], policy: str, clock_off: float) -> Iterator[Check]:
    version = str(info["redis_version"])
    new_enough = tuple(int(part) for part in version.split(".")[:2]) >= OLDEST_REDIS
    yield Check(name="Redis", words=f"version {version}", advice="" if new_enough else "install 6.2 or newer", failed=not new_enough)
    durable = bool(info.get("aof_enabled"))
    yield Check(
        name="Durability",
        words="append-only file is on" if durable else "append-only file is off",
        advice="" if durable else "set `appendonly yes`: without it a restart of Redis loses all requests that wait",
    )
    if policy != "noeviction" and int(info.get("maxmemory", 0)):
        yield Check(name="Memory", words=f"maxmemory-policy is {policy}", advice="set it to noeviction: else Redis drops requests when it is full")
    if int(info.get("aof_enabled", 0)) and info.get("aof_last_write_status") != "ok":
        yield Check(name="Disk of Redis", words="the last write of the append-only file failed", advice="free some space on its disk", failed=True)
    same = clock_off < CLOCK_SECONDS
    yield Check(name="Clock", words=f"{clock_off:.1f} s apart from Redis", advice="" if same else "synchronise the clocks (NTP)")


def of_disk(home: Path) -> Iterator[Check]:
    """Room for data and logs."""
    place = next(folder for folder in (home.resolve(), *home.resolve().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    short = free < FREE_BYTES_WANTED
    yield Check(name="Disk", words=f"{free / 1024**3:.1f} GiB free at {place}", advice="free some space: logs and results need it" if short else "")


def of_models() -> Iterator[Check]:
    """At least one model of each kind that can be read."""
    try:
        from aigc_core.models import find_models
        from workers.shelf import readable_cards
    except ModuleNotFoundError as error:
        yield Check(name="Models", words=f"this installation has no worker (no {error.name})")
        return
    folders = find_models()
    cards = readable_cards(folders)
    broken = sorted(set(folders) - set(cards))
    words = ", ".join(f"{card.name} ({card.kind})" for card in cards.values()) or "none"
    yield Check(name="Models", words=words, advice="" if cards else "train one with `aigc train`, or set AIGC_MODELS", failed=not cards)
    if broken:
        yield Check(name="Broken models", words=", ".join(broken), advice="their cards cannot be read; the worker's log says why")


def of_device() -> Iterator[Check]:
    """What the worker would compute on."""
    try:
        import torch
    except ModuleNotFoundError:
        return
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    yield Check(name="Device", words=f"{name}, PyTorch {torch.__version__}")


def of_token(settings: LocalSettings, *, offline: bool) -> Iterator[Check]:
    """Whether Discord takes the token, and whether the bot may do its work where it was invited."""
    if settings.token is None:
        yield Check(name="Token", words="DISCORD_TOKEN is not set: the bot runs on the local chat page")
    elif offline:
        yield Check(name="Token", words="set; not tried")
    else:
        yield from asyncio.run(_ask_discord(settings.token.get_secret_value()))


async def _ask_discord(token: str) -> list[Check]:
    import aiohttp
    import discord

    wanted = discord.Permissions(**dict.fromkeys(INVITED_PERMISSIONS, True))
    async with discord.Client(intents=discord.Intents.none()) as client:
        try:
            await client.login(token)
            guilds = [guild async for guild in client.fetch_guilds(limit=GUILDS_LOOKED_AT)]
            lacking = [guild.name for guild in guilds if not await _may_work(client, guild.id, wanted)]
        except discord.LoginFailure:
            return [Check(name="Token", words="Discord refuses it", advice="make a new one in the developer portal: Bot → Reset Token", failed=True)]
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            return [Check(name="Token", words=f"Discord does not answer ({type(error).__name__})", advice="look at the network, then try again")]
        link = discord.utils.oauth_url(client.application_id or 0, permissions=wanted, scopes=("bot", "applications.commands"))
        found = [Check(name="Token", words=f"good; the bot is {client.user} on {len(guilds)} servers")]
        if not guilds:
            found.append(Check(name="Invitation", words="the bot is on no server yet", advice=f"invite it: {link}"))
        return found + [Check(name="Permissions", words=f"too few on {name}", advice=f"invite it again: {link}") for name in lacking]


async def _may_work(client: discord.Client, guild_id: int, wanted: discord.Permissions) -> bool:
    """Whether the bot's roles on a server give it what it needs; single channels may still take that away."""
    assert client.user
    guild = await client.fetch_guild(guild_id)
    me = await guild.fetch_member(client.user.id)
    return me.guild_permissions.is_superset(wanted)
