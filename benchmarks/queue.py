"""What the queue costs: from a request to its start, against plain Celery and a raw Redis list, and the loop's lag while Redis hangs.

``python -m benchmarks.queue [--quick]``
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import statistics
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from typing import cast

import redis
import redis.asyncio

from benchmarks import plain_celery
from benchmarks.rig import WIDE, Rig, job, percentile, rig
from contracts.redis_store import RedisJobQueue
from contracts.requests import ImagineRequest

HANG_SECONDS = 3.0
LAG_STEP_SECONDS = 0.005
DONE = f"{plain_celery.DONE}plain"
Start = Callable[[], Awaitable[float]]
"""Asks for one job and returns the seconds until it started."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under a minute")
    number = 60 if parser.parse_args().quick else 400
    with rig() as running:
        running.start_worker()
        running.wait_for_workers(1)
        command = [sys.executable, "-m", "celery", "-A", "benchmarks.plain_celery", "worker", "--pool=threads", "--concurrency=16", "--queues=plain"]
        running.start([*command, "--loglevel=WARNING", "--without-gossip", "--without-mingle"], "plain.log")
        plain_celery.app.conf.broker_url = running.url
        figures = asyncio.run(measure(running, number))
    for name, value in figures.items():
        print(f"{name:28} {value}")
    print(json.dumps(figures))


async def measure(running: Rig, number: int) -> dict[str, float]:
    """Starts in turn: one of each kind after the other, so that all meet the same noise."""
    pool = redis.asyncio.BlockingConnectionPool.from_url(running.url, max_connections=32, timeout=5, socket_timeout=5)
    async with redis.asyncio.Redis(connection_pool=pool) as client:
        queue = RedisJobQueue(client, WIDE, sends=True)
        with raw_consumer(running.url) as raw:
            starts: dict[str, Start] = {
                "ours": lambda: ours(queue),
                "celery": lambda: through_celery(running.client),
                "raw_redis": lambda: through_list(client, raw),
            }
            seconds: dict[str, list[float]] = {name: [] for name in starts}
            for turn in range(number + 10):
                for name, start in starts.items():
                    taken = await start()
                    if turn >= 10:
                        seconds[name].append(taken)
        lag = await loop_lag(queue, running)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    return {
        **{f"{name}_p50_ms": round(1e3 * median, 2) for name, median in medians.items()},
        **{f"{name}_p95_ms": round(1e3 * percentile(values, 0.95), 2) for name, values in seconds.items()},
        "ratio_to_celery": round(medians["ours"] / medians["celery"], 2),
        "ratio_to_raw_redis": round(medians["ours"] / medians["raw_redis"], 2),
        "loop_lag_p99_ms": round(1e3 * percentile(lag, 0.99), 1),
        "loop_lag_max_ms": round(1e3 * max(lag), 1),
    }


async def ours(queue: RedisJobQueue) -> float:
    """Record, line, message, claim."""
    one = job(ImagineRequest(model="digits", prompt="7", count=1, seed=1))
    handed_in = time.time()
    await queue.submit(one)
    while await queue.redis.zcard(queue.keys.open):  # noqa: ASYNC110 - the job ends in another process
        await asyncio.sleep(0.002)
    return float(cast("bytes", await queue.redis.hget(queue.keys.job(one.id), "started_at"))) - handed_in


async def through_celery(client: redis.Redis) -> float:
    """A plain Celery task that notes when it starts."""
    client.delete(DONE)
    handed_in = time.time()
    await asyncio.to_thread(plain_celery.app.send_task, "plain.nothing", args=["0"], queue="plain")
    while not client.hlen(DONE):  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.002)
    return float(cast("bytes", client.hget(DONE, "0"))) - handed_in


class Raw:
    """The least there can be: a thread that takes from a list."""

    key = "raw:list"

    def __init__(self) -> None:
        self.started_at = 0.0
        self.heard = threading.Event()


@contextlib.contextmanager
def raw_consumer(url: str):  # type: ignore[no-untyped-def]
    """Runs while the block does."""
    raw, client = Raw(), redis.Redis.from_url(url)

    def consume() -> None:
        while cast("tuple[bytes, bytes]", client.brpop([raw.key]))[1] != b"end":
            raw.started_at = time.time()
            raw.heard.set()

    thread = threading.Thread(target=consume)
    thread.start()
    yield raw
    with redis.Redis.from_url(url) as other:
        other.lpush(raw.key, "end")
    thread.join()
    client.close()


async def through_list(client: redis.asyncio.Redis, raw: Raw) -> float:
    """One push, one pop."""
    raw.heard.clear()
    handed_in = time.time()
    await client.lpush(raw.key, "job")
    await asyncio.to_thread(raw.heard.wait)
    return raw.started_at - handed_in


async def loop_lag(queue: RedisJobQueue, running: Rig) -> list[float]:
    """How late the loop wakes while requests come in and Redis hangs."""
    lags: list[float] = []

    async def watch() -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(LAG_STEP_SECONDS)
            lags.append(time.monotonic() - before - LAG_STEP_SECONDS)

    async def ask() -> None:
        with contextlib.suppress(redis.RedisError):
            await queue.submit(job(ImagineRequest(model="digits", prompt="7", count=1, seed=1)))

    watching = asyncio.create_task(watch())
    running.server.send_signal(signal.SIGSTOP)
    try:
        asked = [asyncio.create_task(ask()) for _ in range(50)]
        await asyncio.sleep(HANG_SECONDS)
    finally:
        running.server.send_signal(signal.SIGCONT)
    await asyncio.gather(*asked)
    watching.cancel()
    return lags


if __name__ == "__main__":
    main()
