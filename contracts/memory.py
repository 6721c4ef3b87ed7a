"""The in-memory twin of the job records: the same steps in plain Python, for tests without Redis and as their readable reference."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from contracts.cards import Announcement, ModelCard
from contracts.fairness import FairLine, Place
from contracts.outcomes import Outcome, Progress, Snapshot, State
from contracts.ports import Beat, Claim, Ended, Event, Heard, Limits, Recovery, Refused
from contracts.redis_store import DISPATCHED_AT_ONCE, LATE, lost_failure, refusal
from contracts.requests import Job
from contracts.routes import route_of, server_of, size_of


@dataclass
class _Record:
    job: Job
    order: int
    state: State = State.QUEUED
    attempt: int = 0
    crashes: int = 0
    sent_at: float = 0.0
    turn: int = 0
    lease_until: float = 0.0
    cancel: bool = False
    progress: Progress | None = None
    outcome: Outcome | None = None
    files: tuple[bytes, ...] = ()
    message: str | None = None
    delivered: bool = False
    problem: str | None = None

    @property
    def route(self) -> str:
        return route_of(self.job.request)

    @property
    def place(self) -> Place:
        job = self.job
        return Place(job_id=job.id, server=server_of(job), user=job.user_id, cost=float(size_of(job.request)), weight=job.weight)


@dataclass
class MemoryStore:
    """What Redis would hold. ``clock`` stands for the server's time."""

    limits: Limits = field(default_factory=Limits)
    clock: Callable[[], float] = time.time
    records: dict[str, _Record] = field(default_factory=dict)
    costs: dict[str, float] = field(default_factory=dict)
    announcements: dict[str, tuple[float, Announcement]] = field(default_factory=dict)
    cards: dict[str, ModelCard] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    pending: dict[str, tuple[float, str]] = field(default_factory=dict)
    num_events: int = 0
    num_turns: int = 0
    lines: dict[str, FairLine] = field(default_factory=dict)

    def line(self, route: str) -> FairLine:
        """The fair line of a route."""
        return self.lines.setdefault(route, FairLine())

    def sent(self, route: str) -> list[_Record]:
        """Dispatched jobs of a route that nobody has claimed, by turn."""
        sent = (r for r in self.records.values() if r.state is State.QUEUED and r.turn and r.route == route)
        return sorted(sent, key=lambda record: record.turn)

    def position(self, record: _Record) -> int:
        """1 for the next: dispatched jobs first, then the fair line."""
        sent = self.sent(record.route)
        if record in sent:
            return sent.index(record) + 1
        return len(sent) + list(self.line(record.route).in_order()).index(record.job.id) + 1

    def dispatch(self, routes: Sequence[str]) -> list[tuple[str, str]]:
        """Take the next jobs out of the lines, as far as the live workers have room."""
        taken: list[tuple[str, str]] = []
        for route in routes:
            held = sum(worker.holds.get(route, worker.slots) for worker in self.live_workers() if any(c.name == route for c in worker.models))
            running = sum(r.state is State.RUNNING and r.route == route for r in self.records.values())
            for _ in range(min(held - running - len(self.sent(route)), DISPATCHED_AT_ONCE - len(taken))):
                place = self.line(route).take()
                if place is None:
                    break
                record = self.records[place.job_id]
                record.turn, record.sent_at = self.next_turn(), self.clock()
                taken.append((place.job_id, route))
        return taken

    def next_turn(self) -> int:
        """The number of the next dispatch."""
        self.num_turns += 1
        return self.num_turns

    def open(self, user_id: str | None = None) -> list[_Record]:
        """Jobs that have not ended, oldest first."""
        rows = (r for r in self.records.values() if not r.state.ended and user_id in (None, r.job.user_id))
        return sorted(rows, key=lambda record: record.order)

    def live_workers(self) -> list[Announcement]:
        """Workers that announced themselves lately."""
        oldest = self.clock() - self.limits.worker_ttl_seconds
        return [self.announcements[key][1] for key in sorted(self.announcements) if self.announcements[key][0] >= oldest]

    def close(self, record: _Record, state: State, outcome: Outcome | None) -> None:
        """End a job and tell the bots."""
        self.line(record.route).remove(record.place)
        record.state, record.outcome, record.progress = state, outcome, None
        self.num_events += 1
        self.events.append(Event(job_id=record.job.id, token=str(self.num_events)))

    def running(self, claim: Claim) -> _Record | None:
        """The record that a claim is still valid for."""
        record = self.records.get(claim.job.id)
        return record if record and record.state is State.RUNNING and record.attempt == claim.attempt else None


class MemoryJobQueue:
    """The bot's side of a :class:`MemoryStore`; see :class:`contracts.ports.JobQueue`."""

    sends = False

    def __init__(self, store: MemoryStore) -> None:
        self.store = store

    async def submit(self, job: Job) -> Refused | None:
        """Accept a job, or say why not."""
        store = self.store
        if job.id in store.records:
            return None
        if len(store.open(job.user_id)) >= store.limits.waiting_per_user:
            return refusal(b"yours", store.limits)
        if sum(server_of(record.job) == server_of(job) for record in store.open()) >= store.limits.waiting_per_server:
            return refusal(b"server", store.limits)
        if len(store.open()) >= store.limits.waiting_in_all:
            return refusal(b"full", store.limits)
        store.records[job.id] = record = _Record(job=job, order=len(store.records) + 1)
        store.line(record.route).enter(record.place)
        return None

    async def dispatch(self, routes: Sequence[str]) -> list[tuple[str, str]]:
        """Take the next jobs out of the lines."""
        return self.store.dispatch(routes)

    async def cancel(self, job_id: str) -> State | None:
        """End a waiting job at once, ask a running one to end."""
        record = self.store.records.get(job_id)
        if record is None:
            return None
        before = record.state
        if before is State.QUEUED:
            self.store.close(record, State.CANCELLED, None)
        elif before is State.RUNNING:
            record.cancel = True
        return before

    async def snapshots(self, job_ids: Sequence[str]) -> list[Snapshot | None]:
        """The present of several jobs."""
        return [self._snapshot(self.store.records.get(job_id)) for job_id in job_ids]

    def _snapshot(self, record: _Record | None) -> Snapshot | None:
        if record is None:
            return None
        route = record.route
        serving = sum(any(card.name == route for card in worker.models) for worker in self.store.live_workers())
        position = self.store.position(record) if record.state is State.QUEUED else None
        cost = self.store.costs.get(route)
        return Snapshot(
            job_id=record.job.id,
            state=record.state,
            position=position,
            seconds_left=cost * position / serving if cost and position and serving else None,
            has_worker=serving > 0,
            progress=record.progress,
            cancel_requested=record.cancel,
        )

    async def open_jobs(self, user_id: str | None = None) -> list[str]:
        """Jobs that have not ended, oldest first."""
        return [record.job.id for record in self.store.open(user_id)]

    async def job(self, job_id: str) -> Job | None:
        """The record of a job."""
        record = self.store.records.get(job_id)
        return record.job if record else None

    async def ended(self, job_id: str) -> Ended | None:
        """The job with its outcome and files, once it has ended."""
        r = self.store.records.get(job_id)
        if r is None or not r.state.ended:
            return None
        return Ended(job=r.job, state=r.state, outcome=r.outcome, files=r.files, delivered=r.delivered, problem=r.problem)

    async def set_message(self, job_id: str, message_id: str) -> None:
        """Note which message carries the answer."""
        self.store.records[job_id].message = message_id

    async def message_of(self, job_id: str) -> str | None:
        """The message noted by :meth:`set_message`."""
        record = self.store.records.get(job_id)
        return record.message if record else None

    async def events(self, consumer: str, block_seconds: float, min_idle_seconds: float) -> list[Event]:
        """Ended jobs that nobody has delivered."""
        until = time.monotonic() + block_seconds
        while True:
            await asyncio.sleep(0)
            now = self.store.clock()
            left = [e for e in self.store.events if now - self.store.pending.get(e.token, (-1e9, ""))[0] >= min_idle_seconds]
            if left or time.monotonic() >= until:
                self.store.pending.update({event.token: (now, consumer) for event in left})
                return left
            await asyncio.sleep(0.005)

    async def acknowledge(self, event: Event, problem: str | None = None) -> None:
        """Mark the job delivered, or note the problem, and forget the event."""
        record = self.store.records[event.job_id]
        record.delivered, record.problem = True, problem or record.problem
        self.store.pending.pop(event.token, None)
        self.store.events = [other for other in self.store.events if other.token != event.token]

    async def workers(self) -> list[Announcement]:
        """The live workers."""
        return self.store.live_workers()

    async def cards(self) -> list[ModelCard]:
        """Every model that a worker ever announced."""
        return sorted(self.store.cards.values(), key=lambda card: card.name)


class MemoryJobLedger:
    """The workers' side of a :class:`MemoryStore`; see :class:`contracts.ports.JobLedger`."""

    sends = False

    def __init__(self, store: MemoryStore) -> None:
        self.store = store

    def claim(self, job_id: str, worker_id: str) -> Claim | None:
        """Take a waiting job."""
        record = self.store.records.get(job_id)
        if record is None or record.state is not State.QUEUED:
            return None
        if not record.turn:
            self.store.line(record.route).remove(record.place)
            record.turn = self.store.next_turn()
        record.state, record.attempt = State.RUNNING, record.attempt + 1
        record.lease_until = self.store.clock() + self.store.limits.lease_seconds
        return Claim(job=record.job, attempt=record.attempt)

    def heartbeat(self, beats: Sequence[Beat]) -> list[Heard]:
        """Extend leases, record progress, learn of cancellations."""
        return [self._beat(beat) for beat in beats]

    def _beat(self, beat: Beat) -> Heard:
        record = self.store.records.get(beat.job_id)
        if record is None or record.state is not State.RUNNING or record.attempt != beat.attempt:
            return "lost"
        record.lease_until = self.store.clock() + self.store.limits.lease_seconds
        record.progress = beat.progress or record.progress
        return "cancel" if record.cancel else "ok"

    def finish(self, claim: Claim, state: State, outcome: Outcome | None, files: Sequence[bytes], cost_seconds: float) -> bool:
        """Publish outcome, files and event in one step."""
        record = self.store.running(claim)
        if record is None:
            return False
        record.files = tuple(files)
        if cost_seconds > 0:
            self.store.costs[record.route] = 0.8 * self.store.costs.get(record.route, cost_seconds) + 0.2 * cost_seconds
        self.store.close(record, state, outcome)
        return True

    def files(self, job_id: str) -> tuple[bytes, ...]:
        """The files of an ended job, as long as they are kept."""
        record = self.store.records.get(job_id)
        return record.files if record else ()

    def release(self, claim: Claim) -> bool:
        """Put a running job back to the head of its queue."""
        record = self.store.running(claim)
        if record is None:
            return False
        record.state, record.sent_at, record.progress = State.QUEUED, 0.0, None
        return True

    def recover(self, backlog: Mapping[str, int]) -> Recovery:
        """Put lost jobs back and find lost messages."""
        now, limits = self.store.clock(), self.store.limits
        requeued, given_up, expired, resend = [], [], [], []
        for record in self.store.open():
            record.lease_until = min(record.lease_until, now + limits.lease_seconds)  # written before the clock was set back
            if record.state is State.RUNNING and record.lease_until <= now:
                record.crashes += 1
                if record.cancel:
                    self.store.close(record, State.CANCELLED, None)
                    given_up.append(record.job.id)
                elif record.crashes >= limits.max_crashes:
                    self.store.close(record, State.FAILED, lost_failure(limits))
                    given_up.append(record.job.id)
                else:
                    record.state, record.sent_at, record.progress = State.QUEUED, now, None
                    requeued.append(record.job.id)
                    resend.append((record.job.id, record.route))
        for record in self.store.open():
            if record.state is State.QUEUED and record.job.deadline_at <= now:
                self.store.close(record, State.EXPIRED, LATE)
                expired.append(record.job.id)
        for route in (route for route, count in backlog.items() if count == 0):
            for record in self.store.sent(route):
                if record.sent_at < now - limits.resend_seconds or record.sent_at > now:
                    record.sent_at = now
                    resend.append((record.job.id, route))
        return Recovery(requeued=tuple(requeued), given_up=tuple(given_up), expired=tuple(expired), sent_again=len(resend), unsent=tuple(resend))

    def announce(self, announcement: Announcement) -> None:
        """Tell the bots that this worker lives."""
        self.store.announcements[announcement.worker_id] = (self.store.clock(), announcement)
        self.store.cards.update({card.name: card for card in announcement.models})

    def withdraw(self, worker_id: str) -> None:
        """The worker is going away."""
        self.store.announcements.pop(worker_id, None)

    def waiting_routes(self) -> list[str]:
        """Routes in which jobs wait."""
        return sorted({record.route for record in self.store.records.values() if record.state is State.QUEUED})

    def dispatch(self, routes: Sequence[str]) -> list[tuple[str, str]]:
        """Take the next jobs out of the lines."""
        return self.store.dispatch(routes)
