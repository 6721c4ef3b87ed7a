"""What the benchmarks run on: a Redis of their own, worker processes, jobs."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import redis
from pydantic import SecretStr

from aigc import embedded_redis
from contracts.ports import Limits
from contracts.redis_store import RedisJobLedger
from contracts.requests import ImagineRequest, Job, Reply, WriteRequest

WIDE = Limits(waiting_per_user=100_000, waiting_per_server=100_000, waiting_in_all=1_000_000)
"""Benchmarks measure the line, not its bounds."""
_numbers = itertools.count(1)


@dataclass
class Rig:
    """A running Redis and its workers."""

    url: str
    folder: Path
    client: redis.Redis
    server: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]]

    def start_worker(self, **settings: str) -> subprocess.Popen[bytes]:
        """Start a worker process; it announces itself when it is warm."""
        return self.start([sys.executable, "-m", "aigc", "worker"], "worker.log", AIGC_DRAIN_SECONDS="1", **settings)

    def start(self, command: Sequence[str], log: str, **settings: str) -> subprocess.Popen[bytes]:
        """Start a process that knows the Redis and ends with the rig."""
        environment = {**os.environ, "REDIS_URL": self.url, **settings}
        with (self.folder / log).open("ab") as output:
            process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        self.workers.append(process)
        return process

    def wait_for_workers(self, count: int, seconds: float = 60) -> None:
        """Wait until so many workers are announced."""
        ledger, until = RedisJobLedger(self.client), time.monotonic() + seconds
        while len(ledger.workers()) != count:
            if time.monotonic() > until:
                raise TimeoutError(f"there are not {count} workers after {seconds:.0f} s; see {self.folder / 'worker.log'}")
            time.sleep(0.05)


@contextlib.contextmanager
def rig() -> Iterator[Rig]:
    """A Redis with an append-only file; everything ends with the block."""
    with tempfile.TemporaryDirectory(prefix="aigc-bench-") as name:
        folder = Path(name)
        server = embedded_redis.prepare(folder / "redis")
        process = subprocess.Popen(server.command, stdout=subprocess.DEVNULL)
        with redis.Redis.from_url(server.url, socket_timeout=10) as client:
            running = Rig(server.url, folder, client, process, [])
            try:
                _wait_for(client)
                yield running
            finally:
                for worker in running.workers:
                    if worker.poll() is None:
                        worker.send_signal(signal.SIGTERM)
                for worker in running.workers:
                    worker.wait(30)
                process.terminate()
                process.wait()


def _wait_for(client: redis.Redis) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            client.ping()
        except redis.ConnectionError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def job(request: ImagineRequest | WriteRequest, *, user: str = "1", server: str | None = "1", weight: float = 1.0) -> Job:
    """A job of a person on a server."""
    now = time.time()
    return Job(
        id=f"b{next(_numbers)}",
        request=request,
        user_id=user,
        guild_id=server,
        weight=weight,
        reply=Reply(application_id="1", channel_id="1", token=SecretStr("-"), token_expires_at=now + 900),
        created_at=now,
        deadline_at=now + 3600,
    )


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least ``share`` of all do not exceed."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, max(0, -(-int(share * 1000 * len(ranked)) // 1000) - 1))]
