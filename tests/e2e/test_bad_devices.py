"""A job that kills its worker and one that hangs in the device are given up after three attempts; everybody else is served."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from tests.e2e.conftest import free_port
from tests.e2e.harness import ADA, Worker, kept_running, scene, wait_for_workers
from tests.support.stores import redis_server


class BadWorker(Worker):
    """Its model misbehaves on request; a device that hangs is noticed after a second."""

    command = ("-m", "tests.support.bad_worker")
    settings: ClassVar = {"AIGC_STUCK_SECONDS": "1"}


@pytest.mark.parametrize(("prompt", "status"), [("poison", 9), ("hang", 70)])
async def test_a_job_that_ends_its_worker_is_given_up_and_nobody_else_suffers(folder: Path, prompt: str, status: int) -> None:
    with redis_server(folder / "redis", free_port()) as (url, _):
        async with kept_running(BadWorker(url, folder / "log")) as ends:
            await wait_for_workers(url)
            async with scene(url, folder) as stage:
                bad = stage.use("imagine", prompt=prompt, count=1)
                message = await stage.answer(bad, 120)
                assert "ended its worker 3 times" in message["content"]
                assert ends == [status] * 3
                good = stage.use("imagine", prompt="7", count=1, user=ADA)
                assert (await stage.answer(good, 60))["attachments"]
                assert len(ends) == 3
