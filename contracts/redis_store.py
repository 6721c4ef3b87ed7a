"""The job records in Redis: :class:`RedisJobQueue` for the bot (asyncio), :class:`RedisJobLedger` for workers (threads)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

import redis
import redis.asyncio
from pydantic import BaseModel, TypeAdapter, ValidationError
from redis.commands.core import AsyncScript, Script

from contracts import scripts
from contracts.cards import Announcement, ModelCard
from contracts.envelope import envelope
from contracts.keys import GROUP, Keys
from contracts.outcomes import ErrorCode, Failure, Outcome, Progress, Snapshot, State
from contracts.ports import Beat, Claim, Ended, Event, Heard, Limits, Recovery, Refused
from contracts.requests import Job
from contracts.routes import route_of, server_of, size_of

logger = logging.getLogger(__name__)

Row = TypeVar("Row", bound=BaseModel)
OUTCOME: TypeAdapter[Outcome] = TypeAdapter(Outcome)
RANKED = 1000
"""Places are told exactly up to here."""
DISPATCHED_AT_ONCE = 100
LATE = Failure(code=ErrorCode.DEADLINE)


def lost_failure(limits: Limits) -> Failure:
    """The outcome of a job that ended its worker as often as is allowed."""
    return Failure(code=ErrorCode.WORKER_LOST, details={"attempts": str(limits.max_crashes)})


def sender_arguments(limits: Limits, sends: bool) -> list[str | float]:
    """What a script needs that may dispatch jobs: the envelope of their messages if this Redis carries them, and the bounds."""
    return [envelope() if sends else "", limits.worker_ttl_seconds, DISPATCHED_AT_ONCE]


def submit_arguments(limits: Limits, job: Job) -> list[str | float]:
    """Arguments of the SUBMIT script that say what the job is."""
    record = job.model_dump_json()
    who = (route_of(job.request), server_of(job), job.user_id)
    bounds = (limits.waiting_per_user, limits.waiting_per_server, limits.waiting_in_all)
    return [job.id, *who, record, job.deadline_at, size_of(job.request), job.weight, *bounds]


def refusal(answer: bytes, limits: Limits) -> Refused | None:
    """What the SUBMIT script said."""
    if answer == b"yours":
        return Refused(code=ErrorCode.TOO_MANY_OF_YOURS, details={"limit": str(limits.waiting_per_user)})
    if answer == b"server":
        return Refused(code=ErrorCode.TOO_MANY_OF_SERVER, details={"limit": str(limits.waiting_per_server)})
    if answer == b"full":
        return Refused(code=ErrorCode.QUEUE_FULL, details={"limit": str(limits.waiting_in_all)})
    return None


def parse_snapshot(job_id: str, row: Any, workers: Sequence[Announcement]) -> Snapshot | None:
    """A row of the SNAPSHOTS script, with what is known of the workers that serve its route."""
    if not row:
        return None
    state, rank, cost, progress, cancel, route = row
    serving = sum(any(card.name == route.decode() for card in worker.models) for worker in workers)
    position = rank + 1 if rank >= 0 else None
    seconds_left = float(cost) * position / serving if cost and position and serving else None
    return Snapshot(
        job_id=job_id,
        state=State(state.decode()),
        position=position,
        seconds_left=seconds_left,
        has_worker=serving > 0,
        progress=Progress.model_validate_json(progress) if progress else None,
        cancel_requested=bool(cancel),
    )


class RedisJobQueue:
    """See :class:`contracts.ports.JobQueue`. With ``sends``, Celery's messages go over the same Redis, written with the records."""

    def __init__(self, client: redis.asyncio.Redis, limits: Limits | None = None, keys: Keys | None = None, *, sends: bool = False) -> None:
        self.redis = client
        self.limits = limits or Limits()
        self.keys = keys or Keys()
        self.sends = sends
        self._sender = sender_arguments(self.limits, sends)
        self._scripts: dict[str, AsyncScript] = {}
        self._group_ready = False

    async def _run(self, script: str, *arguments: str | float | bytes) -> Any:
        if script not in self._scripts:
            self._scripts[script] = self.redis.register_script(script)
        return await self._scripts[script](args=[self.keys.prefix, *arguments])

    async def submit(self, job: Job) -> Refused | None:
        """Accept a job, or say why not."""
        answer = await self._run(scripts.SUBMIT, *self._sender, *submit_arguments(self.limits, job))
        return refusal(answer, self.limits)

    async def dispatch(self, routes: Sequence[str]) -> list[tuple[str, str]]:
        """Jobs whose messages are to be sent now."""
        return _pairs(await self._run(scripts.DISPATCH, *self._sender, *routes))

    async def cancel(self, job_id: str) -> State | None:
        """End a waiting job at once, ask a running one to end."""
        state = await self._run(scripts.CANCEL, job_id, self.limits.record_ttl_seconds)
        return State(state.decode()) if state else None

    async def snapshots(self, job_ids: Sequence[str]) -> list[Snapshot | None]:
        """The present of several jobs."""
        if not job_ids:
            return []
        workers = await self.workers()
        rows = await self._run(scripts.SNAPSHOTS, RANKED, *job_ids)
        return [parse_snapshot(job_id, row, workers) for job_id, row in zip(job_ids, rows, strict=True)]

    async def open_jobs(self, user_id: str | None = None) -> list[str]:
        """Jobs that have not ended, oldest first."""
        key = self.keys.open if user_id is None else self.keys.user(user_id)
        members = cast("list[bytes]", await self.redis.zrange(key, 0, -1))
        return [member.decode() for member in members]

    async def job(self, job_id: str) -> Job | None:
        """The record of a job."""
        record = await self.redis.hget(self.keys.job(job_id), "record")
        return Job.model_validate_json(record) if record else None

    async def ended(self, job_id: str) -> Ended | None:
        """The job with its outcome and files, once it has ended."""
        pipe = self.redis.pipeline(transaction=False)
        pipe.hmget(self.keys.job(job_id), "record", "state", "outcome", "delivered_at", "undelivered")
        pipe.lrange(self.keys.files(job_id), 0, -1)
        (record, state, outcome, delivered, problem), files = await pipe.execute()
        if not record or not State(state.decode()).ended:
            return None
        return Ended(
            job=Job.model_validate_json(record),
            state=State(state.decode()),
            outcome=OUTCOME.validate_json(outcome) if outcome else None,
            files=tuple(files),
            delivered=bool(delivered),
            problem=problem.decode() if problem else None,
        )

    async def set_message(self, job_id: str, message_id: str) -> None:
        """Note which message carries the answer."""
        await self.redis.hset(self.keys.job(job_id), "message", message_id)

    async def message_of(self, job_id: str) -> str | None:
        """The message noted by :meth:`set_message`."""
        message = cast("bytes | None", await self.redis.hget(self.keys.job(job_id), "message"))
        return message.decode() if message else None

    async def events(self, consumer: str, block_seconds: float, min_idle_seconds: float) -> list[Event]:
        """Ended jobs that nobody has delivered."""
        await self._ensure_group()
        try:
            return await self._read_group(consumer, block_seconds, min_idle_seconds)
        except redis.ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            self._group_ready = False  # a Redis that lost its data: make the group again
            return []

    async def _read_group(self, consumer: str, block_seconds: float, min_idle_seconds: float) -> list[Event]:
        idle = int(min_idle_seconds * 1000)
        claimed = await self.redis.xautoclaim(self.keys.events, GROUP, consumer, min_idle_time=idle, start_id="0-0", count=50)
        entries = [entry for entry in claimed[1] if entry[1]]
        if not entries:
            fresh = await self.redis.xreadgroup(GROUP, consumer, {self.keys.events: ">"}, count=50, block=max(1, int(block_seconds * 1000)))
            entries = _entries(fresh)
        return [Event(job_id=fields[b"id"].decode(), token=token.decode()) for token, fields in entries]

    async def acknowledge(self, event: Event, problem: str | None = None) -> None:
        """Mark the job delivered, or note the problem, and forget the event."""
        pipe = self.redis.pipeline(transaction=True)
        if problem:
            pipe.hset(self.keys.job(event.job_id), "undelivered", problem)
        pipe.hsetnx(self.keys.job(event.job_id), "delivered_at", event.token)
        pipe.xack(self.keys.events, GROUP, event.token)
        pipe.xdel(self.keys.events, event.token)
        await pipe.execute()

    async def workers(self) -> list[Announcement]:
        """The live workers."""
        rows = await self._run(scripts.WORKERS, self.limits.worker_ttl_seconds)
        return sorted(_readable(Announcement, rows), key=lambda worker: worker.worker_id)

    async def cards(self) -> list[ModelCard]:
        """Every model that a worker ever announced."""
        rows = await self.redis.hgetall(f"{self.keys.prefix}cards")
        return sorted(_readable(ModelCard, rows.values()), key=lambda card: card.name)

    async def _ensure_group(self) -> None:
        if self._group_ready:
            return
        try:
            await self.redis.xgroup_create(self.keys.events, GROUP, id="0", mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        self._group_ready = True


class RedisJobLedger:
    """See :class:`contracts.ports.JobLedger`. Safe to use from several threads. ``sends`` as for :class:`RedisJobQueue`."""

    def __init__(self, client: redis.Redis, limits: Limits | None = None, keys: Keys | None = None, *, sends: bool = False) -> None:
        self.redis = client
        self.limits = limits or Limits()
        self.keys = keys or Keys()
        self.sends = sends
        self._sender = sender_arguments(self.limits, sends)
        self._scripts: dict[str, Script] = {}

    def _run(self, script: str, *arguments: str | float | bytes) -> Any:
        if script not in self._scripts:
            self._scripts[script] = self.redis.register_script(script)
        return self._scripts[script](args=[self.keys.prefix, *arguments])

    def claim(self, job_id: str, worker_id: str) -> Claim | None:
        """Take a waiting job."""
        answer = self._run(scripts.CLAIM, job_id, worker_id, self.limits.lease_seconds)
        return Claim(job=Job.model_validate_json(answer[0]), attempt=int(answer[1])) if answer else None

    def heartbeat(self, beats: Sequence[Beat]) -> list[Heard]:
        """Extend leases, record progress, learn of cancellations."""
        if not beats:
            return []
        rows: list[str | float] = []
        for beat in beats:
            rows += [beat.job_id, beat.attempt, beat.progress.model_dump_json() if beat.progress else ""]
        answers = self._run(scripts.HEARTBEAT, self.limits.lease_seconds, *rows)
        return [cast("Heard", answer.decode()) for answer in answers]

    def finish(self, claim: Claim, state: State, outcome: Outcome | None, files: Sequence[bytes], cost_seconds: float) -> bool:
        """Publish outcome, files and event in one step."""
        limits = self.limits
        fence = (claim.job.id, claim.attempt)
        result = (state.value, outcome.model_dump_json() if outcome else "")
        ttls = (limits.file_ttl_seconds, limits.record_ttl_seconds)
        answer = self._run(scripts.FINISH, *self._sender, *fence, *result, *ttls, cost_seconds, *files)
        return bool(answer)

    def dispatch(self, routes: Sequence[str]) -> list[tuple[str, str]]:
        """Jobs whose messages are to be sent now."""
        return _pairs(self._run(scripts.DISPATCH, *self._sender, *routes))

    def files(self, job_id: str) -> tuple[bytes, ...]:
        """The files of an ended job, as long as they are kept."""
        found: list[bytes] = self.redis.lrange(self.keys.files(job_id), 0, -1)  # type: ignore[assignment]  # the client answers at once
        return tuple(found)

    def release(self, claim: Claim) -> bool:
        """Put a running job back to the head of its queue."""
        return bool(self._run(scripts.RELEASE, claim.job.id, claim.attempt))

    def recover(self, backlog: Mapping[str, int]) -> Recovery:
        """Put lost jobs back and find lost messages."""
        limits = self.limits
        pairs = [item for pair in backlog.items() for item in pair]
        lost, late = lost_failure(limits).model_dump_json(), LATE.model_dump_json()
        bounds = (limits.lease_seconds, limits.max_crashes, limits.resend_seconds, limits.record_ttl_seconds)
        answer = self._run(scripts.RECOVER, self._sender[0], *bounds, lost, late, *pairs)
        requeued, given_up, expired = (tuple(item.decode() for item in part) for part in answer[:3])
        return Recovery(requeued=requeued, given_up=given_up, expired=expired, sent_again=int(answer[3]), unsent=tuple(_pairs(answer[4])))

    def announce(self, announcement: Announcement) -> None:
        """Tell the bots that this worker lives."""
        holds = announcement.holds
        cards = [item for card in announcement.models for item in (card.name, card.model_dump_json(), holds.get(card.name, announcement.slots))]
        self._run(scripts.ANNOUNCE, announcement.worker_id, announcement.model_dump_json(), *cards)

    def withdraw(self, worker_id: str) -> None:
        """The worker is going away."""
        pipe = self.redis.pipeline(transaction=True)
        pipe.zrem(self.keys.workers, worker_id)
        pipe.hdel(self.keys.announcements, worker_id)
        pipe.execute()

    def workers(self) -> list[Announcement]:
        """The workers that announced themselves lately."""
        rows = self._run(scripts.WORKERS, self.limits.worker_ttl_seconds)
        return sorted(_readable(Announcement, rows), key=lambda worker: worker.worker_id)

    def waiting_routes(self) -> list[str]:
        """Routes in which jobs wait."""
        members = cast("set[bytes]", self.redis.smembers(f"{self.keys.prefix}routes"))
        routes = sorted(member.decode() for member in members)
        return [route for route in routes if self.redis.exists(self.keys.sent(route), self.keys.fair(route))]


def _pairs(flat: Sequence[bytes]) -> list[tuple[str, str]]:
    """``id, route, id, route …`` as pairs."""
    items = [item.decode() for item in flat]
    return list(zip(items[::2], items[1::2], strict=True))


def _readable(kind: type[Row], rows: Iterable[bytes | str]) -> list[Row]:
    """The rows that this version understands: a worker of another version must not stop the bots."""
    readable = []
    for row in rows:
        try:
            readable.append(kind.model_validate_json(row))
        except ValidationError as error:
            logger.warning("action=row_left_out kind=%s errors=%d", kind.__name__, error.error_count())
    return readable


def _entries(answer: Any) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """The entries of an XREADGROUP answer of one stream, in the form of either protocol version."""
    if not answer:
        return []
    stream = next(iter(answer.values()))[0] if isinstance(answer, dict) else answer[0][1]
    return list(stream)
