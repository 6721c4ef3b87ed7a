"""Redis's disk or memory is full for a while: nothing is lost, and the work goes on when there is room again.

Celery's consumer may end the worker over it (it takes the refusal of a write for a defect); whoever keeps the worker running starts it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import redis.asyncio

from tests.e2e.conftest import free_port
from tests.e2e.harness import ADA, Worker, kept_running, scene, until, wait_for_workers
from tests.support.stores import redis_server

FULL_SECONDS = 5.0
Switch = Callable[[], Awaitable[None]]


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of 3 MiB."""
    folder.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True).returncode:
        pytest.skip("a small file system can be mounted by root only")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.asynccontextmanager
async def full_memory(url: str) -> AsyncIterator[None]:
    """Redis takes no more writes."""
    async with redis.asyncio.Redis.from_url(url) as client:
        await client.config_set("maxmemory", 1)
        yield
        await client.config_set("maxmemory", 0)


@contextlib.asynccontextmanager
async def full_disk(folder: Path, url: str) -> AsyncIterator[None]:
    """The append-only file cannot grow; returns when Redis has noticed."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(512))
    async with redis.asyncio.Redis.from_url(url) as client:
        await until(lambda: _refuses(client), bool)
    yield
    filler.unlink()


async def _refuses(client: redis.asyncio.Redis) -> bool:
    try:
        await client.set("filling", "x" * 1000)
    except redis.ResponseError as error:
        assert "MISCONF" in str(error)
        return True
    return False


@pytest.mark.parametrize("what", ["memory", "disk"])
async def test_requests_before_and_while_it_is_full_are_answered_afterwards(folder: Path, what: str) -> None:
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(small_disk(folder / "redis")) if what == "disk" else folder / "redis"
        url, _ = stack.enter_context(redis_server(home, free_port()))
        async with kept_running(Worker(url, folder / "log")), scene(url, folder) as stage:
            await wait_for_workers(url)
            before = stage.use("write", model="bard", prompt="To be", length=1500)
            await until(lambda: [m for m in stage.answers(before) if "characters" in m["content"]], bool)
            async with full_disk(home, url) if what == "disk" else full_memory(url):
                during = stage.use("imagine", prompt="7", count=1, user=ADA)
                await until(lambda: during.acknowledged, bool, 3)
                await asyncio.sleep(FULL_SECONDS)
            for interaction in (before, during):
                message = await stage.answer(interaction)
                assert "⚠️" not in message["content"]
