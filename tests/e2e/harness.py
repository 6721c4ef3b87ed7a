"""The real stack for tests: Redis, Celery worker processes, the playground and the unmodified discord.py."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis.asyncio
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from pydantic import SecretStr

from bot.client import AigcClient
from bot.settings import BotSettings
from contracts.redis_store import RedisJobQueue
from playground import objects, server
from playground.world import Interaction, World
from tests.support.openapi import Recorder

TOKEN = "MTAwMDAwMDAwMDAwMDAwMDAwMQ==.local.secret-of-the-tests"
YOU, ADA = list(objects.PEOPLE)[:2]
CHANNEL = next(iter(objects.CHANNELS))
Message = dict[str, Any]
Fault = Callable[[web.Request], web.Response | None]
"""Answers a request of the bot in Discord's place, or leaves it to the playground."""


class Worker:
    """A Celery worker process."""

    command: tuple[str, ...] = ("-m", "aigc", "worker")
    settings: Mapping[str, str] = {}

    def __init__(self, redis_url: str, log: Path) -> None:
        self.redis_url, self.log = redis_url, log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it announces itself when it is warm."""
        environment = {**os.environ, "REDIS_URL": self.redis_url, "AIGC_DRAIN_SECONDS": "1", **self.settings}
        with self.log.open("ab") as output:
            self.process = subprocess.Popen([sys.executable, *self.command], env=environment, stdout=output, stderr=output)

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM: a graceful end; returns the exit status."""
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self.process is not None and self.process.poll() is None


@contextlib.asynccontextmanager
async def kept_running(worker: Worker) -> AsyncIterator[list[int]]:
    """As a supervisor does: start the worker again whenever it ends; yields the statuses with which it did."""
    ends: list[int] = []

    async def keep() -> None:
        while True:
            worker.start()
            await until(lambda: worker.running, lambda running: not running, 600)
            assert worker.process
            ends.append(worker.process.returncode)

    keeping = asyncio.create_task(keep())
    try:
        yield ends
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        if worker.running:
            worker.kill()


async def wait_for_workers(redis_url: str, count: int = 1, seconds: float = 60) -> None:
    """Wait until so many workers are announced."""
    async with redis.asyncio.Redis.from_url(redis_url, socket_timeout=5) as client:
        queue = RedisJobQueue(client)
        await until(lambda: _count(queue), lambda found: found == count, seconds)


async def _count(queue: RedisJobQueue) -> int:
    return len(await queue.workers())


async def until(look: Callable[[], Any], good: Callable[[Any], Any], seconds: float = 30) -> Any:
    """Look again and again until what is seen is good."""
    end = time.monotonic() + seconds
    while True:
        seen = look()
        if asyncio.iscoroutine(seen):
            seen = await seen
        if good(seen):
            return seen
        assert time.monotonic() < end, f"after {seconds} s there was still only: {seen!r}"
        await asyncio.sleep(0.01)


@dataclass
class Scene:
    """A playground with its bot, and what people do in it."""

    world: World
    playground: server.Playground
    redis_url: str
    socket: Path
    recorder: Recorder
    faults: list[Fault] = field(default_factory=list)
    history: list[tuple[float, str, Message]] = field(default_factory=list)
    bot: AigcClient | None = None
    _stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    async def start_bot(self) -> float:
        """Bring the bot online; returns the seconds that took."""
        started = time.monotonic()
        client = await self._stack.enter_async_context(redis.asyncio.Redis.from_url(self.redis_url, socket_timeout=5, max_connections=64))
        values = {"DISCORD_TOKEN": SecretStr(TOKEN), "REDIS_URL": SecretStr(self.redis_url), "discord_socket": self.socket}
        self.bot = AigcClient(BotSettings.model_validate(values), client)
        running = asyncio.create_task(self.bot.start(TOKEN))
        await until(lambda: (self.bot and self.bot.is_ready()) or running.done(), bool)
        if running.done():
            running.result()
        self._running = running
        return time.monotonic() - started

    async def stop_bot(self) -> None:
        """Take the bot offline."""
        assert self.bot
        await asyncio.wait_for(self.bot.close(), 20)
        await asyncio.wait_for(self._running, 20)
        await self._stack.aclose()

    def use(self, name: str, *, user: str = YOU, **options: Any) -> Interaction:
        """Use a command with these options, unchecked: what the bot gets is what is given here."""
        command = next(c for c in self.world.commands if c["name"] == name)
        kinds = {option["name"]: option["type"] for option in command["options"]}
        values = [{"name": key, "type": kinds[key], "value": value} for key, value in options.items()]
        return self.world.interact(2, user, CHANNEL, {"id": command["id"], "name": name, "type": 1, "options": values})

    def press(self, message: Message, action: str, index: int = 0, *, user: str = YOU) -> Interaction:
        """Press a button of a message."""
        ids = [c["custom_id"] for row in message["components"] for c in row["components"]]
        custom_id = next(i for i in ids if i.startswith(f"aigc:{action}:") and i.endswith(f":{index}"))
        return self.world.interact(3, user, CHANNEL, {"custom_id": custom_id, "component_type": 2}, message)

    def answers(self, interaction: Interaction) -> list[Message]:
        """The messages that answer an interaction, as they are now."""
        return [m for m in self.world.messages.values() if m.get("interaction_metadata", {}).get("id") == interaction.id]

    async def answer(self, interaction: Interaction, seconds: float = 60) -> Message:
        """The final answer: private, or one that can be deleted."""
        return (await until(lambda: [m for m in self.answers(interaction) if final(m)], bool, seconds))[0]


def final(message: Message) -> bool:
    """Whether an answer is final."""
    private = message["flags"] & 64 and not message["flags"] & 128
    return bool(private) or "aigc:delete:" in str(message["components"])


def _faulty(faults: list[Fault]) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        answers = (fault(request) for fault in faults)
        return next((answer for answer in answers if answer), None) or await handler(request)

    return middleware


def refusing(status: int, code: int, applies: Callable[[web.Request], bool]) -> Fault:
    """Discord's refusal of the requests that ``applies`` picks."""
    body = json.dumps({"code": code, "message": "refused"}).encode()
    return lambda request: web.Response(body=body, content_type="application/json", status=status) if applies(request) else None


@contextlib.asynccontextmanager
async def scene(redis_url: str, folder: Path, *, bot: bool = True) -> AsyncIterator[Scene]:
    """A playground in ``folder`` with a bot that uses the Redis at ``redis_url``."""
    recorder = Recorder()
    faults: list[Fault] = []
    socket = folder / "d.sock"
    async with server.serve(folder / "world", TOKEN, socket, port=0, middlewares=[recorder.middleware(), _faulty(faults)]) as playground:
        opened = Scene(playground.world, playground, redis_url, socket, recorder, faults)
        publish = playground.world.publish

        def note(kind: str, data: Message, only_for: str | None) -> None:
            opened.history.append((time.monotonic(), kind, data))
            publish(kind, data, only_for)

        playground.world.publish = note
        if bot:
            await opened.start_bot()
        try:
            yield opened
        finally:
            if opened.bot and not opened.bot.is_closed():
                await opened.stop_bot()
