from __future__ import annotations

import asyncio
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import Scene, Worker, scene, wait_for_workers
from tests.support.openapi import Contract, Exchange, document_path
from tests.support.stores import redis_server

EXCHANGES: pytest.StashKey[list[Exchange]] = pytest.StashKey()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mine = [item for item in items if "tests/e2e" in str(item.path)]
    for item in mine:
        item.add_marker("e2e")
    # The check of all exchanges comes after those who made them.
    mine.sort(key=lambda item: "test_contract" in str(item.path))
    items[:] = [item for item in items if item not in mine] + mine


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path: the addresses of Unix sockets are limited to about 100 bytes."""
    path = Path(tempfile.mkdtemp(prefix="aigc"))
    yield path
    shutil.rmtree(path)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(Path(tmp_path_factory.mktemp("redis")), free_port()) as (url, _):
        yield url


@pytest.fixture(scope="session")
def worker(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A worker that all tests share; those who kill one have their own."""
    process = Worker(redis_url, tmp_path_factory.mktemp("worker") / "log")
    process.start()
    asyncio.run(wait_for_workers(redis_url))
    yield process
    process.stop()


@pytest.fixture
async def stage(redis_url: str, worker: Worker, folder: Path, request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    """The whole stack."""
    async with scene(redis_url, folder) as opened:
        yield opened
    keep_exchanges(request.config, opened)


def keep_exchanges(config: pytest.Config, opened: Scene) -> None:
    """Keep what a test exchanged over HTTP for the check at the end."""
    config.stash.setdefault(EXCHANGES, []).extend(opened.recorder.exchanges)


@pytest.fixture
def exchanges(request: pytest.FixtureRequest) -> list[Exchange]:
    return request.config.stash.get(EXCHANGES, [])


@pytest.fixture
def contract() -> Contract:
    path = document_path()
    if path is None:
        pytest.skip("AIGC_DISCORD_OPENAPI does not name Discord's OpenAPI document (openapi.json.gz)")
    return Contract(path)
