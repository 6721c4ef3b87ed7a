"""The engine behind the real queue against the same models served one job a task by plain Celery, and by celery-batches, in one run.

``python -m benchmarks.engine [--quick]``. At each level so many people ask at once, and ask again as soon as they are answered, until the
level's jobs are done: four pictures (what the command gives unless told otherwise), texts of mixed length (40 to 400 characters), a mix of
both, and pictures on a simulated device that batches (see ``benchmarks.simulated``), because convolutions do not gain from it on a CPU.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import json
import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import celery_batches, servers
from benchmarks.rig import Rig, percentile, rig
from benchmarks.servers import Request, Server
from benchmarks.simulated import MODEL
from contracts.requests import ImagineRequest, WriteRequest

KINDS = ("pictures", "texts", "mix", "simulated")
LEVELS = (1, 8, 64, 256)
JOBS = {"texts": {1: 20, 8: 24, 64: 160, 256: 320}, "mix": {1: 40, 8: 80, 64: 320, 256: 640}}
"""How many jobs a level has; pictures take a moment only and are asked for more often."""
PICTURE_JOBS = {1: 100, 8: 200, 64: 512, 256: 768}
POLL_SECONDS = 0.003
ENGINE, PLAIN, BATCHES = "engine", "plain Celery", "celery-batches"


@dataclass(frozen=True)
class Measured:
    """One level: how many jobs a second were done, and how long each took."""

    jobs_per_second: float
    p50: float
    p95: float


Table = dict[tuple[str, int, str], Measured]
"""By kind, level and server."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about a minute: levels 1 and 64, fewer jobs, no mix, no celery-batches")
    quick = parser.parse_args().quick
    python = None if quick else celery_batches.environment(_cache() / "celery-batches")
    with rig() as running:
        table = asyncio.run(measure_all(running, ("pictures", "texts", "simulated") if quick else KINDS, (1, 64) if quick else LEVELS, python, quick))
    print(json.dumps(report(table)))


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aigc"


async def measure_all(running: Rig, kinds: Sequence[str], levels: Sequence[int], python: Path | None, quick: bool = False) -> Table:
    """Every kind at every level. The servers take turns, so that all meet the same noise; one that waits costs next to nothing."""
    serving = {ENGINE: servers.engine, PLAIN: servers.plain}
    if python:
        serving[BATCHES] = functools.partial(servers.batches, python=python)
    async with contextlib.AsyncExitStack() as stack:
        ready = {name: await stack.enter_async_context(serve(running)) for name, serve in serving.items()}
        table: Table = {}
        for kind in kinds:
            for server in ready.values():
                await ask(server, requests(kind, 8), 4)  # first calls, learned costs
            for level in levels:
                number = JOBS.get(kind, PICTURE_JOBS)[level] // (2 if quick and level > 1 else 1)
                for name, figures in (await _in_turn(ready, requests(kind, number), level)).items():
                    table[kind, level, name] = figures
        return table


async def _in_turn(ready: Mapping[str, Server], wanted: Sequence[Request], level: int) -> dict[str, Measured]:
    """One by one the requests alternate between the servers; many at once go to one server after the other."""
    parts = [wanted[index : index + 1] for index in range(len(wanted))] if level == 1 else [wanted]
    spans: dict[str, list[float]] = {name: [] for name in ready}
    busy = dict.fromkeys(ready, 0.0)
    for part in parts:
        for name, server in ready.items():
            times = await ask(server, part, level)
            spans[name] += [done - handed_in for handed_in, done in times]
            busy[name] += max(done for _, done in times) - min(handed_in for handed_in, _ in times)
    return {name: Measured(len(wanted) / busy[name], percentile(spans[name], 0.5), percentile(spans[name], 0.95)) for name in ready}


async def ask(server: Server, wanted: Sequence[Request], level: int) -> list[tuple[float, float]]:
    """Keep ``level`` requests under way until all are answered; when each was handed in, and done."""
    left, under_way, times = list(reversed(wanted)), dict[str, float](), list[tuple[float, float]]()
    while left or under_way:
        while left and len(under_way) < level:
            handed_in = servers.now()
            under_way[await server.submit(left.pop())] = handed_in
        await asyncio.sleep(POLL_SECONDS)
        times += [(under_way.pop(name), when) for name, when in (await server.done()).items()]
    return times


def requests(kind: str, number: int, seed: int = 0) -> list[Request]:
    """Requests as people make them."""
    rng = random.Random(seed)
    model = MODEL if kind == "simulated" else "digits"
    picture = [ImagineRequest(model=model, prompt="7", count=1 if kind == "simulated" else 4, seed=4 * index) for index in range(number)]
    texts = [WriteRequest(model="bard", prompt="To be, or not", length=rng.randint(40, 400), seed=index) for index in range(number)]
    if kind == "mix":
        return [(picture if index % 4 else texts)[index] for index in range(number)]
    return list(texts if kind == "texts" else picture)


def report(table: Table) -> dict[str, Any]:
    """Print the table; returns the figures."""
    figures: dict[str, Any] = {}
    names = list(dict.fromkeys(name for _, _, name in table))
    print(f"{'':9} {'at once':>7}  " + "  ".join(f"{name + ' jobs/s':>21} {'p50 s':>7} {'p95 s':>7}" for name in names) + "   gain")
    for kind, level in dict.fromkeys((kind, level) for kind, level, _ in table):
        row = {name: table[kind, level, name] for name in names}
        gains = {name: row[ENGINE].jobs_per_second / row[name].jobs_per_second for name in names if name != ENGINE}
        cells = "  ".join(f"{one.jobs_per_second:21.2f} {one.p50:7.3f} {one.p95:7.3f}" for one in row.values())
        print(f"{kind:9} {level:7}  {cells}   " + " ".join(f"{gain:.2f}" for gain in gains.values()))
        figures[f"{kind}_{level}"] = {name: vars(one) for name, one in row.items()} | {"gain": {name: round(gain, 2) for name, gain in gains.items()}}
    singles = {kind: table[kind, 1, ENGINE].p50 / table[kind, 1, PLAIN].p50 for kind in ("pictures", "texts")}
    return {
        **figures,
        "text_speedup_64": figures["texts_64"]["gain"][PLAIN],
        "image_speedup_64": figures["simulated_64"]["gain"][PLAIN],
        "image_speedup_64_device": "simulated: 6 + 0.25 B ms a pass",
        "image_speedup_64_cpu": figures["pictures_64"]["gain"][PLAIN],
        "text_over_celery_batches": figures["texts_64"]["gain"].get(BATCHES),
        "single_ratio": round(max(singles.values()), 2),
        "p95_ratios": {row: round(cells[ENGINE]["p95"] / cells[PLAIN]["p95"], 2) for row, cells in figures.items()},
    }


if __name__ == "__main__":
    main()
