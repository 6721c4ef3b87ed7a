"""The records in a real Redis keep the same promises, and do on random histories what the in-memory twin does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import cast

import pytest
import redis
import redis.asyncio
from hypothesis import given, settings
from hypothesis import strategies as st
from kombu import Connection

from contracts.keys import Keys
from contracts.outcomes import ErrorCode, State
from contracts.ports import Beat, Claim, Limits
from contracts.redis_store import RedisJobLedger, RedisJobQueue
from contracts.routes import RUN_JOB, queue_of
from tests.support.jobs import announcement, imagine, job, pictures
from tests.support.store_promises import *  # noqa: F403 - the promises are the tests
from tests.support.stores import Stores, memory_stores, redis_stores


@pytest.fixture
async def stores(redis_url: str) -> AsyncIterator[Stores]:
    async with redis_stores(redis_url) as opened:
        yield opened


async def test_a_redis_that_lost_its_data_is_used_again(redis_url: str) -> None:
    """The group of the bots is made anew, and events are delivered again."""
    async with redis_stores(redis_url) as stores:
        assert await stores.queue.events("bot", 0.01, 60) == []
        stores.ledger.redis.flushdb()  # type: ignore[attr-defined]
        assert await stores.queue.events("bot", 0.01, 60) == []
        one = job()
        await stores.queue.submit(one)
        await stores.queue.cancel(one.id)
        assert [event.job_id for event in await stores.queue.events("bot", 1.0, 60)] == [one.id]


STEPS = st.lists(
    st.tuples(st.sampled_from(["submit", "claim", "beat", "finish", "release", "cancel", "recover", "dispatch", "look"]), st.integers(0, 5)),
    max_size=40,
)


async def play(stores: Stores, steps: list[tuple[str, int]]) -> list[object]:
    """Act out a history and note everything that could be seen of it."""
    jobs = [job(imagine(count=1 + index % 3), job_id=f"j{index}", user_id=str(index % 3), guild_id=str(index % 2)) for index in range(6)]
    claims: dict[int, Claim] = {}
    seen: list[object] = []
    for action, index in steps:
        claimed = claims.get(index)
        if action == "submit":
            refused = await stores.queue.submit(jobs[index])
            seen.append(refused and refused.code)
        elif action == "claim":
            new = stores.ledger.claim(f"j{index}", "w")
            claims.update({index: new} if new else {})
            seen.append(new and new.attempt)
        elif action == "beat" and claimed:
            seen.append(stores.ledger.heartbeat([Beat(job_id=f"j{index}", attempt=claimed.attempt, progress=None)]))
        elif action == "finish" and claimed:
            seen.append(stores.ledger.finish(claimed, State.SUCCEEDED, pictures(), [b"x"], 1.0))
        elif action == "release" and claimed:
            seen.append(stores.ledger.release(claimed))
        elif action == "cancel":
            seen.append(await stores.queue.cancel(f"j{index}"))
        elif action == "recover":
            seen.append(stores.ledger.recover({"digits": 1}))
        elif action == "dispatch":
            stores.ledger.announce(announcement("digits").model_copy(update={"slots": 2}))
            seen.append(stores.ledger.dispatch(["digits"]))
        elif action == "look":
            snapshots = await stores.queue.snapshots([f"j{i}" for i in range(6)])
            seen.append([(s.state, s.position, s.seconds_left, s.cancel_requested) if s else None for s in snapshots])
            seen.append(await stores.queue.open_jobs())
    events = await stores.queue.events("bot", 0.001, 60)
    seen.append(sorted(event.job_id for event in events))
    return seen


async def play_in_redis(url: str, limits: Limits, steps: list[tuple[str, int]]) -> list[object]:
    async with redis_stores(url, limits) as stores:
        return await play(stores, steps)


@settings(max_examples=150, deadline=None)
@given(steps=STEPS)
def test_redis_and_memory_agree_on_every_history(redis_url: str, steps: list[tuple[str, int]]) -> None:
    """Lua and plain Python are two writings of one state machine: no sequence of steps tells them apart."""
    limits = Limits(waiting_per_user=2, waiting_in_all=5, worker_ttl_seconds=60, lease_seconds=60)
    remembered = asyncio.run(play(memory_stores(limits), steps))
    stored = asyncio.run(play_in_redis(redis_url, limits, steps))
    assert stored == remembered


async def test_rows_of_another_version_are_left_out(redis_url: str) -> None:
    """A newer worker may announce fields that this bot does not know: the bot goes on with the others."""
    keys = Keys("newer:")
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        queue = RedisJobQueue(client, keys=keys)
        known = announcement("bard")
        with redis.Redis.from_url(redis_url) as blocking:
            RedisJobLedger(blocking, keys=keys).announce(known)
        await client.zadd(keys.workers, {"newer": 9e9})
        await client.hset(keys.announcements, "newer", '{"worker_id": "newer", "of_the_future": 1}')
        await client.hset("newer:cards", "newer", "{}")
        assert await queue.workers() == [known]
        assert await queue.cards() == list(known.models)


async def test_messages_written_with_the_records_are_celerys_own(redis_url: str) -> None:
    """What a script writes is read by kombu, and runs the task that Celery would run."""
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        await client.flushdb()
        queue = RedisJobQueue(client, sends=True)
        with redis.Redis.from_url(redis_url) as blocking:
            ledger = RedisJobLedger(blocking, sends=True)
            ledger.announce(announcement("digits"))
            first, second = job(), job(user_id="2")
            await queue.submit(first)
            await queue.submit(second)
            with Connection(redis_url) as connection, connection.SimpleQueue(queue_of("digits"), no_ack=True) as messages:
                for one in (first, second):
                    message = messages.get(timeout=5)
                    assert message.payload[0] == [one.id]
                    assert (message.headers["task"], message.headers["id"]) == (RUN_JOB, one.id)
            assert not await client.exists(queue_of("digits"))
            assert await queue.dispatch(["digits"]) == [] and ledger.dispatch(["digits"]) == []


async def test_ten_thousand_wait_at_once(redis_url: str) -> None:
    """All are accepted, one more is refused; places and turns are those of the line, also at its end."""
    people, each = 1000, 10
    limits = Limits(waiting_per_server=people * each)
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        await client.flushdb()
        queue = RedisJobQueue(client, limits, sends=True)
        jobs = [job(user_id=str(number % people), guild_id="1") for number in range(people * each)]
        for start in range(0, len(jobs), 100):
            if start in (0, people):  # those whose places are looked at come one after the other
                assert not any([await queue.submit(one) for one in jobs[start : start + 100]])
            else:
                assert not any(await asyncio.gather(*(queue.submit(one) for one in jobs[start : start + 100])))
        refused = await queue.submit(job(user_id="5000", guild_id="2"))
        assert refused and refused.code is ErrorCode.QUEUE_FULL
        places = [snapshot and snapshot.position for snapshot in await queue.snapshots([jobs[0].id, jobs[people].id, jobs[-1].id])]
        assert places[0] == 1 and places[1] == people + 1 and places[2] is not None and places[2] > people
        with redis.Redis.from_url(redis_url) as blocking:
            RedisJobLedger(blocking, limits, sends=True).announce(announcement("digits"))
            assert await queue.dispatch(["digits"]) == []
            waiting = [json.loads(cast("bytes", row))["headers"]["id"] for row in blocking.lrange(queue_of("digits"), 0, -1)]
        assert waiting == [one.id for one in reversed(jobs[:4])]
        assert [await queue.cancel(one.id) for one in (jobs[0], jobs[-1])] == [State.QUEUED] * 2
        assert len(await queue.open_jobs()) == len(jobs) - 2
        await client.flushdb()
