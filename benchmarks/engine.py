"""The engine against one job at a time: pictures and texts at several numbers of concurrent requests, in one run.

``python -m benchmarks.engine [--concurrent 1 8 32] [--length 200]``
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch

from contracts.requests import ImagineRequest, WriteRequest
from workers.engine import Engine
from workers.shelf import Shelf
from workers.work import Work

Request = ImagineRequest | WriteRequest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--concurrent", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--length", type=int, default=200, help="characters of each text")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    figures: dict[str, Any] = {"device": arguments.device, "torch": torch.__version__}
    for kind in ("pictures", "texts"):
        for number in arguments.concurrent:
            together = measure(arguments, kind, number, merged=True)
            in_turn = measure(arguments, kind, number, merged=False)
            gain = round(together["jobs_per_second"] / in_turn["jobs_per_second"], 2)
            figures[f"{kind}_{number}"] = {"engine": together, "one_at_a_time": in_turn, "gain": gain}
            rates = (together["jobs_per_second"], in_turn["jobs_per_second"])
            print(f"{kind:9} {number:3} at once: engine {rates[0]:7.1f} jobs/s, one at a time {rates[1]:7.1f}, gain {gain}")
    print(json.dumps(figures))


def measure(arguments: argparse.Namespace, kind: str, number: int, *, merged: bool) -> dict[str, float]:
    """Throughput and latency of ``number`` requests handed in at once; not ``merged`` means that each waits for the one before."""
    engine = Engine(Shelf.from_environment(arguments.device), max_pictures=64 if merged else 1, max_texts=64 if merged else 1)
    engine.start()
    run(engine, request(kind, 0, arguments.length))  # loading and first-call costs are not what is measured
    started = time.monotonic()
    with ThreadPoolExecutor(number) as pool:
        seconds = list(pool.map(lambda index: run(engine, request(kind, index, arguments.length)), range(number)))
    total = time.monotonic() - started
    engine.stop()
    return {
        "jobs_per_second": round(number / total, 2),
        "latency_p50_seconds": round(statistics.median(seconds), 4),
        "latency_max_seconds": round(max(seconds), 4),
    }


def request(kind: str, seed: int, length: int) -> Request:
    """One picture, or one text."""
    if kind == "pictures":
        return ImagineRequest(model="digits", prompt="7", count=1, seed=seed)
    return WriteRequest(model="bard", prompt="To be", length=length, seed=seed)


def run(engine: Engine, what: Request) -> float:
    """Run one job to its end; returns its seconds."""
    started = time.monotonic()
    work = Work(job_id="bench", request=what, deadline_at=time.time() + 600)
    engine.submit(work)
    work.result()
    return time.monotonic() - started


if __name__ == "__main__":
    main()
