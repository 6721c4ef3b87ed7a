"""SIGKILL of worker, bot and Redis at random moments under load: is any accepted job lost, or posted twice?

The whole real stack: playground, the bot on the unmodified discord.py, Redis with its append-only file, a Celery worker.
``python -m benchmarks.faults [--quick] [--jobs N] [--kills N] [--seed N]``
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import redis
import redis.asyncio

from aigc import embedded_redis
from benchmarks.rig import WIDE, percentile
from benchmarks.stack import TOKEN, Stack, finals, until_ready
from contracts.redis_store import RedisJobLedger, RedisJobQueue
from playground import objects, server
from playground.world import DiscordError, Interaction

OPEN_AT_ONCE = 60
SETTLE_SECONDS = 120.0
PATIENCE_SECONDS = 60.0
"""An interaction whose bot was killed before it wrote the record is never answered; after this long it stops counting as open."""


@dataclass
class Tally:
    """What happened so far."""

    used: dict[str, Interaction] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    killed_running: list[tuple[float, dict[str, int]]] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under a minute")
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--kills", type=int)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    jobs, kills = arguments.jobs or (400 if arguments.quick else 4200), arguments.kills or (3 if arguments.quick else 18)
    figures = asyncio.run(measure(jobs, kills, random.Random(arguments.seed)))
    for name, value in figures.items():
        print(f"{name:28} {value}")
    print(json.dumps(figures))


async def measure(jobs: int, kills: int, rng: random.Random) -> dict[str, object]:
    """Use commands until ``jobs`` were used, killing a random process now and then; then count what arrived."""
    with tempfile.TemporaryDirectory(prefix="aigc-faults-") as name:
        folder = Path(name)
        prepared = embedded_redis.prepare(folder / "redis")
        stack = Stack(folder, prepared.command, prepared.url)
        async with server.serve(folder / "world", TOKEN, folder / "d.sock", port=0) as playground:
            try:
                for part in ("redis", "worker", "bot"):
                    await stack.start(part)
                await until_ready(stack, playground)
                tally, started = Tally(), time.monotonic()
                killer = asyncio.create_task(_kill_now_and_then(stack, tally, jobs, kills, rng))
                await _use(playground, tally, jobs, rng)
                await killer
                await _settle(stack, playground, tally)
                return await _count(stack, playground, tally, time.monotonic() - started)
            finally:
                await stack.stop()


async def _use(playground: server.Playground, tally: Tally, jobs: int, rng: random.Random) -> None:
    """People use commands, a bounded number at once; while the bot is away they wait."""
    command = next(c for c in playground.world.commands if c["name"] == "imagine")
    people, channel = list(objects.PEOPLE), next(iter(objects.CHANNELS))
    options = [{"name": "prompt", "type": 3, "value": "7"}, {"name": "count", "type": 4, "value": 1}]
    while len(tally.used) < jobs:
        done = finals(playground)
        now = time.time()
        num_open = sum(i.id not in done and now - i.created_at < PATIENCE_SECONDS for i in tally.used.values())
        for _ in range(min(OPEN_AT_ONCE - num_open, jobs - len(tally.used))):
            try:
                used = playground.world.interact(
                    2, rng.choice(people), channel, {"id": command["id"], "name": "imagine", "type": 1, "options": options}
                )
            except DiscordError:
                break  # the bot is being started
            tally.used[used.id] = used
        await asyncio.sleep(0.1)


async def _kill_now_and_then(stack: Stack, tally: Tally, jobs: int, kills: int, rng: random.Random) -> None:
    """Spread over the jobs: a part in turn, after a random pause, so that every state of a job meets every kind of death."""
    parts = ["worker", "bot", "redis"]
    for number in range(kills):
        while len(tally.used) < jobs * (number + 0.5) / (kills + 1):  # noqa: ASYNC110 - what is waited for is a count
            await asyncio.sleep(0.02)
        await asyncio.sleep(rng.uniform(0, 1))
        part = parts[number % len(parts)]
        if part == "worker":
            tally.killed_running.append((time.time(), await asyncio.to_thread(_running, stack.url)))
        await stack.kill(part)
        tally.kills[part] += 1


def _running(url: str) -> dict[str, int]:
    """The running jobs and their attempts."""
    with redis.Redis.from_url(url) as client:
        keys = RedisJobLedger(client).keys
        ids = [cast("bytes", row).decode() for row in client.zrange(f"{keys.prefix}leases", 0, -1)]
        return {job_id: int(cast("bytes", client.hget(keys.job(job_id), "attempt"))) for job_id in ids}


async def _settle(stack: Stack, playground: server.Playground, tally: Tally) -> None:
    """Wait until every record has ended and been posted."""
    until = time.monotonic() + SETTLE_SECONDS
    async with redis.asyncio.Redis.from_url(stack.url) as client:
        queue = RedisJobQueue(client, WIDE, sends=True)
        while time.monotonic() < until:
            waiting = await queue.open_jobs()
            length = await client.xlen(queue.keys.events)
            if not waiting and not length:
                return
            await asyncio.sleep(0.2)


async def _count(stack: Stack, playground: server.Playground, tally: Tally, seconds: float) -> dict[str, object]:
    done = finals(playground)
    async with redis.asyncio.Redis.from_url(stack.url) as client:
        queue = RedisJobQueue(client, WIDE, sends=True)
        accepted = [job_id for job_id in tally.used if await client.exists(queue.keys.job(job_id))]
        failed = 0
        for job_id in accepted:
            ended = await queue.ended(job_id)
            failed += not (ended and ended.state.value == "succeeded")
        reruns = []
        for killed_at, running in tally.killed_running:
            for job_id, attempt in running.items():
                now_attempt, started = await client.hmget(queue.keys.job(job_id), "attempt", "started_at")
                if started and int(now_attempt) == attempt + 1 and float(started) > killed_at:
                    reruns.append(float(started) - killed_at)
    return {
        "jobs": len(accepted),
        "kills": sum(tally.kills.values()),
        "kills_of": dict(tally.kills),
        "lost": sum(done[job_id] == 0 for job_id in accepted),
        "posted_twice": sum(count > 1 for count in done.values()),
        "not_succeeded": failed,
        "never_accepted": len(tally.used) - len(accepted),
        "reruns": len(reruns),
        "rerun_p95_seconds": round(percentile(reruns, 0.95), 2) if reruns else None,
        "seconds": round(seconds, 1),
    }


if __name__ == "__main__":
    main()
