"""The two sides of the one door to the job records. Each has a Redis form and an in-memory twin (``contracts.memory``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from contracts.cards import Announcement, ModelCard
from contracts.outcomes import ErrorCode, Outcome, Progress, Snapshot, State
from contracts.requests import Job

Heard = Literal["ok", "cancel", "lost"]
"""What a heartbeat learns of a running job: go on; end it; it is somebody else's by now."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds on what waits, and how long things are kept (seconds)."""

    waiting_per_user: int = 10
    waiting_per_server: int = 500
    waiting_in_all: int = 10_000
    lease_seconds: float = 6.0
    max_crashes: int = 3
    resend_seconds: float = 3.0
    file_ttl_seconds: int = 24 * 3600
    record_ttl_seconds: int = 90 * 24 * 3600
    worker_ttl_seconds: float = 6.0


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A job that was not accepted."""

    code: ErrorCode
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right to run a job; ``attempt`` fences everything that the worker then writes."""

    job: Job
    attempt: int


@dataclass(frozen=True, kw_only=True)
class Ended:
    """An ended job with all that its delivery needs; ``problem`` says why nobody saw the answer, where that is so."""

    job: Job
    state: State
    outcome: Outcome | None
    files: tuple[bytes, ...]
    delivered: bool
    problem: str | None = None


@dataclass(frozen=True, kw_only=True)
class Event:
    """A job has ended; ``token`` acknowledges the event."""

    job_id: str
    token: str


@dataclass(frozen=True, kw_only=True)
class Beat:
    """A running job in a heartbeat."""

    job_id: str
    attempt: int
    progress: Progress | None


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """What a recovery pass did. ``unsent`` are those of the ``sent_again`` messages that the caller has to send: jobs with their routes."""

    requeued: tuple[str, ...] = ()
    given_up: tuple[str, ...] = ()
    expired: tuple[str, ...] = ()
    sent_again: int = 0
    unsent: tuple[tuple[str, str], ...] = ()


class JobQueue(Protocol):
    """The bot's side. Where ``sends`` holds, the messages of jobs are written with their records, and :meth:`dispatch` leaves none to be sent."""

    sends: bool

    async def submit(self, job: Job) -> Refused | None:
        """Accept a job, or say why not. Submitting the same id again changes nothing."""

    async def dispatch(self, routes: Sequence[str]) -> list[tuple[str, str]]:
        """Take the next jobs of these routes out of the fair line, as many as the live workers have room for; returns ``(id, route)`` of
        those whose message is to be sent."""

    async def cancel(self, job_id: str) -> State | None:
        """End a waiting job at once, ask a running one to end. Returns the state from before; None if there is no such job."""

    async def snapshots(self, job_ids: Sequence[str]) -> list[Snapshot | None]:
        """The present of several jobs in one round trip."""

    async def open_jobs(self, user_id: str | None = None) -> list[str]:
        """Jobs that have not ended, oldest first; of one person or of all."""

    async def job(self, job_id: str) -> Job | None:
        """The record of a job, as long as it is kept."""

    async def ended(self, job_id: str) -> Ended | None:
        """The job with its outcome and files, once it has ended."""

    async def set_message(self, job_id: str, message_id: str) -> None:
        """Note which message carries the answer."""

    async def message_of(self, job_id: str) -> str | None:
        """The message noted by :meth:`set_message`."""

    async def events(self, consumer: str, block_seconds: float, min_idle_seconds: float) -> list[Event]:
        """Ended jobs that nobody has delivered: first those another consumer left lying, then new ones."""

    async def acknowledge(self, event: Event, problem: str | None = None) -> None:
        """The event's job is delivered, or never will be because of a ``problem``: note it in the record, and forget the event."""

    async def workers(self) -> list[Announcement]:
        """The live workers."""

    async def cards(self) -> list[ModelCard]:
        """Every model that a worker ever announced, also those that nobody serves now."""


class JobLedger(Protocol):
    """The workers' side; ``sends`` as for :class:`JobQueue`."""

    sends: bool

    def claim(self, job_id: str, worker_id: str) -> Claim | None:
        """Take a waiting job; None if it has ended, is taken, or does not exist."""

    def heartbeat(self, beats: Sequence[Beat]) -> list[Heard]:
        """Extend the leases, record the progress and learn of cancellations of all running jobs in one round trip."""

    def finish(self, claim: Claim, state: State, outcome: Outcome | None, files: Sequence[bytes], cost_seconds: float) -> bool:
        """Publish the outcome, its files and the event in one step; False if the claim is no longer valid."""

    def dispatch(self, routes: Sequence[str]) -> list[tuple[str, str]]:
        """As :meth:`JobQueue.dispatch`."""

    def files(self, job_id: str) -> tuple[bytes, ...]:
        """The files of an ended job, as long as they are kept."""

    def release(self, claim: Claim) -> bool:
        """Put a running job back to the head of its queue, as a worker does that is about to end."""

    def recover(self, backlog: Mapping[str, int]) -> Recovery:
        """Put jobs with a dead lease back, give up hopeless and late ones, and find lost messages.

        ``backlog`` holds the number of messages in each route's broker queue: a route with none whose jobs have waited is missing messages.
        """

    def announce(self, announcement: Announcement) -> None:
        """Tell the bots that this worker lives and what it serves."""

    def withdraw(self, worker_id: str) -> None:
        """The worker is going away."""

    def waiting_routes(self) -> list[str]:
        """Routes in which jobs wait, in line or for their message to be heard."""
