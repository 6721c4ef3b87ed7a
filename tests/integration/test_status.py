"""``aigc status`` tells what is so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from aigc.embedded_redis import address_of, prepare
from aigc.main import main
from aigc.status import table
from contracts.outcomes import State
from contracts.overview import look
from tests.support.jobs import announcement, job, pictures
from tests.support.stores import redis_stores


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as opened:
        yield opened


async def test_every_state_of_a_job_is_counted_where_it_is(redis_url: str, client: redis.Redis) -> None:
    """Five jobs through a window of four: one ended, one running, two sent, one in line."""
    async with redis_stores(redis_url) as stores:
        assert look(client).routes == ()
        for number in range(5):
            await stores.queue.submit(job(user_id=str(number % 2), job_id=f"s{number}"))
        stores.ledger.announce(announcement("digits"))
        sent = [job_id for job_id, _ in stores.ledger.dispatch(["digits"])]
        assert len(sent) == 4
        ended, running = stores.ledger.claim(sent[0], "w1"), stores.ledger.claim(sent[1], "w1")
        assert ended and running
        stores.ledger.finish(ended, State.SUCCEEDED, pictures(), [], 0.5)
        (route,) = look(client).routes
        assert (route.name, route.in_line, route.sent, route.running, route.workers) == ("digits", 1, 2, 1, 1)
        assert route.mean_cost_seconds == 0.5 and route.oldest_seconds is not None and route.oldest_seconds < 60
        seen = look(client)
        assert seen.undelivered == 1
        assert "digits" in table(seen) and "w1 (cpu)" in table(seen)


async def test_the_command_prints_one_line_of_json(redis_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    async with redis_stores(redis_url) as stores:
        stores.ledger.announce(announcement("digits"))
        monkeypatch.setenv("REDIS_URL", redis_url)
        assert main(["status", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["routes"][0]["name"] == "digits"


def test_the_own_redis_of_a_machine_is_found(tmp_path: Path) -> None:
    """What `aigc up` starts has a password and a port of its own; `aigc status` reads them where they are kept."""
    assert address_of(tmp_path) is None
    assert prepare(tmp_path).url == address_of(tmp_path)


def test_a_redis_that_is_away_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:secret@127.0.0.1:1/0")
    assert main(["status"]) == 1
    error = capsys.readouterr().err
    assert "Redis does not answer" in error and "secret" not in error
