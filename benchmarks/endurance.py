"""A hundred thousand tiny jobs in a row through one bot and one worker: does anything grow, fail or get lost?

The whole real stack; the pictures come from the simulated device, because the point is everything around it.
``python -m benchmarks.endurance [--quick] [--jobs N]``
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from aigc import embedded_redis
from benchmarks.load import FIRST_USER, resident_mib
from benchmarks.simulated import MODEL
from benchmarks.stack import TOKEN, Stack, until_ready
from playground import objects, server
from playground.world import Interaction

OPEN_AT_ONCE = 48
STALLED_SECONDS = 60.0
WARM_SHARE = 0.1
"""Memory is compared from here on: caches and pools are filled by then."""


@dataclass
class Seen:
    """What has arrived; messages are deleted once seen, so that the playground itself stays small."""

    finals: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    last_at: float = field(default_factory=time.monotonic)
    memory: list[dict[str, float]] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under a minute")
    parser.add_argument("--jobs", type=int)
    arguments = parser.parse_args()
    figures = asyncio.run(measure(arguments.jobs or (2_000 if arguments.quick else 100_000)))
    for name, value in figures.items():
        print(f"{name:28} {value}")
    print(json.dumps(figures))


async def measure(jobs: int) -> dict[str, object]:
    """Keep a bounded number of commands open until so many were used."""
    with tempfile.TemporaryDirectory(prefix="aigc-endurance-") as name:
        folder = Path(name)
        prepared = embedded_redis.prepare(folder / "redis")
        stack, seen = Stack(folder, prepared.command, prepared.url, worker=(sys.executable, "-m", "benchmarks.simulated")), Seen()
        async with server.serve(folder / "world", TOKEN, folder / "d.sock", port=0) as playground:
            try:
                for part in ("redis", "worker", "bot"):
                    await stack.start(part)
                await until_ready(stack, playground)
                _watch_messages(playground, seen)
                started = time.monotonic()
                used = await _use(stack, playground, seen, jobs)
                return _figures(stack, seen, used, time.monotonic() - started)
            finally:
                await stack.stop()


def _watch_messages(playground: server.Playground, seen: Seen) -> None:
    publish = playground.world.publish

    def note(kind: str, data: dict[str, object], only_for: str | None) -> None:
        publish(kind, data, only_for)
        if kind == "message_update" and "aigc:delete:" in str(data["components"]):
            seen.finals[data["interaction_metadata"]["id"]] += 1  # type: ignore[index]
            seen.last_at = time.monotonic()
            asyncio.get_running_loop().call_later(1.0, playground.world.delete_message, data["id"])

    playground.world.publish = note


async def _use(stack: Stack, playground: server.Playground, seen: Seen, jobs: int) -> list[str]:
    used: list[str] = []
    seen.last_at = time.monotonic()
    while len(seen.finals) < jobs and time.monotonic() - seen.last_at < STALLED_SECONDS:
        while len(used) < jobs and len(used) - len(seen.finals) < OPEN_AT_ONCE:
            used.append(_ask(playground, len(used)).id)
            if len(used) % (jobs // 20) == 0:
                seen.memory.append({part: resident_mib(stack.processes[part].pid) for part in ("bot", "worker", "redis")})
        await asyncio.sleep(0.005)
    return used


def _ask(playground: server.Playground, number: int) -> Interaction:
    command = next(c for c in playground.world.commands if c["name"] == "imagine")
    values = {"prompt": (3, "7"), "count": (4, 1), "model": (3, MODEL)}
    options = [{"name": key, "type": kind, "value": value} for key, (kind, value) in values.items()]
    user = str(FIRST_USER + number % 1000)
    return playground.world.interact(2, user, next(iter(objects.CHANNELS)), {"id": command["id"], "name": "imagine", "type": 1, "options": options})


def _figures(stack: Stack, seen: Seen, used: list[str], seconds: float) -> dict[str, object]:
    rows = [seen.memory[int(share * (len(seen.memory) - 1))] for share in (WARM_SHARE, 0.5, 1.0)]
    logs = [(stack.folder / f"{part}.log").read_text(encoding="utf-8", errors="replace") for part in ("bot", "worker")]
    return {
        "jobs": len(used),
        "seconds": round(seconds, 1),
        "jobs_per_second": round(len(used) / seconds, 1),
        "delivered_once": sum(seen.finals[job_id] == 1 for job_id in used),
        "delivered_twice": sum(count > 1 for count in seen.finals.values()),
        "errors_logged": sum(log.count(" ERROR ") + log.count(" CRITICAL ") for log in logs),
        "memory_mib_start_middle_end": {part: [round(row[part], 1) for row in rows] for part in rows[0]},
        "memory_growth_mib": round(max(rows[-1][part] - rows[0][part] for part in ("bot", "worker")), 1),
    }


if __name__ == "__main__":
    main()
