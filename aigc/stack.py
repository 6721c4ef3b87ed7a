"""The whole stack on one machine: Redis, playground (without a token), worker, bot; started in order, ended in order."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import secrets
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import redis
import redis.asyncio

from aigc import embedded_redis
from aigc.children import Child, ChildFailed, last_line
from contracts.redis_store import RedisJobQueue

READY_SECONDS = 120.0
PLAYGROUND_ID = "1000000000000000001"


@dataclass(kw_only=True)
class Stack:
    """A running stack. ``address`` is the chat page's; None on Discord."""

    redis_url: str
    address: str | None
    children: dict[str, Child] = field(default_factory=dict)

    async def keep(self) -> None:
        """Keep all children running until cancelled.

        Raises:
            ChildFailed: one ended for good.
        """
        keepers = [asyncio.create_task(child.keep()) for child in self.children.values()]
        try:
            done, _ = await asyncio.wait(keepers, return_when=asyncio.FIRST_EXCEPTION)
            for keeper in done:
                keeper.result()
        finally:
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)


@contextlib.asynccontextmanager
async def running_stack(
    home: Path, port: int, report: Callable[[str], None], *, token: str | None = None, redis_url: str | None = None
) -> AsyncIterator[Stack]:
    """Start everything and wait until it answers; end everything on the way out.

    Without ``token`` the bot runs on a playground, without ``redis_url`` on a Redis of its own.

    Raises:
        ChildFailed: a part did not start; the message names its log.
    """
    home.mkdir(parents=True, exist_ok=True)
    logs = home / "logs"
    environment = dict(os.environ)
    stack = Stack(redis_url=redis_url or "", address=None)

    async def start(name: str, *command: str) -> Child:
        child = Child(name, command, environment, logs / f"{name}.log", report)
        await child.start()
        stack.children[name] = child
        return child

    # Unix socket paths are limited to about 100 bytes, a home folder's path is not.
    with tempfile.TemporaryDirectory(prefix="aigc-") as short:
        try:
            if not stack.redis_url:
                server = embedded_redis.prepare(home / "redis")
                stack.redis_url = server.url
                await start("redis", *server.command)
            environment["REDIS_URL"] = stack.redis_url
            await _wait_for_redis(stack)
            if token is None:
                await _start_playground(stack, start, environment, home, Path(short), port)
            else:
                environment["DISCORD_TOKEN"] = token
            await start("worker", sys.executable, "-m", "aigc", "worker")
            await start("bot", sys.executable, "-m", "aigc", "bot")
            await _wait_until_ready(stack)
            yield stack
        finally:
            # Reversed: the bot stops taking requests before the worker drains, and Redis goes last.
            for child in reversed(stack.children.values()):
                await child.stop()


async def _start_playground(stack: Stack, start: Callable, environment: dict[str, str], home: Path, short: Path, port: int) -> None:  # type: ignore[type-arg]
    socket, address_file = short / "discord.sock", short / "address"
    # Shaped as Discord's own: base64(id).time.secret
    environment["DISCORD_TOKEN"] = f"{base64.b64encode(PLAYGROUND_ID.encode()).decode()}.local.{secrets.token_urlsafe(27)}"
    environment["AIGC_DISCORD_SOCKET"] = str(socket)
    options = ("--home", str(home / "playground"), "--socket", str(socket), "--port", str(port), "--address-file", str(address_file))
    child = await start("playground", sys.executable, "-m", "aigc", "playground", *options)
    await _until(address_file.exists, child)
    stack.address = address_file.read_text(encoding="utf-8")


async def _wait_for_redis(stack: Stack) -> None:
    client = redis.Redis.from_url(stack.redis_url, socket_connect_timeout=1, socket_timeout=2)

    def answers() -> bool:
        try:
            return bool(client.ping())
        except redis.RedisError:  # not yet up, or still loading its data
            return False

    try:
        await _until(answers, stack.children.get("redis"))
    finally:
        client.close()


async def _wait_until_ready(stack: Stack) -> None:
    """A worker has announced itself, and (on the playground) the bot is online with its commands."""
    client = redis.asyncio.Redis.from_url(stack.redis_url)
    queue = RedisJobQueue(client)
    until = time.monotonic() + READY_SECONDS
    try:
        while not (await queue.workers() and (stack.address is None or await asyncio.to_thread(_bot_online, stack.address))):
            for child in stack.children.values():
                _check(child)
            if time.monotonic() > until:
                raise ChildFailed(f"the stack was not ready after {READY_SECONDS:.0f} s")
            await asyncio.sleep(0.05)
    finally:
        await client.aclose()


def _bot_online(address: str) -> bool:
    with urllib.request.urlopen(f"{address}/page/state", timeout=5) as response:  # noqa: S310 - our own page on this machine
        state = json.load(response)
    return bool(state["bot"]["online"] and state["commands"])


async def _until(condition: Callable[[], bool], child: Child | None) -> None:
    until = time.monotonic() + READY_SECONDS
    while not condition():
        if child:
            _check(child)
        if time.monotonic() > until:
            raise ChildFailed(f"{child.name if child else 'Redis'} did not answer within {READY_SECONDS:.0f} s")
        await asyncio.sleep(0.02)


def _check(child: Child) -> None:
    if child.process and child.process.returncode is not None:
        raise ChildFailed(f"{child.name} did not start: {last_line(child.log)} (its log: {child.log})")
