"""The linear recurrence three ways: our scan, a loop, and the log-space form that is widely copied; speed and error in one run.

``h_t = a_t h_{t-1} + b_t`` on batch x T x width, forward and backward, float32, one thread. Errors are relative to a loop in float64, largest of
all states, with strong gates (decays near 0 as well as near 1). The log-space form (Heinsen 2023, arXiv 2311.06281) is
``exp(L_t + logcumsumexp(log b_t - L_t))`` with ``L`` the cumulative sum of ``log a``; it needs positive ``b``. Prints a JSON object on the last line.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from aigc_core.rnn.scan import LinearScan

Scan = Callable[[Tensor, Tensor, Tensor], Tensor]


def ours(a_BTD: Tensor, b_BTD: Tensor, h0_BD: Tensor) -> Tensor:
    """Our scan, with a hand-written backward pass."""
    states: Tensor = LinearScan.apply(a_BTD, b_BTD, h0_BD)
    return states


def loop(a_BTD: Tensor, b_BTD: Tensor, h0_BD: Tensor) -> Tensor:
    """Step by step, with autograd's backward pass."""
    h, states = h0_BD, []
    for a, b in zip(a_BTD.unbind(1), b_BTD.unbind(1), strict=True):
        h = torch.addcmul(b, a, h)
        states.append(h)
    return torch.stack(states, 1)


def log_space(a_BTD: Tensor, b_BTD: Tensor, h0_BD: Tensor) -> Tensor:
    """Heinsen's form; the first state is taken into ``b_1``."""
    first = torch.addcmul(b_BTD[:, 0], a_BTD[:, 0], h0_BD)
    inputs = torch.cat([first.unsqueeze(1), b_BTD[:, 1:]], dim=1)
    decay = a_BTD.clamp(min=1e-37).log()
    total = torch.cat([torch.zeros_like(decay[:, :1]), decay[:, 1:]], dim=1).cumsum(1)
    return (total + torch.logcumsumexp(inputs.clamp(min=1e-37).log() - total, dim=1)).exp()


def inputs(batch: int, length: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """Decays of strong gates, positive inputs, a first state; float64."""
    rng = torch.Generator().manual_seed(0)
    a = torch.sigmoid(8 * torch.randn(batch, length, width, generator=rng, dtype=torch.float64))
    b = (1 - a) * torch.rand(batch, length, width, generator=rng, dtype=torch.float64)
    return a, b, torch.rand(batch, width, generator=rng, dtype=torch.float64)


def largest_error(scan: Scan, length: int) -> float:
    """Largest relative error of a state in float32."""
    exact_inputs = inputs(2, length, 64)
    exact = loop(*exact_inputs)
    found = scan(*(x.float() for x in exact_inputs)).double()
    return ((found - exact).abs() / exact.abs().clamp(min=1e-30)).max().item()


def milliseconds(scans: dict[str, Scan], batch: int, length: int, width: int, repetitions: int) -> dict[str, float]:
    """Median time forward and backward; the forms take turns, so that a busy moment hits all of them."""
    prepared = [x.float().requires_grad_() for x in inputs(batch, length, width)]
    times: dict[str, list[float]] = {name: [] for name in scans}
    for _ in range(repetitions + 1):
        for name, scan in scans.items():
            started = time.perf_counter()
            scan(*prepared).sum().backward()
            times[name].append(time.perf_counter() - started)
    return {name: round(1000 * statistics.median(rows[1:]), 2) for name, rows in times.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="small sizes")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    scans: dict[str, Scan] = {"ours": ours, "loop": loop, "log_space": log_space}
    batch, length, width = (2, 64, 64) if arguments.quick else (16, 256, 512)
    times = milliseconds(scans, batch, length, width, arguments.repetitions)
    errors = {
        name: {str(steps): float(f"{largest_error(scan, steps):.2g}") for steps in ((256,) if arguments.quick else (256, 2048, 8192))}
        for name, scan in scans.items()
    }
    print(f"{'form':10} {'ms':>8}  largest relative error at T")
    for name in scans:
        print(f"{name:10} {times[name]:8.2f}  {errors[name]}")
    ratios = {f"{name}_over_ours": round(times[name] / times["ours"], 2) for name in ("loop", "log_space")}
    print(json.dumps({"benchmark": "scan", "size": [batch, length, width], "milliseconds": times, **ratios, "largest_relative_error": errors}))


if __name__ == "__main__":
    main()
