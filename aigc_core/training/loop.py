"""The one training loop: budget, progress, previews, checkpoints, resumption. It knows no loss."""

from __future__ import annotations

import contextlib
import json
import math
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Protocol, TextIO, runtime_checkable

from aigc_core.checkpoint import CARD, Checkpoint, read_json, save_checkpoint
from aigc_core.evaluation.records import records
from aigc_core.training.budget import Budget
from aigc_core.training.record import load_record, save_record

RECORD = "training.safetensors"
METRICS = "metrics.jsonl"


class Trainer(Protocol):
    """A family's part of training: one step, and what to keep of it."""

    def step(self, fraction: float) -> dict[str, float]:
        """One optimiser step at ``fraction`` of the budget; returns the parts of the loss."""

    def preview(self, folder: Path) -> Path:
        """Write a sample (picture or text) to ``folder`` and return its path."""

    def evaluate(self) -> dict[str, Any]:
        """Metrics on held-out data."""

    def state(self) -> dict[str, Any]:
        """All that a resumed training needs."""

    def load_state(self, state: dict[str, Any]) -> None:
        """Take up what :meth:`state` returned."""

    def checkpoint(self) -> Checkpoint:
        """What is sampled from: the averaged weights."""


@runtime_checkable
class Watched(Protocol):
    """A trainer that can tell when going on does harm."""

    def verdict(self) -> str | None:
        """Asked at each preview: a sentence for the owner if the training should end, else None."""


NUM_BROKEN = 50
"""So many steps in a row without a finite loss do not mend themselves."""


@dataclass
class Progress:
    """Where a training is."""

    step: int = 0
    seconds: float = 0.0
    num_skipped: int = 0
    finished: bool = False
    averages: dict[str, float] = field(default_factory=dict)
    num_broken: int = 0
    """Steps in a row, up to now, whose loss was not finite."""
    stopped: str = ""
    """Why the training ended before its budget, if it did so by itself."""

    def note(self, losses: dict[str, float]) -> None:
        """Fold the losses of a step into running averages."""
        for key, value in losses.items():
            self.averages[key] = value if key not in self.averages else 0.98 * self.averages[key] + 0.02 * value


def train(
    trainer: Trainer,
    folder: Path,
    budget: Budget,
    *,
    resume: bool = False,
    command: str = "",
    device: str = "cpu",
    preview_seconds: float = 60.0,
    output: TextIO | None = None,
) -> Progress:
    """Train until the budget is spent or SIGINT/SIGTERM asks to stop; either way ``folder`` holds a checkpoint and a record.

    Raises:
        FileNotFoundError: ``resume`` without a record in ``folder``.
    """
    progress = _resume(trainer, folder / RECORD) if resume else Progress()
    folder.mkdir(parents=True, exist_ok=True)
    bar = _Bar(budget, output or sys.stderr)
    with _stop_requests() as stop:
        last = time.monotonic()
        last_preview = last
        while (fraction := budget.fraction(progress.step, progress.seconds)) < 1.0 and not stop.requested:
            losses = trainer.step(fraction)
            now = time.monotonic()
            progress.step, progress.seconds, last = progress.step + 1, progress.seconds + now - last, now
            finite = all(math.isfinite(value) for value in losses.values())
            progress.num_broken = 0 if finite else progress.num_broken + 1
            if finite:
                progress.note(losses)
            else:
                progress.num_skipped += 1
            bar.show(progress)
            due = now - last_preview >= preview_seconds
            progress.stopped = _verdict(trainer, progress, due)
            if progress.stopped:
                break
            if due:
                bar.line(_keep(trainer, folder, progress, command, device))
                last_preview = last = time.monotonic()
    if progress.stopped:
        bar.line(_note_stop(folder, progress))
        return progress
    progress.finished = not stop.requested
    bar.line(_keep(trainer, folder, progress, command, device))
    return progress


def _verdict(trainer: Trainer, progress: Progress, due: bool) -> str:
    """Why to end now, or nothing."""
    if progress.num_broken >= NUM_BROKEN:
        return f"The training has come apart: the last {NUM_BROKEN} losses are not numbers. Start it again, or from another model (--from)"
    return (trainer.verdict() or "") if due and isinstance(trainer, Watched) else ""


def _note_stop(folder: Path, progress: Progress) -> str:
    """Leave the folder as the last good look found it, and say there why the training ended; returns a line for the log."""
    path = folder / CARD
    if not path.exists():
        return f"{progress.stopped}. Nothing was kept: it happened before the first look."
    card = read_json(path)
    card["training"]["stopped"] = progress.stopped
    path.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    kept = card["training"].get("best_step", card["training"]["steps"])
    return f"{progress.stopped}. Stopped at step {progress.step}; {folder} keeps the model of step {kept}."


def _resume(trainer: Trainer, path: Path) -> Progress:
    if not path.exists():
        raise FileNotFoundError(f"nothing to resume: there is no {path}")
    record = load_record(path)
    trainer.load_state(record["trainer"])
    return Progress(**record["progress"])


def _keep(trainer: Trainer, folder: Path, progress: Progress, command: str, device: str) -> str:
    """Evaluate, preview and save; returns a line for the log."""
    metrics = trainer.evaluate()
    checkpoint = trainer.checkpoint()
    made_by = {"command": command, "steps": progress.step, "minutes": round(progress.seconds / 60, 1), "skipped_steps": progress.num_skipped}
    measured = records(metrics, command=command, device=device, minutes=progress.seconds / 60)
    card = {**checkpoint.card, "metrics": measured, "training": {**checkpoint.card.get("training", {}), **made_by}}
    save_checkpoint(folder, Checkpoint(config=checkpoint.config, card=card, weights=checkpoint.weights))
    save_record(folder / RECORD, {"trainer": trainer.state(), "progress": vars(progress)})
    row = {"step": progress.step, "seconds": round(progress.seconds, 1), **progress.averages, **metrics}
    with (folder / METRICS).open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    sample = trainer.preview(folder)
    shown = "  ".join(f"{key} {value:.4g}" for key, value in metrics.items() if isinstance(value, int | float))
    return f"step {progress.step}  {shown}  → {sample}"


@dataclass
class _Stop:
    requested: bool = False


@contextlib.contextmanager
def _stop_requests() -> Iterator[_Stop]:
    """The first SIGINT or SIGTERM asks the loop to end after its step; the second acts as usual."""
    stop = _Stop()
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def request(number: int, _frame: FrameType | None) -> None:
        stop.requested = True
        signal.signal(number, previous[number])

    try:
        for number in previous:
            signal.signal(number, request)
    except ValueError:  # not in the main thread: whoever called it decides when it ends
        yield stop
        return
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class _Bar:
    """A progress bar on a terminal; elsewhere a line now and then."""

    WIDTH = 30

    def __init__(self, budget: Budget, output: TextIO) -> None:
        self.budget, self.output = budget, output
        self.every = 0.2 if output.isatty() else 20.0
        self.shown_at = -math.inf

    def show(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self.shown_at < self.every:
            return
        self.shown_at = now
        fraction = self.budget.fraction(progress.step, progress.seconds)
        full = round(self.WIDTH * fraction)
        left = progress.seconds * (1 - fraction) / max(fraction, 1e-6)
        losses = "  ".join(f"{key} {value:.3f}" for key, value in progress.averages.items())
        text = f"[{'█' * full}{'·' * (self.WIDTH - full)}] {fraction:4.0%}  step {progress.step}  {losses}  {left / 60:.1f} min left"
        self.output.write(f"\r\x1b[K{text}" if self.output.isatty() else f"{text}\n")
        self.output.flush()

    def line(self, text: str) -> None:
        self.output.write(f"\r\x1b[K{text}\n" if self.output.isatty() else f"{text}\n")
        self.output.flush()
