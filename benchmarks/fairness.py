"""What one person's thousand requests do to the others, and whether weights hold: the real line, Celery and a worker.

``python -m benchmarks.fairness [--quick]``
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from typing import cast

import redis.asyncio

from benchmarks.rig import WIDE, Rig, job, percentile, rig
from contracts.redis_store import RedisJobQueue
from contracts.requests import ImagineRequest, Job

MODEST_USERS = 50
ORDINARY, FAVOURED = "101", "102"
SHARES = {ORDINARY: 1.0, FAVOURED: 3.0}
WARMING, HOG = "1", "2"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under a minute: fewer jobs")
    arguments = parser.parse_args()
    with rig() as running:
        running.start_worker()
        running.wait_for_workers(1)
        figures = asyncio.run(measure(running, hog_jobs=300 if arguments.quick else 1000, each=2 if arguments.quick else 6))
    for name, value in figures.items():
        print(f"{name:28} {value}")
    print(json.dumps(figures))


async def measure(running: Rig, hog_jobs: int, each: int) -> dict[str, float]:
    """Waits of modest people alone and beside a hog; shares of two servers of different weight."""
    async with redis.asyncio.Redis.from_url(running.url, max_connections=64) as client:
        queue = RedisJobQueue(client, WIDE, sends=True)
        modest = [_picture(f"9{user}") for _ in range(each) for user in range(MODEST_USERS)]
        await _run(queue, [_picture(WARMING) for _ in range(50)])
        alone = await _run(queue, modest)
        hog = [_picture(HOG) for _ in range(hog_jobs)]
        modest_again = [_picture(f"9{user}") for _ in range(each) for user in range(MODEST_USERS)]
        beside = await _run(queue, [*hog, *modest_again])
        waits_alone = [alone[one.id] for one in modest]
        waits_beside = [beside[one.id] for one in modest_again]
        weights = await _weights(queue, hog_jobs)
        return {
            "hog_jobs": hog_jobs,
            "modest_users": MODEST_USERS,
            "modest_p50_alone_seconds": round(percentile(waits_alone, 0.5), 3),
            "modest_p95_alone_seconds": round(percentile(waits_alone, 0.95), 3),
            "modest_p50_beside_hog_seconds": round(percentile(waits_beside, 0.5), 3),
            "modest_p95_beside_hog_seconds": round(percentile(waits_beside, 0.95), 3),
            "modest_longest_wait_seconds": round(max(waits_beside), 3),
            "hog_p95_seconds": round(percentile([beside[one.id] for one in hog], 0.95), 3),
            "wait_ratio": round(percentile(waits_beside, 0.95) / percentile(waits_alone, 0.95), 3),
            "weight_error": round(weights, 3),
        }


async def _weights(queue: RedisJobQueue, number: int) -> float:
    """How far the turns of two servers are from their weights while both have jobs waiting (relative)."""
    await queue.redis.hset(queue.keys.shares, mapping={name: str(share) for name, share in SHARES.items()})
    jobs = [_picture(f"{name}{index % 5}", name) for index in range(number) for name in SHARES]
    waits = await _run(queue, jobs)
    first = sorted(jobs, key=lambda one: waits[one.id] + one.created_at)[: number // 2]
    turns = {name: sum(one.guild_id == name for one in first) for name in SHARES}
    expected = SHARES[FAVOURED] / SHARES[ORDINARY]
    return abs(turns[FAVOURED] / turns[ORDINARY] / expected - 1)


def _picture(user: str, server: str = "1") -> Job:
    return job(ImagineRequest(model="digits", prompt="7", count=1, seed=1), user=user, server=server)


async def _run(queue: RedisJobQueue, jobs: Sequence[Job]) -> dict[str, float]:
    """Submit all at once and wait until all have ended; the seconds from each one's submission to its start."""
    submitted = {}
    for one in jobs:
        if await queue.submit(one):
            raise RuntimeError("a job was refused")
        submitted[one.id] = time.time()
    while await queue.open_jobs():  # noqa: ASYNC110 - the jobs end in another process
        await asyncio.sleep(0.05)
    pipe = queue.redis.pipeline(transaction=False)
    for one in jobs:
        pipe.hget(queue.keys.job(one.id), "started_at")
    started = cast("list[bytes]", await pipe.execute())
    return {one.id: float(value) - submitted[one.id] for one, value in zip(jobs, started, strict=True)}


if __name__ == "__main__":
    main()
