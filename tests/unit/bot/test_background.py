from __future__ import annotations

import asyncio

import pytest

from bot import background
from bot.background import Background


async def test_nothing_outlives_its_owner() -> None:
    """Tasks are cancelled and awaited, and none starts afterwards."""
    owner, ended = Background(), []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("task")

    owner.spawn(work(), lambda: ended.append("done"))
    await asyncio.sleep(0)
    await owner.close()
    assert ended == ["task", "done"]
    owner.spawn(work(), lambda: ended.append("refused"))
    await asyncio.sleep(0)
    assert ended == ["task", "done", "refused"]


async def test_a_swallowed_cancellation_does_not_keep_the_owner() -> None:
    owner, go_on = Background(), asyncio.Event()
    swallowed: list[str] = []

    async def stubborn() -> None:
        while not go_on.is_set():
            try:
                await go_on.wait()
            except asyncio.CancelledError:
                swallowed.append("cancelled")
        swallowed.append("ended")

    owner.spawn(stubborn())
    await asyncio.sleep(0)
    await asyncio.wait_for(owner.close(0.05), 5)
    assert swallowed and "ended" not in swallowed, "it was cancelled, went on, and was not waited for"
    go_on.set()
    await asyncio.sleep(0)


async def test_a_loop_that_fails_starts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "RESTART_SECONDS", 0.0)
    owner, starts, third = Background(), [], asyncio.Event()

    async def loop() -> None:
        starts.append(1)
        if len(starts) < 3:
            raise KeyError("a bug")
        third.set()

    owner.keep_running(loop)
    await asyncio.wait_for(third.wait(), 5)
    await owner.close()
    assert len(starts) == 3, "once it ends well it is not started again"
