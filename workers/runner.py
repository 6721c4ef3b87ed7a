"""A task is thin and total: claim the job, hand it to the engine, wait, publish the outcome. Every job gets one."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable

import redis
import torch
from kombu.exceptions import OperationalError

from aigc_core.serving import PromptError
from contracts.away import is_away
from contracts.outcomes import ErrorCode, Failure, Outcome, State
from contracts.ports import Beat, Claim, Heard, JobLedger
from contracts.requests import Job, WriteRequest
from workers.dispatcher import Dispatcher
from workers.engine import Engine
from workers.metrics import WorkerMetrics
from workers.shelf import UnknownModelError
from workers.work import Cancelled, DeadlinePassed, Released, Result, Work

logger = logging.getLogger(__name__)

PERSIST_SECONDS = 120.0
"""How long a finished job waits for Redis to come back before it is left to recovery."""


class Runner:
    """Runs jobs for Celery's threads, and knows which are running."""

    def __init__(self, ledger: JobLedger, engine: Engine, worker_id: str, dispatcher: Dispatcher, metrics: WorkerMetrics) -> None:
        self.ledger, self.engine, self.worker_id, self.dispatcher, self.metrics = ledger, engine, worker_id, dispatcher, metrics
        self._running: dict[str, tuple[Claim, Work]] = {}
        self._lock = threading.Lock()
        self._draining = False
        # Encoding leaves cores to the engine: without a bound, texts wait while dozens of threads make PNGs.
        self._encoding = threading.BoundedSemaphore(max(1, (os.cpu_count() or 1) // 2))

    def run(self, job_id: str) -> None:
        """Run a job, unless it has ended, is running elsewhere, or this worker is about to end."""
        if self._draining:
            return  # the record still says "queued": recovery sends its message again
        claim = self.ledger.claim(job_id, self.worker_id)
        if claim is None:
            logger.info("action=job_not_claimed job_id=%s", job_id)
            return
        self.metrics.waited.labels(claim.job.request.model).observe(max(0.0, time.time() - claim.job.created_at))
        work = Work(job_id=job_id, request=claim.job.request, deadline_at=claim.job.deadline_at, saved=self._saved(claim.job))
        with self._lock:
            self._running[job_id] = (claim, work)
        try:
            self.engine.submit(work)
            self._publish(claim, work)
        finally:
            with self._lock:
                del self._running[job_id]
        self._make_room(claim.job.request.model)

    def _saved(self, job: Job) -> bytes | None:
        """What is kept of the text that this job continues, unless it is too old."""
        if not isinstance(job.request, WriteRequest) or job.request.after is None:
            return None
        try:
            return next(iter(self.ledger.files(job.request.after)), None)
        except (redis.RedisError, OSError) as error:
            logger.info("action=text_read_again job_id=%s error=%s", job.id, type(error).__name__)
            return None

    def _make_room(self, route: str) -> None:
        """Let the next job in; if that fails now, the next heartbeat does it."""
        if self._draining or self.ledger.sends:
            return  # the step that ended the job has let the next one in
        try:
            self.dispatcher.dispatch([route])
        except (redis.RedisError, OperationalError) as error:
            logger.info("action=dispatch_postponed route=%s error=%s", route, type(error).__name__)

    def beats(self) -> list[Beat]:
        """What the heartbeat has to say of the running jobs."""
        with self._lock:
            return [Beat(job_id=job_id, attempt=claim.attempt, progress=work.progress) for job_id, (claim, work) in self._running.items()]

    def heard(self, beat: Beat, answer: Heard) -> None:
        """React to what the heartbeat learned of a job."""
        with self._lock:
            entry = self._running.get(beat.job_id)
        if entry is None or answer == "ok":
            return
        # A lost job is run by somebody else: whatever is published here would be refused, so stop spending time on it.
        entry[1].end(Cancelled() if answer == "cancel" else Released())

    def drain(self, seconds: float) -> None:
        """Take no new jobs; let the running ones end for a while, then give them back."""
        self._draining = True
        until = time.monotonic() + seconds
        while self._running and time.monotonic() < until:
            time.sleep(0.02)
        with self._lock:
            left = [work for _, work in self._running.values()]
        for work in left:
            work.end(Released())
        logger.info("action=drained released=%d", len(left))

    def _publish(self, claim: Claim, work: Work) -> None:
        started = time.monotonic()
        try:
            result = work.result(gate=self._encoding)
            self._finish(claim, State.SUCCEEDED, result)
        except Released:
            _persist(lambda: self.ledger.release(claim))
            self.metrics.released.labels(claim.job.request.model).inc()
            logger.info("action=job_released job_id=%s", claim.job.id)
            return
        except Cancelled as ending:
            self._finish(claim, State.CANCELLED, ending.partial)
        except DeadlinePassed:
            self._finish(claim, State.EXPIRED, _failure(ErrorCode.DEADLINE))
        except PromptError as error:
            self._finish(claim, State.FAILED, _failure(ErrorCode.BAD_REQUEST, reason=str(error)))
        except UnknownModelError:
            self._finish(claim, State.FAILED, _failure(ErrorCode.UNKNOWN_MODEL, model=claim.job.request.model))
        except torch.OutOfMemoryError:
            self._finish(claim, State.FAILED, _failure(ErrorCode.OUT_OF_MEMORY))
        except Exception:
            logger.exception("action=job_failed job_id=%s", claim.job.id)
            self._finish(claim, State.FAILED, _failure(ErrorCode.INTERNAL))
        logger.info("action=job_ended job_id=%s model=%s seconds=%.3f", claim.job.id, claim.job.request.model, time.monotonic() - started)

    def _count(self, claim: Claim, state: State, outcome: Outcome | None) -> None:
        model = claim.job.request.model
        self.metrics.ran.labels(model, state.value).observe(max(0.0, time.monotonic() - self._running[claim.job.id][1].started_at))
        if isinstance(outcome, Failure):
            self.metrics.failures.labels(model, outcome.code.value).inc()

    def _finish(self, claim: Claim, state: State, result: Result | None) -> None:
        outcome: Outcome | None = result.outcome if result else None
        files, cost = (result.files, result.cost_seconds) if result else ((), 0.0)
        if not _persist(lambda: self.ledger.finish(claim, state, outcome, files, cost)):
            logger.warning("action=outcome_refused job_id=%s attempt=%d", claim.job.id, claim.attempt)
            return
        self._count(claim, state, outcome)


def _failure(code: ErrorCode, **details: str) -> Result:
    return Result(outcome=Failure(code=code, details=details))


def _persist(step: Callable[[], bool]) -> bool:
    """Do a step in Redis, and wait for Redis if it is away: a finished picture is not thrown away for a restart of the server."""
    until = time.monotonic() + PERSIST_SECONDS
    while True:
        try:
            return step()
        except redis.RedisError as error:
            if not is_away(error) or time.monotonic() > until:
                raise
            time.sleep(0.25)
