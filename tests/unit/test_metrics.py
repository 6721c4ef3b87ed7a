"""What is counted, and that the dashboard asks for nothing else."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path

import pytest
import redis
from prometheus_client import generate_latest

from bot.metrics import BotMetrics
from contracts.overview import Overview, RouteState
from tests.e2e.conftest import free_port
from workers.metrics import DeviceCollector, QueueCollector, WorkerMetrics

ROOT = Path(__file__).parents[2]
SEEN = Overview(
    routes=(RouteState(name="digits", in_line=3, sent=2, running=1, oldest_seconds=4.5, mean_cost_seconds=0.1, workers=2),), workers=(), undelivered=7
)


def worker_metrics() -> WorkerMetrics:
    metrics = WorkerMetrics()
    metrics.registry.register(QueueCollector(lambda: SEEN))
    metrics.registry.register(DeviceCollector("cpu"))
    return metrics


def test_the_queue_is_told_as_it_is() -> None:
    said = generate_latest(worker_metrics().registry).decode()
    assert 'aigc_queue_jobs{model="digits",place="line"} 3.0' in said
    assert 'aigc_queue_oldest_seconds{model="digits"} 4.5' in said
    assert "aigc_undelivered 7.0" in said


def test_a_redis_that_is_away_leaves_a_gap_and_the_rest() -> None:
    metrics = WorkerMetrics()

    def away() -> Overview:
        raise redis.ConnectionError

    metrics.registry.register(QueueCollector(away))
    said = generate_latest(metrics.registry).decode()
    assert "aigc_queue_jobs{" not in said and "aigc_job_wait_seconds" in said


def test_the_dashboard_asks_for_what_there_is() -> None:
    """A metric that is renamed and forgotten in the dashboard would be an empty panel."""
    said = generate_latest(worker_metrics().registry).decode() + generate_latest(BotMetrics().registry).decode()
    kinds = dict(re.findall(r"# TYPE (\w+) (\w+)", said))
    names = set(kinds) | {f"{name}_{part}" for name, kind in kinds.items() if kind == "histogram" for part in ("bucket", "sum", "count")}
    dashboard = json.loads((ROOT / "docker/monitoring/dashboard.json").read_text())
    asked = {name for panel in dashboard["panels"] for target in panel["targets"] for name in re.findall(r"aigc_\w+", target["expr"])}
    assert len(asked) > 12 and asked <= names


@pytest.mark.parametrize("metrics", [BotMetrics(), WorkerMetrics()], ids=["bot", "worker"])
def test_prometheus_is_answered(metrics: BotMetrics | WorkerMetrics) -> None:
    port = free_port()
    stop = metrics.serve("127.0.0.1", port)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as response:
            assert b"aigc_" in response.read()
    finally:
        stop()
