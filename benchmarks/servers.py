"""The three servers that are compared: our engine, plain Celery, celery-batches. Each takes jobs by number and says which are done."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol, cast

import redis.asyncio

from benchmarks import plain_celery
from benchmarks.rig import WIDE, Rig, job
from contracts.redis_store import RedisJobQueue
from contracts.requests import ImagineRequest, WriteRequest

Request = ImagineRequest | WriteRequest
QUIET = ("--loglevel=WARNING", "--without-gossip", "--without-mingle")


class Server(Protocol):
    """Something that serves requests."""

    async def submit(self, request: Request) -> str:
        """Hand a request in; returns its job's name."""

    async def done(self) -> dict[str, float]:
        """Jobs that have ended since the last call, and when their results were there."""


class EngineServer:
    """Our queue, worker and engine."""

    def __init__(self, queue: RedisJobQueue) -> None:
        self.queue, self._seen = queue, "0"
        self._users = 0

    async def submit(self, request: Request) -> str:
        """Record, turn and message in one step."""
        self._users += 1
        one = job(request, user=str(self._users))
        if await self.queue.submit(one):
            raise RuntimeError("a job was refused")
        return one.id

    async def done(self) -> dict[str, float]:
        """From the event stream, as the bot learns of it; the time is that of the records."""
        client = self.queue.redis
        rows = cast("list[tuple[bytes, dict[bytes, bytes]]]", await client.xrange(self.queue.keys.events, min=f"({self._seen}"))
        if not rows:
            return {}
        self._seen = rows[-1][0].decode()
        pipe = client.pipeline(transaction=False)
        for _, row in rows:
            pipe.hmget(self.queue.keys.job(row[b"id"].decode()), "ended_at", "state")
        ended = {}
        for (_, row), (when, state) in zip(rows, await pipe.execute(), strict=True):
            if state != b"succeeded":
                raise RuntimeError(f"a job ended as {state.decode()}")
            ended[row[b"id"].decode()] = float(when)
        return ended


class CeleryServer:
    """Tasks of ``benchmarks.plain_celery``, or of the same names on another queue."""

    def __init__(self, client: redis.asyncio.Redis, queue: str) -> None:
        self.client, self.queue, self._number = client, queue, 0

    async def submit(self, request: Request) -> str:
        """A task by name."""
        self._number += 1
        name = f"{self.queue}{self._number}"
        await plain_celery.send(name, request, self.queue)
        return name

    async def done(self) -> dict[str, float]:
        """From the hash that the tasks fill."""
        key = plain_celery.DONE + self.queue
        rows = cast("dict[bytes, bytes]", await self.client.hgetall(key))
        if rows:
            await self.client.hdel(key, *rows)
        return {name.decode(): float(when) for name, when in rows.items()}


@contextlib.asynccontextmanager
async def engine(running: Rig) -> AsyncIterator[Server]:
    """Our worker, serving the zoo and the simulated device."""
    running.start([sys.executable, "-m", "benchmarks.simulated"], "worker.log", AIGC_MAX_TEXTS="64", AIGC_MAX_PICTURES="64", AIGC_SLOTS="160")
    running.wait_for_workers(1)
    async with redis.asyncio.Redis.from_url(running.url, max_connections=64) as client:
        yield EngineServer(RedisJobQueue(client, WIDE, sends=True))


@contextlib.asynccontextmanager
async def plain(running: Rig) -> AsyncIterator[Server]:
    """One task a job, one job at a time."""
    async with _celery(running, [sys.executable], "benchmarks.plain_celery", "plain") as server:
        yield server


@contextlib.asynccontextmanager
async def batches(running: Rig, python: Path) -> AsyncIterator[Server]:
    """Static batches of whatever came within a moment; ``python`` has celery-batches."""
    async with _celery(running, [str(python)], "benchmarks.celery_batches", "batches") as server:
        yield server


@contextlib.asynccontextmanager
async def _celery(running: Rig, python: Sequence[str], module: str, queue: str) -> AsyncIterator[Server]:
    options = ["--pool=solo", f"--queues={queue}", *QUIET]
    running.start([*python, "-m", "celery", "-A", module, "worker", *options], f"{queue}.log")
    plain_celery.app.conf.broker_url = running.url
    async with redis.asyncio.Redis.from_url(running.url) as client:
        yield CeleryServer(client, queue)


def now() -> float:
    """The time that Redis notes too: both run on this machine."""
    return time.time()
