"""What goes on, for operators: read from the records by anybody who can reach Redis."""

from __future__ import annotations

import time
from typing import cast

import redis

from contracts.cards import Announcement
from contracts.keys import Keys
from contracts.ports import Limits
from contracts.redis_store import RedisJobLedger
from contracts.values import Value


class RouteState(Value):
    """One model's jobs. ``oldest_seconds`` is the age of the oldest one that waits."""

    name: str
    in_line: int
    sent: int
    running: int
    oldest_seconds: float | None
    mean_cost_seconds: float | None
    workers: int


class Overview(Value):
    """The whole queue at one moment."""

    routes: tuple[RouteState, ...]
    workers: tuple[Announcement, ...]
    undelivered: int


def look(client: redis.Redis, limits: Limits | None = None, keys: Keys | None = None) -> Overview:
    """Read the state; a few round trips for each model that was ever asked for or is served now."""
    keys = keys or Keys()
    workers = RedisJobLedger(client, limits, keys).workers()
    asked = {name.decode() for name in cast("set[bytes]", client.smembers(f"{keys.prefix}routes"))}
    names = asked | {card.name for worker in workers for card in worker.models}
    costs = {key.decode(): float(value) for key, value in cast("dict[bytes, bytes]", client.hgetall(f"{keys.prefix}cost")).items()}
    routes = tuple(_route(client, keys, name, costs, workers) for name in sorted(names))
    return Overview(routes=routes, workers=tuple(workers), undelivered=_undelivered(client, keys))


def _route(client: redis.Redis, keys: Keys, name: str, costs: dict[str, float], workers: list[Announcement]) -> RouteState:
    lines = [
        f"{keys.prefix}line:{name}:{server}:{user}"
        for server in _members(client, keys.fair(name))
        for user in _members(client, f"{keys.fair(name)}:{server}")
    ]
    pipe = client.pipeline(transaction=False)
    for line in lines:
        pipe.zcard(line)
        pipe.zrange(line, 0, 0)
    answers = pipe.execute()
    heads = [head[0].decode() for head in answers[1::2] if head] + _members(client, keys.sent(name))[:1]
    return RouteState(
        name=name,
        in_line=sum(answers[::2]),
        sent=client.zcard(keys.sent(name)),
        running=client.scard(f"{keys.prefix}running:{name}"),
        oldest_seconds=_oldest(client, keys, heads),
        mean_cost_seconds=costs.get(name),
        workers=sum(any(card.name == name for card in worker.models) for worker in workers),
    )


def _members(client: redis.Redis, key: str) -> list[str]:
    return [member.decode() for member in cast("list[bytes]", client.zrange(key, 0, -1))]


def _oldest(client: redis.Redis, keys: Keys, job_ids: list[str]) -> float | None:
    pipe = client.pipeline(transaction=False)
    for job_id in job_ids:
        pipe.hget(keys.job(job_id), "submitted_at")
    known = [float(value) for value in pipe.execute() if value]
    return max(0.0, round(time.time() - min(known), 3)) if known else None


def _undelivered(client: redis.Redis, keys: Keys) -> int:
    """Entries of the stream: each is removed when it is delivered."""
    return client.xlen(keys.events)
