"""Many people at once through the real bot: is the first answer in time, is every result delivered once, does memory stay flat?

Everything is asked for twice; the second time is measured, when caches, threads and connections are what they will be.
``python -m benchmarks.load [--quick] [--users N] [--commands N]``
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from aigc import embedded_redis
from benchmarks.rig import percentile
from benchmarks.stack import TOKEN, Stack, finals, until_ready
from playground import objects, server
from playground.world import Interaction

FIRST_USER = 3_000_000_000_000_000_000
PAUSE_SECONDS = 1.0
ANSWER_SECONDS = 120.0
PAGE_BYTES = 4096


@dataclass
class Seen:
    """What was measured."""

    used: list[Interaction] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    memory: list[dict[str, float]] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under a minute")
    parser.add_argument("--users", type=int)
    parser.add_argument("--commands", type=int)
    arguments = parser.parse_args()
    users, commands = arguments.users or (50 if arguments.quick else 200), arguments.commands or (300 if arguments.quick else 2000)
    figures = asyncio.run(measure(users, commands))
    for name, value in figures.items():
        print(f"{name:28} {value}")
    print(json.dumps(figures))


async def measure(users: int, commands: int) -> dict[str, object]:
    """Every person uses a command, waits for the answer, pauses, and goes on."""
    with tempfile.TemporaryDirectory(prefix="aigc-load-") as name:
        folder = Path(name)
        prepared = embedded_redis.prepare(folder / "redis")
        stack, seen = Stack(folder, prepared.command, prepared.url), Seen()
        async with server.serve(folder / "world", TOKEN, folder / "d.sock", port=0) as playground:
            try:
                for part in ("redis", "worker", "bot"):
                    await stack.start(part)
                await until_ready(stack, playground)
                each = -(-commands // users)
                await _all_people(playground, Seen(), users, each)
                watching = asyncio.create_task(_watch(stack, seen, playground))
                started = time.monotonic()
                await _all_people(playground, seen, users, each)
                seconds = time.monotonic() - started
                watching.cancel()
                return _figures(playground, seen, users, seconds)
            finally:
                await stack.stop()


async def _all_people(playground: server.Playground, seen: Seen, users: int, each: int) -> None:
    await asyncio.gather(*(_person(playground, seen, str(FIRST_USER + number), each) for number in range(users)))


async def _person(playground: server.Playground, seen: Seen, user: str, number: int) -> None:
    rng = random.Random(user)
    await asyncio.sleep(rng.uniform(0, PAUSE_SECONDS))
    for _ in range(number):
        used = _use(playground, user, rng)
        seen.used.append(used)
        until = time.monotonic() + ANSWER_SECONDS
        while not _final(playground, used) and time.monotonic() < until:  # noqa: ASYNC110 - the answer comes from another process
            await asyncio.sleep(0.05)
        seen.answered.append(time.time() - used.created_at)
        await asyncio.sleep(rng.uniform(0, 2 * PAUSE_SECONDS))


def _use(playground: server.Playground, user: str, rng: random.Random) -> Interaction:
    """Four pictures, or now and then a short text."""
    name, values = ("imagine", {"prompt": (3, "7")}) if rng.random() < 0.8 else ("write", {"prompt": (3, "To be"), "length": (4, 100)})
    command = next(c for c in playground.world.commands if c["name"] == name)
    options = [{"name": key, "type": kind, "value": value} for key, (kind, value) in values.items()]
    return playground.world.interact(2, user, next(iter(objects.CHANNELS)), {"id": command["id"], "name": name, "type": 1, "options": options})


def _final(playground: server.Playground, used: Interaction) -> bool:
    message = playground.world.messages.get(used.original_id or "")
    return message is not None and "aigc:delete:" in str(message["components"])


async def _watch(stack: Stack, seen: Seen, playground: server.Playground) -> None:
    while True:
        seen.memory.append({name: resident_mib(stack.processes[name].pid) for name in ("bot", "worker", "redis")} | {"commands": len(seen.used)})
        await asyncio.sleep(0.5)


def resident_mib(pid: int) -> float:
    """Resident memory of a process (Linux)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * PAGE_BYTES / 1024**2


def _figures(playground: server.Playground, seen: Seen, users: int, seconds: float) -> dict[str, object]:
    first = [used.acknowledged_at - used.created_at if used.acknowledged_at else ANSWER_SECONDS for used in seen.used]
    done = finals(playground)
    warm, middle, last = seen.memory[0], seen.memory[len(seen.memory) // 2], seen.memory[-1]
    growth = {name: round(last[name] - warm[name], 1) for name in ("bot", "worker")}
    return {
        "users": users,
        "commands": len(seen.used),
        "seconds": round(seconds, 1),
        "commands_per_second": round(len(seen.used) / seconds, 1),
        "first_answer_p50_seconds": round(percentile(first, 0.5), 3),
        "first_answer_p99_seconds": round(percentile(first, 0.99), 3),
        "over_3s": sum(value > 3 for value in first),
        "final_answer_p50_seconds": round(percentile(seen.answered, 0.5), 3),
        "final_answer_p95_seconds": round(percentile(seen.answered, 0.95), 3),
        "delivered_once": sum(done[used.id] == 1 for used in seen.used),
        "memory_mib_start_middle_end": {name: [round(row[name]) for row in (warm, middle, last)] for name in ("bot", "worker", "redis")},
        "memory_growth_mib": max(growth.values()),
    }


if __name__ == "__main__":
    main()
