"""The engine behind the real queue against the same models served one job a task by plain Celery, in one run.

``python -m benchmarks.engine [--quick]``. Texts of mixed length (40 to 400 characters), single pictures, and a mix of both.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import redis.asyncio

from benchmarks import plain_celery
from benchmarks.rig import WIDE, Rig, job, percentile, rig
from contracts.redis_store import RedisJobQueue
from contracts.requests import ImagineRequest, WriteRequest

Request = ImagineRequest | WriteRequest
KINDS = ("pictures", "texts", "mix")


@dataclass(frozen=True)
class Measured:
    """One level: how many jobs a second were done, and how long each took."""

    jobs_per_second: float
    p50: float
    p95: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about a minute: levels 1 and 64, no mix")
    arguments = parser.parse_args()
    levels = (1, 64) if arguments.quick else (1, 8, 64, 256)
    kinds = KINDS[:2] if arguments.quick else KINDS
    with rig() as running:
        table = asyncio.run(measure_all(running, kinds, levels))
    print(json.dumps(report(table, kinds, levels)))


def requests(kind: str, number: int, seed: int = 0) -> list[Request]:
    """Requests as people make them."""
    rng = random.Random(seed)
    picture = [ImagineRequest(model="digits", prompt="7", count=4, seed=4 * index) for index in range(number)]
    texts = [WriteRequest(model="bard", prompt="To be, or not", length=rng.randint(40, 400), seed=index) for index in range(number)]
    if kind == "mix":
        return [(picture if index % 4 else texts)[index] for index in range(number)]
    return list(picture if kind == "pictures" else texts)


Measure = Callable[[Sequence[Request]], Awaitable[list[tuple[float, float]]]]
"""Hands requests in at once; returns when each was handed in and done."""
Table = dict[tuple[str, int, str], Measured]
"""By kind, level and server."""


async def measure_all(running: Rig, kinds: Sequence[str], levels: Sequence[int]) -> Table:
    """Every kind at every level; the servers take turns, so that all meet the same noise. One that waits costs next to nothing."""
    async with contextlib.AsyncExitStack() as stack:
        servers = {name: await stack.enter_async_context(serve(running)) for name, serve in SERVERS.items()}
        table: Table = {}
        for kind in kinds:
            for measure in servers.values():
                await measure(requests(kind, 8))  # first calls, learned costs
            for level in levels:
                for name, figures in (await _in_turn(servers, kind, level)).items():
                    table[kind, level, name] = figures
        return table


async def _in_turn(servers: Mapping[str, Measure], kind: str, level: int) -> dict[str, Measured]:
    """What takes a moment only is measured several times."""
    repeats = (100 if kind == "pictures" else 20) if level == 1 else 3 if kind == "pictures" else 1
    spans: dict[str, list[float]] = {name: [] for name in servers}
    busy = dict.fromkeys(servers, 0.0)
    for repeat in range(repeats):
        for name, measure in servers.items():
            times = await measure(requests(kind, level, seed=repeat))
            spans[name] += [done - handed_in for handed_in, done in times]
            busy[name] += max(done for _, done in times) - min(handed_in for handed_in, _ in times)
    return {name: Measured(level * repeats / busy[name], percentile(spans[name], 0.5), percentile(spans[name], 0.95)) for name in servers}


@contextlib.asynccontextmanager
async def through_engine(running: Rig) -> AsyncIterator[Measure]:
    """Our queue, worker and engine."""
    running.start_worker(AIGC_MAX_TEXTS="64", AIGC_MAX_PICTURES="64", AIGC_SLOTS="128")
    running.wait_for_workers(1)
    async with redis.asyncio.Redis.from_url(running.url, max_connections=64) as client:
        queue = RedisJobQueue(client, WIDE, sends=True)

        async def measure(wanted: Sequence[Request]) -> list[tuple[float, float]]:
            jobs, handed_in = [job(request, user=str(number)) for number, request in enumerate(wanted)], {}
            for one in jobs:
                handed_in[one.id] = time.time()
                await queue.submit(one)
            while await client.zcard(queue.keys.open):  # noqa: ASYNC110 - the jobs end in another process
                await asyncio.sleep(0.005)
            done = [cast("bytes", await client.hget(queue.keys.job(one.id), "ended_at")) for one in jobs]
            return [(handed_in[one.id], float(when)) for one, when in zip(jobs, done, strict=True)]

        yield measure


@contextlib.asynccontextmanager
async def through_plain_celery(running: Rig) -> AsyncIterator[Measure]:
    """One task a job, one at a time."""
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "benchmarks.plain_celery",
        "worker",
        "--pool=solo",
        "--loglevel=WARNING",
        "--without-gossip",
        "--without-mingle",
    ]
    running.start(command, "plain.log")
    plain_celery.app.conf.broker_url = running.url

    async def measure(wanted: Sequence[Request]) -> list[tuple[float, float]]:
        client = running.client
        client.delete(plain_celery.DONE)
        handed_in = []
        for number, request in enumerate(wanted):
            handed_in.append(time.time())
            size = request.count if isinstance(request, ImagineRequest) else request.length
            name = "plain.pictures" if isinstance(request, ImagineRequest) else "plain.text"
            await asyncio.to_thread(plain_celery.app.send_task, name, args=[str(number), request.prompt, size, request.seed])
        while cast("int", client.hlen(plain_celery.DONE)) < len(wanted):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.005)
        done = cast("dict[bytes, bytes]", client.hgetall(plain_celery.DONE))
        return [(start, float(done[str(number).encode()])) for number, start in enumerate(handed_in)]

    yield measure


SERVERS: dict[str, Callable[[Rig], contextlib.AbstractAsyncContextManager[Measure]]] = {
    "engine": through_engine,
    "plain Celery": through_plain_celery,
}


def report(table: Table, kinds: Sequence[str], levels: Sequence[int]) -> dict[str, Any]:
    """Print the table; returns the figures."""
    figures: dict[str, Any] = {}
    print(f"{'':9} {'at once':>7}  {'engine jobs/s':>13} {'p95 s':>7}  {'Celery jobs/s':>13} {'p95 s':>7}  {'gain':>6}")
    for kind in kinds:
        for level in levels:
            ours, plain = table[kind, level, "engine"], table[kind, level, "plain Celery"]
            gain = ours.jobs_per_second / plain.jobs_per_second
            print(f"{kind:9} {level:7}  {ours.jobs_per_second:13.2f} {ours.p95:7.3f}  {plain.jobs_per_second:13.2f} {plain.p95:7.3f}  {gain:6.2f}")
            figures[f"{kind}_{level}"] = {"engine": vars(ours), "plain_celery": vars(plain), "gain": round(gain, 2)}
    singles = [table[kind, 1, "engine"].p50 / table[kind, 1, "plain Celery"].p50 for kind in ("pictures", "texts")]
    return {
        **figures,
        "text_speedup_64": figures["texts_64"]["gain"],
        "image_speedup_64": figures["pictures_64"]["gain"],
        "text_over_celery_batches": None,  # celery-batches needs an older Celery; it is not compared yet
        "single_ratio": round(max(singles), 2),
    }


if __name__ == "__main__":
    main()
