"""Compose a worker and run it until SIGTERM or SIGINT."""

from __future__ import annotations

import ctypes
import logging
import secrets
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import redis
import torch
from celery import Celery, signals
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from contracts.cards import Announcement
from contracts.overview import look
from contracts.ports import Limits
from contracts.redis_store import RedisJobLedger
from contracts.requests import ImagineRequest, WriteRequest
from contracts.routes import RUN_JOB
from workers.app import Broker, make_app
from workers.dispatcher import Dispatcher
from workers.engine import Engine
from workers.heart import Heart
from workers.metrics import DeviceCollector, QueueCollector, WorkerMetrics
from workers.runner import Runner
from workers.settings import WorkerSettings
from workers.shelf import Shelf
from workers.work import Work

logger = logging.getLogger(__name__)
WARM_UP_SECONDS = 60.0
M_ARENA_MAX, ARENAS = -8, 2  # the parameter's number in glibc's malloc.h


def run_worker(settings: WorkerSettings | None = None, shelf: Shelf | None = None) -> None:
    """Serve jobs until a signal ends the process. SIGTERM and SIGINT let running jobs end or give them back."""
    settings = settings or WorkerSettings()
    bound_arenas()
    torch.set_num_threads(settings.threads)
    device = ("cuda" if torch.cuda.is_available() else "cpu") if settings.device == "auto" else settings.device
    shelf = shelf or Shelf.from_environment(device, settings.model_memory_mib)
    metrics = WorkerMetrics()
    engine = Engine(shelf, settings.max_pictures, settings.max_texts, metrics)
    engine.start()
    engine.warm_up([probe(shelf, name) for name in sorted(shelf.cards)])
    if not shelf.cards:
        raise SystemExit("aigc worker: there is no model to serve; train one with `aigc train`, or set AIGC_MODELS")
    limits = Limits()
    ledger = RedisJobLedger(connect(settings.redis_url.get_secret_value()), limits, sends=settings.sends)
    app = make_app(settings.broker, sorted(shelf.cards))
    broker = Broker(app)
    dispatcher = Dispatcher(ledger, broker)
    runner = Runner(ledger, engine, settings.worker_id(), dispatcher, metrics)
    models = tuple(shelf.cards.values())
    holds = {card.name: settings.holds(card.kind) for card in models}
    announcement = Announcement(worker_id=runner.worker_id, device=device, slots=settings.slots, models=models, holds=holds)
    heart = Heart(ledger, runner, broker, dispatcher, announcement, limits, settings.stuck_seconds)
    register(app, runner, settings.drain_seconds)

    def ready(**_: Any) -> None:
        # Not before: Celery's start and the heart's first messages would fill the same lazily made parts of Celery from two threads.
        heart.start()
        logger.info("action=worker_ready device=%s models=%s", device, ",".join(sorted(shelf.cards)))

    signals.worker_ready.connect(ready, weak=False)
    stop_metrics = serve_metrics(settings, metrics, ledger, device)
    signals.setup_logging.connect(_keep_logging, weak=False)
    try:
        options = [
            "--pool=threads",
            # A thread for every job that may be dispatched to this worker: it waits for the engine, and none waits for a thread.
            f"--concurrency={sum(holds.values())}",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
            "--loglevel=WARNING",
        ]
        app.worker_main(["worker", *options, f"--hostname={runner.worker_id}"])
    finally:
        heart.stop()
        engine.stop()
        stop_metrics()


def bound_arenas() -> None:
    """Have glibc share few heaps among the threads: with one for each, what dozens of encoding threads free is kept by each of them."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(M_ARENA_MAX, ARENAS)


def serve_metrics(settings: WorkerSettings, metrics: WorkerMetrics, ledger: RedisJobLedger, device: str) -> Callable[[], None]:
    """Answer Prometheus where a port is set; returns how to stop."""
    if not settings.metrics_port:
        return lambda: None
    metrics.registry.register(QueueCollector(lambda: look(ledger.redis, ledger.limits, ledger.keys)))
    metrics.registry.register(DeviceCollector(device))
    return metrics.serve(settings.metrics_address, settings.metrics_port)


def _keep_logging(**_: Any) -> None:
    """Celery sets up no logging of its own where somebody listens: the process has done it, and job lines are of level INFO."""
    logging.getLogger("celery").setLevel(logging.WARNING)
    logging.getLogger("kombu").setLevel(logging.WARNING)


def connect(url: str) -> redis.Redis:
    """A Redis client that retries for a moment and never hangs for long."""
    return redis.Redis.from_url(
        url,
        socket_timeout=5,
        socket_connect_timeout=2,
        health_check_interval=15,
        max_connections=256,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), 2),
    )


def register(app: Celery, runner: Runner, drain_seconds: float) -> None:
    """Give the application its one task, and drain the runner when the worker is asked to end."""

    @app.task(name=RUN_JOB, ignore_result=True)
    def run_job(job_id: str) -> None:
        runner.run(job_id)

    def drain(**_: Any) -> None:
        # In a thread of its own: the signal handler must return for Celery to go on with its shutdown.
        threading.Thread(target=runner.drain, args=(drain_seconds,), name="drain", daemon=True).start()

    signals.worker_shutting_down.connect(drain, weak=False)


def probe(shelf: Shelf, name: str) -> Work:
    """A small job that warms a model up."""
    card = shelf.cards[name]
    request: ImagineRequest | WriteRequest
    if card.kind == "image":
        request = ImagineRequest(model=name, prompt=card.examples[0] if card.examples else "", count=4, seed=0)
    else:
        request = WriteRequest(model=name, prompt="", length=8, seed=0)
    return Work(job_id=f"warmup{secrets.token_hex(4)}", request=request, deadline_at=time.time() + WARM_UP_SECONDS)
