from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import aiohttp
import discord
import pytest

from bot.background import Background
from bot.courier import Undeliverable
from bot.deliverer import Deliverer
from bot.follower import Follower
from bot.values import Rendered
from contracts.outcomes import Progress, State
from contracts.ports import Beat, Claim, Limits
from contracts.requests import Job
from tests.support.jobs import announcement, job, pictures, text, write
from tests.support.stores import Stores, memory_stores


class FakeCourier:
    """Remembers what was shown; can be slow, or fail as Discord does."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, str]] = []
        self.errors: list[Exception] = []
        self.seconds = 0.0
        self.closed = False

    async def edit(self, job: Job, rendered: Rendered) -> str | None:
        await asyncio.sleep(self.seconds)
        self.shown.append((job.id, rendered.content))
        return "99"

    async def deliver(self, job: Job, rendered: Rendered, message_id: str | None) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.shown.append((job.id, f"final of {message_id}"))


@pytest.fixture
def stores() -> Stores:
    return memory_stores(Limits())


@pytest.fixture
def courier() -> FakeCourier:
    return FakeCourier()


@contextlib.asynccontextmanager
async def at_work(stores: Stores, courier: FakeCourier) -> AsyncIterator[Follower]:
    background = Background()
    follower = Follower(stores.queue, courier, background)  # type: ignore[arg-type]
    deliverer = Deliverer(stores.queue, courier, follower, background, "bot")  # type: ignore[arg-type]
    background.keep_running(follower.run)
    background.keep_running(deliverer.run)
    yield follower
    await background.close()


async def until(condition: object, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it never happened"
        await asyncio.sleep(0.01)


def claim(stores: Stores, one: Job) -> Claim:
    claimed = stores.ledger.claim(one.id, "w")
    assert claimed
    return claimed


async def test_progress_is_shown_and_the_final_result_comes_last(stores: Stores, courier: FakeCourier) -> None:
    """Waiting, then the growing text, then the result; a slow edit that is under way never overtakes the final one."""
    stores.ledger.announce(announcement("bard"))
    one = job(write())
    await stores.queue.submit(one)
    courier.seconds = 0.2
    async with at_work(stores, courier) as follower:
        follower.follow(one)
        await until(lambda: any("place 1" in content for _, content in courier.shown))
        claimed = claim(stores, one)
        stores.ledger.heartbeat([Beat(job_id=one.id, attempt=1, progress=Progress(done=3, total=20, text="or not"))])
        await until(lambda: any("or not" in content for _, content in courier.shown))
        stores.ledger.finish(claimed, State.SUCCEEDED, text(), [], 0.1)
        await until(lambda: any("final" in content for _, content in courier.shown))
        await asyncio.sleep(0.5)
    assert courier.shown[-1] == (one.id, "final of 99")
    ended = await stores.queue.ended(one.id)
    assert ended and ended.delivered


async def test_fast_jobs_show_no_waiting_at_all(stores: Stores, courier: FakeCourier) -> None:
    one = job()
    await stores.queue.submit(one)
    async with at_work(stores, courier) as follower:
        follower.follow(one)
        stores.ledger.finish(claim(stores, one), State.SUCCEEDED, pictures(), [b"", b""], 0.1)
        await until(lambda: courier.shown)
    assert courier.shown == [(one.id, "final of None")]


async def test_a_passing_problem_is_tried_again_and_posted_once(stores: Stores, courier: FakeCourier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.deliverer.TAKE_OVER_SECONDS", 0.0)
    courier.errors = [aiohttp.ClientConnectionError("down"), OSError("still down")]
    one = job()
    await stores.queue.submit(one)
    stores.ledger.finish(claim(stores, one), State.SUCCEEDED, pictures(), [b"", b""], 0.1)
    async with at_work(stores, courier):
        await until(lambda: courier.shown)
        await asyncio.sleep(0.2)
    assert len(courier.shown) == 1


@pytest.mark.parametrize(
    ("error", "problem"), [(Undeliverable("the channel is gone"), "the channel is gone"), (KeyError("a bug"), "a defect of the bot: KeyError")]
)
async def test_what_cannot_be_posted_is_noted_and_does_not_come_back(stores: Stores, courier: FakeCourier, error: Exception, problem: str) -> None:
    courier.errors = [error]
    one = job()
    await stores.queue.submit(one)
    stores.ledger.finish(claim(stores, one), State.SUCCEEDED, pictures(), [b"", b""], 0.1)
    async with at_work(stores, courier):
        await until(lambda: not courier.errors)
        await asyncio.sleep(0.1)
    assert await stores.queue.events("other", 0.01, 0) == []
    ended = await stores.queue.ended(one.id)
    assert ended and ended.problem == problem


async def test_a_restarted_bot_follows_what_is_under_way(stores: Stores, courier: FakeCourier) -> None:
    one = job()
    await stores.queue.submit(one)
    async with at_work(stores, courier) as follower:
        await follower.resume()
        await until(lambda: courier.shown)
    assert "No worker" in courier.shown[0][1]


def test_discord_errors_are_what_the_courier_expects() -> None:
    """The codes that decide about a delivery exist in discord.py as they do in Discord's documentation."""
    assert issubclass(discord.NotFound, discord.HTTPException) and issubclass(discord.Forbidden, discord.HTTPException)


async def test_an_answer_that_another_bot_gave_is_not_overwritten(stores: Stores, courier: FakeCourier) -> None:
    """Progress that was on its way while another bot delivered: the final answer is shown again after it."""
    stores.ledger.announce(announcement("bard"))
    one = job(write())
    await stores.queue.submit(one)
    background = Background()
    follower = Follower(stores.queue, courier, background)  # type: ignore[arg-type]
    background.keep_running(follower.run)
    follower.follow(one)
    courier.seconds = 0.3
    await until(lambda: bool(follower._followed) and any(f.lock.locked() for f in follower._followed.values()))
    stores.ledger.finish(claim(stores, one), State.SUCCEEDED, text(), [], 0.1)
    (event,) = await stores.queue.events("another bot", 1.0, 5.0)
    await stores.queue.acknowledge(event)
    await until(lambda: any("final" in content for _, content in courier.shown))
    await background.close()
    assert "place 1" in courier.shown[0][1] and courier.shown[-1][1] == "final of 99"


async def test_a_connection_that_closes_under_a_delivery_loses_nothing(stores: Stores, courier: FakeCourier) -> None:
    courier.errors, courier.closed = [RuntimeError("Session is closed")], True
    one = job()
    await stores.queue.submit(one)
    stores.ledger.finish(claim(stores, one), State.SUCCEEDED, pictures(), [b"", b""], 0.1)
    async with at_work(stores, courier):
        await until(lambda: not courier.errors)
    assert [event.job_id for event in await stores.queue.events("the next bot", 0.01, 0)] == [one.id]
