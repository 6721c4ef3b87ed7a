"""Both forms of the job records, driven the same way."""

from __future__ import annotations

import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import redis
import redis.asyncio

from aigc.embedded_redis import find_server
from contracts.memory import MemoryJobLedger, MemoryJobQueue, MemoryStore
from contracts.ports import JobLedger, JobQueue, Limits
from contracts.redis_store import RedisJobLedger, RedisJobQueue


@dataclass
class Stores:
    """One store seen from both sides; ``wait`` lets its clock pass."""

    queue: JobQueue
    ledger: JobLedger
    limits: Limits
    wait: Callable[[float], None]


SHORT = Limits(
    waiting_per_user=3,
    waiting_in_all=5,
    lease_seconds=0.15,
    max_crashes=2,
    resend_seconds=0.1,
    worker_ttl_seconds=0.3,
)


def memory_stores(limits: Limits = SHORT) -> Stores:
    now = [time.time()]
    store = MemoryStore(limits=limits, clock=lambda: now[0])

    def wait(seconds: float) -> None:
        now[0] += seconds

    return Stores(MemoryJobQueue(store), MemoryJobLedger(store), limits, wait)


@asynccontextmanager
async def redis_stores(url: str, limits: Limits = SHORT) -> AsyncIterator[Stores]:
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        async with redis.asyncio.Redis.from_url(url) as asynchronous:
            yield Stores(RedisJobQueue(asynchronous, limits), RedisJobLedger(client, limits), limits, partial(_wait, client))


def _wait(client: redis.Redis, seconds: float) -> None:
    """Let time pass. Redis has no clock that can be set: instead, what it has noted is moved the other way."""
    if seconds > 0:
        time.sleep(seconds)
        return
    for key in (b"aigc:leases", b"aigc:deadlines", b"aigc:workers"):
        for member in cast("list[bytes]", client.zrange(key, 0, -1)):
            client.zincrby(key, -seconds, member)
    for key in client.scan_iter("aigc:job:*"):
        if client.hexists(key, "sent_at"):
            client.hincrbyfloat(key, "sent_at", -seconds)


@contextmanager
def redis_server(folder: Path, port: int) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A real Redis server with an append-only file in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [find_server(), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--appendonly", "yes", "--save", ""]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"
    client = redis.Redis.from_url(url)
    try:
        until = time.monotonic() + 20
        while True:
            try:
                client.ping()
                break
            except redis.ConnectionError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.01)
        yield url, process
    finally:
        client.close()
        process.terminate()
        process.wait()
