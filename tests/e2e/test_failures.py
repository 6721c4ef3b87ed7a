"""What breaks, and what a person sees of it: nothing lost, nothing posted twice."""

from __future__ import annotations

import asyncio
import re
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from aiohttp import web

from tests.e2e.conftest import free_port, keep_exchanges
from tests.e2e.harness import ADA, YOU, Scene, Worker, refusing, scene, until, wait_for_workers
from tests.support.stores import redis_server

WITHIN_SECONDS = 30.0


def ten_jobs(stage: Scene) -> list:
    """Seven texts that take a while and three pictures."""
    texts = [stage.use("write", model="bard", prompt="To be", length=2500, seed=seed, user=(YOU, ADA)[seed % 2]) for seed in range(7)]
    return texts + [stage.use("imagine", prompt="7", seed=seed) for seed in range(3)]


def posts_of_results(stage: Scene) -> Counter[str]:
    """How often each answer became a final one."""
    finals: Counter[str] = Counter()
    for _, kind, data in stage.history:
        if kind == "message_update" and "aigc:delete:" in str(data["components"]):
            finals[data["interaction_metadata"]["id"]] += 1
    return finals


@pytest.mark.parametrize("restart_bot", [False, True], ids=["worker killed", "worker killed and bot restarted"])
async def test_ten_jobs_survive_the_worker(folder: Path, request: pytest.FixtureRequest, restart_bot: bool, record_property) -> None:  # type: ignore[no-untyped-def]
    """SIGKILL while ten jobs wait and run: all are delivered, once, within 30 s of a worker's return."""
    with redis_server(folder / "redis", free_port()) as (url, _):
        worker = Worker(url, folder / "log")
        worker.start()
        await wait_for_workers(url)
        async with scene(url, folder) as stage:
            used = ten_jobs(stage)
            await until(lambda: [m for i in used for m in stage.answers(i) if "of about 2500" in m["content"]], bool)
            worker.kill()
            if restart_bot:
                await stage.stop_bot()
                await stage.start_bot()
            worker.start()
            await wait_for_workers(url, 1)
            returned = time.monotonic()
            messages = [await stage.answer(interaction, WITHIN_SECONDS) for interaction in used]
            record_property("seconds_after_return", round(time.monotonic() - returned, 1))
            assert time.monotonic() - returned < WITHIN_SECONDS
            assert all("aigc:continue:" in str(m["components"]) or m["attachments"] for m in messages)
            await asyncio.sleep(1)
            assert posts_of_results(stage) == Counter({interaction.id: 1 for interaction in used})
        keep_exchanges(request.config, stage)
        assert worker.stop() == 0


async def test_redis_stopped_for_ten_seconds_loses_nothing(folder: Path) -> None:
    """Requests before and during the pause are answered after it; the bot stays online and answers within its three seconds."""
    with redis_server(folder / "redis", free_port()) as (url, server):
        worker = Worker(url, folder / "log")
        worker.start()
        await wait_for_workers(url)
        async with scene(url, folder) as stage:
            before = stage.use("write", model="bard", prompt="To be", length=1500)
            await until(lambda: [m for m in stage.answers(before) if "characters" in m["content"]], bool)
            server.send_signal(signal.SIGSTOP)
            try:
                await asyncio.sleep(1)
                during = stage.use("imagine", prompt="7")
                await until(lambda: during.acknowledged, bool, 3)
                await asyncio.sleep(9)
            finally:
                server.send_signal(signal.SIGCONT)
            for interaction in (before, during):
                message = await stage.answer(interaction)
                assert "⚠️" not in message["content"]
            assert worker.running
        assert worker.stop() == 0


async def test_without_any_worker_the_bot_is_there_and_says_so(folder: Path) -> None:
    """Nothing known yet: private words at once. Models known but nobody there: the request is kept, and runs when a worker comes."""
    with redis_server(folder / "redis", free_port()) as (url, _):
        async with scene(url, folder) as stage:
            first = await stage.answer(stage.use("imagine", prompt="7"), 3)
            assert "no worker has started yet" in first["content"] and first["flags"] & 64
            worker = Worker(url, folder / "log")
            worker.start()
            await wait_for_workers(url)
            assert (await stage.answer(stage.use("imagine", prompt="7")))["attachments"]
            assert worker.stop() == 0
            waiting = stage.use("imagine", prompt="8")
            await until(lambda: [m for m in stage.answers(waiting) if "No worker" in m["content"]], bool)
            worker.start()
            assert (await stage.answer(waiting))["attachments"]
            assert worker.stop() == 0


async def test_a_stopped_worker_gives_its_jobs_back(folder: Path) -> None:
    """SIGTERM with a long text running: the worker ends soon, and the next one writes the text."""
    with redis_server(folder / "redis", free_port()) as (url, _):
        worker, successor = Worker(url, folder / "log"), Worker(url, folder / "log2")
        worker.start()
        await wait_for_workers(url)
        async with scene(url, folder) as stage:
            interaction = stage.use("write", model="bard", prompt="To be", length=4000)
            await until(lambda: [m for m in stage.answers(interaction) if "characters" in m["content"]], bool)
            started = time.monotonic()
            assert worker.stop() == 0
            assert time.monotonic() - started < 15
            successor.start()
            assert "aigc:continue:" in str((await stage.answer(interaction))["components"])
        assert successor.stop() == 0


async def test_results_arrive_after_the_token_has_expired(stage: Scene) -> None:
    """Past fifteen minutes the bot edits its own message instead."""
    stage.world.token_seconds = 2.0
    interaction = stage.use("write", model="bard", prompt="To be", length=4000)
    message = await stage.answer(interaction)
    patches = [e for e in stage.recorder.exchanges if e.method == "patch" and e.path == f"/channels/{message['channel_id']}/messages/{message['id']}"]
    assert len(patches) == 1 and patches[0].status == 200


async def test_a_deleted_answer_is_not_posted_again(stage: Scene) -> None:
    """Who deletes the waiting message does not want the result; the delivery ends, and nothing comes back."""
    interaction = stage.use("write", model="bard", prompt="To be", length=3000)
    (message,) = await until(lambda: [m for m in stage.answers(interaction) if "characters" in m["content"]], bool)
    stage.world.delete_message(message["id"])
    assert stage.bot
    ended = await until(lambda: stage.bot.queue.ended(interaction.id), lambda ended: ended and ended.delivered)  # type: ignore[union-attr]
    assert stage.answers(interaction) == [] and ended.problem == "the answer's message was deleted"


def with_files(request: web.Request) -> bool:
    return request.method == "PATCH" and request.content_type.startswith("multipart/")


@pytest.mark.parametrize(("status", "code"), [(413, 40005), (400, 50035), (403, 200000)], ids=["too large", "malformed", "AutoMod"])
async def test_an_answer_that_discord_refuses_ends_in_words(stage: Scene, status: int, code: int) -> None:
    """The person learns that, and can try again; the delivery ends."""
    stage.faults.append(refusing(status, code, with_files))
    interaction = stage.use("imagine", prompt="7", count=1)
    message = await stage.answer(interaction)
    assert "Discord does not accept this answer" in message["content"] and "aigc:reroll:" in str(message["components"])
    assert stage.bot
    await until(lambda: stage.bot.queue.ended(interaction.id), lambda ended: ended and ended.delivered)  # type: ignore[union-attr]


async def test_too_many_requests_of_one_person_are_refused_privately(stage: Scene) -> None:
    used = [stage.use("write", model="bard", prompt="To be", length=2000, seed=seed) for seed in range(12)]
    answers = [await stage.answer(interaction) for interaction in used]
    refused = [m for m in answers if m["flags"] & 64]
    assert len(refused) == 2 and all(re.search("already have 10 requests .* <t:[0-9]+:R>", m["content"]) for m in refused)


async def test_the_gateway_may_drop_and_come_back(stage: Scene) -> None:
    """After a dropped connection the bot resumes, and a command used meanwhile is answered."""
    assert stage.playground.gateway.session and stage.playground.gateway.session.connection
    connection = stage.playground.gateway.session.connection
    await connection.socket.close(code=4000)
    await until(lambda: stage.playground.gateway.session.connection not in (None, connection), bool)  # type: ignore[union-attr]
    assert (await stage.answer(stage.use("imagine", prompt="7", count=1)))["attachments"]


async def test_the_bot_starts_quickly(folder: Path, redis_url: str, record_property) -> None:  # type: ignore[no-untyped-def]
    """From nothing to READY without any worker; the figure is kept in the report."""
    async with scene(redis_url, folder, bot=False) as stage:
        seconds = await stage.start_bot()
        record_property("seconds_to_ready", round(seconds, 3))
        assert stage.playground.gateway.online
