"""The whole real stack for benchmarks: Redis, worker and bot as processes, the playground in this one."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import redis

from contracts.redis_store import RedisJobLedger
from playground import server

TOKEN = f"{base64.b64encode(b'1000000000000000001').decode()}.local.benchmark"


@dataclass
class Stack:
    """The processes that are killed, each started again at once."""

    folder: Path
    redis_command: tuple[str, ...]
    url: str
    worker: tuple[str, ...] = (sys.executable, "-m", "aigc", "worker")
    processes: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)

    async def start(self, name: str) -> None:
        """Start redis, worker or bot."""
        command = {"redis": self.redis_command, "worker": self.worker}.get(name, (sys.executable, "-m", "aigc", name))
        environment = {
            **os.environ, "REDIS_URL": self.url, "DISCORD_TOKEN": TOKEN, "AIGC_DISCORD_SOCKET": str(self.folder / "d.sock"),
            "AIGC_DRAIN_SECONDS": "1", "AIGC_WAITING_PER_USER": "100000", "AIGC_WAITING_PER_SERVER": "100000",
        }  # fmt: skip
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = await asyncio.create_subprocess_exec(*command, env=environment, stdout=log, stderr=log)

    async def kill(self, name: str) -> None:
        """SIGKILL, and a new start."""
        self.processes[name].kill()
        await self.processes[name].wait()
        await self.start(name)

    async def stop(self) -> None:
        """End all, Redis last."""
        for name in ("bot", "worker", "redis"):
            process = self.processes.get(name)
            if process and process.returncode is None:
                process.terminate()
                await process.wait()


async def until_ready(stack: Stack, playground: server.Playground) -> None:
    """Wait until a worker is announced and the bot is online with its commands."""
    ledger = RedisJobLedger(redis.Redis.from_url(stack.url))
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            ready = bool(await asyncio.to_thread(ledger.workers)) and playground.gateway.online and bool(playground.world.commands)
        except redis.ConnectionError:
            ready = False
        if ready:
            ledger.redis.close()
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(f"the stack did not get ready; see the logs in {stack.folder}")


def finals(playground: server.Playground) -> Counter[str]:
    """Finished answers by interaction."""
    answers = (m for m in playground.world.messages.values() if "aigc:delete:" in str(m["components"]))
    return Counter(m["interaction_metadata"]["id"] for m in answers)
