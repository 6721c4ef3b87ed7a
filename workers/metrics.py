"""What a worker counts for Prometheus. No label carries a person, a server or a prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import redis
import torch
from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from contracts.overview import Overview

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
OCCUPANCY = (1, 2, 4, 8, 16, 32, 64, 128)


class WorkerMetrics:
    """Counters and histograms of one worker."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.waited = Histogram("aigc_job_wait_seconds", "From a job's acceptance to its start", ["model"], buckets=SECONDS, registry=registry)
        self.ran = Histogram("aigc_job_run_seconds", "From a job's start to its end", ["model", "state"], buckets=SECONDS, registry=registry)
        self.failures = Counter("aigc_job_failures", "Jobs that failed, by code", ["model", "code"], registry=registry)
        self.released = Counter("aigc_job_released", "Jobs given back or lost to another worker", ["model"], registry=registry)
        self.pass_jobs = Histogram("aigc_pass_jobs", "Jobs merged into one pass of pictures", ["model"], buckets=OCCUPANCY, registry=registry)
        self.texts = Histogram("aigc_batch_texts", "Texts in the continuous batch, at each slice", ["model"], buckets=OCCUPANCY, registry=registry)

    def serve(self, address: str, port: int) -> Callable[[], None]:
        """Answer Prometheus on a thread of its own; returns how to stop."""
        server, thread = start_http_server(port, address, self.registry)

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return stop


class QueueCollector(Collector):
    """Reads the queue when Prometheus asks. Every worker tells the same: take the maximum."""

    def __init__(self, look: Callable[[], Overview]) -> None:
        self.look = look

    def collect(self) -> Iterable[Metric]:
        jobs = GaugeMetricFamily("aigc_queue_jobs", "Jobs by model and place: line, sent, running", labels=["model", "place"])
        oldest = GaugeMetricFamily("aigc_queue_oldest_seconds", "Age of the oldest job that waits", labels=["model"])
        workers = GaugeMetricFamily("aigc_workers", "Live workers that serve a model", labels=["model"])
        undelivered = GaugeMetricFamily("aigc_undelivered", "Ended jobs that no bot has delivered yet")
        try:
            seen = self.look()
        except (redis.ConnectionError, redis.TimeoutError):
            return []  # a gap in the curve is what an unreachable Redis looks like
        for route in seen.routes:
            for place, count in (("line", route.in_line), ("sent", route.sent), ("running", route.running)):
                jobs.add_metric([route.name, place], count)
            oldest.add_metric([route.name], route.oldest_seconds or 0.0)
            workers.add_metric([route.name], route.workers)
        undelivered.add_metric([], seen.undelivered)
        return [jobs, oldest, workers, undelivered]


class DeviceCollector(Collector):
    """Memory of the CUDA device, where there is one."""

    def __init__(self, device: str) -> None:
        self.device = device

    def collect(self) -> Iterable[Metric]:
        memory = GaugeMetricFamily("aigc_device_memory_bytes", "Memory of the device", labels=["kind"])
        if self.device.startswith("cuda"):
            free, total = torch.cuda.mem_get_info(self.device)
            memory.add_metric(["allocated"], torch.cuda.memory_allocated(self.device))
            memory.add_metric(["free"], free)
            memory.add_metric(["total"], total)
        return [memory]
