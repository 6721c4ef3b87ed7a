"""The engine: one thread owns the device. It takes whatever waits when the device becomes free, and waits for nobody."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence

from contracts.requests import ImagineRequest
from workers.metrics import WorkerMetrics
from workers.passes import PassSizes
from workers.pictures import draw_batch, next_batch
from workers.shelf import Shelf
from workers.texts import TextBatch
from workers.work import Released, Work

logger = logging.getLogger(__name__)

EX_SOFTWARE = 70
TEXT_SLICE_SECONDS = 0.05
"""How long texts are written between two looks at what has arrived."""
MOST_OWED_SECONDS = 1.0


class Engine:
    """Merges the jobs of different people: pictures in one pass, texts in one continuous batch.

    Where both wait, they get the same share of the device by measured time: what a pass of pictures took is owed to the texts.
    """

    def __init__(self, shelf: Shelf, max_pictures: int, max_texts: int, metrics: WorkerMetrics | None = None) -> None:
        self.shelf, self.max_texts = shelf, max_texts
        self.sizes = PassSizes(max_pictures)
        self.metrics = metrics or WorkerMetrics()
        self._arrived = threading.Condition()
        self._inbox: list[Work] = []
        self._pictures: list[Work] = []
        self._texts: list[Work] = []
        self._batches: dict[str, TextBatch] = {}
        self._stopping = False
        self._owed_to_texts = 0.0
        self._busy_since: float | None = None
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        """Start the engine's thread."""
        self._thread.start()

    def submit(self, work: Work) -> None:
        """Hand a job to the engine; its future will be resolved."""
        with self._arrived:
            if self._stopping:
                work.fail(Released())
                return
            self._inbox.append(work)
            self._arrived.notify()

    def stop(self) -> None:
        """End the thread; jobs still in the engine are released."""
        with self._arrived:
            self._stopping = True
            self._arrived.notify()
        if self._thread.is_alive():
            self._thread.join()

    def warm_up(self, probes: Sequence[Work]) -> None:
        """Run a small job of each model, so that the first person does not wait for loading; a model that fails is left out."""
        for work in probes:
            self.submit(work)
        for work in probes:
            try:
                work.result()
            except Exception:
                logger.exception("action=model_left_out model=%s", work.request.model)
                self.shelf.leave_out(work.request.model)

    def stuck_seconds(self) -> float:
        """How long the device has been at one step: a driver or a kernel that hangs never comes back."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def _run(self) -> None:
        try:
            self._serve()
        except Exception:
            # Without its engine a worker would hold its jobs for ever: end the process, so that it is started anew and the leases run out.
            logger.critical("action=engine_died", exc_info=True)
            os._exit(EX_SOFTWARE)

    def _serve(self) -> None:
        while self._take():
            self._draw()
            self._write()
        for work in (*self._inbox, *self._pictures, *self._texts):
            work.fail(Released())
        for batch in self._batches.values():
            batch.release()

    def _take(self) -> bool:
        """Wait for work; False when the engine stops."""
        with self._arrived:
            while not (self._inbox or self._pictures or self._texts or self._batches or self._stopping):
                self._arrived.wait()
            for work in self._inbox:
                (self._pictures if isinstance(work.request, ImagineRequest) else self._texts).append(work)
            self._inbox.clear()
            return not self._stopping

    def _draw(self) -> None:
        """One pass of pictures, if any wait."""
        for work in [work for work in self._pictures if work.ending()]:
            self._pictures.remove(work)
            work.fail(work.ending() or Released())
        if not self._pictures:
            return
        name, started = self._pictures[0].request.model, time.monotonic()
        batch = next_batch(self._pictures, self.sizes.of(name))
        self.metrics.pass_jobs.labels(name).observe(len(batch))
        self._guard(batch, lambda: draw_batch(batch, self.shelf.image_model(name, in_use=self._batches), self.sizes))
        self._owed_to_texts = min(MOST_OWED_SECONDS, self._owed_to_texts + time.monotonic() - started)

    def _write(self) -> None:
        """Texts for a short while, and as long as pictures held the device before; pictures that arrive then get in after the next token."""
        self._admit_texts()
        for name, batch in self._batches.items():
            self.metrics.texts.labels(name).observe(batch.num_texts)
        started, seconds = time.monotonic(), 0.0
        while self._batches and seconds < max(TEXT_SLICE_SECONDS, self._owed_to_texts):
            for name, batch in list(self._batches.items()):
                self._guard(batch.works(), batch.tick, batch.clear)
                if not batch.num_texts:
                    del self._batches[name]  # its model may be evicted now
            seconds = time.monotonic() - started
            if (self._inbox or self._pictures) and seconds >= self._owed_to_texts:
                break
        self._owed_to_texts = max(0.0, self._owed_to_texts - seconds) if self._batches else 0.0

    def _admit_texts(self) -> None:
        for work in list(self._texts):
            ending = work.ending()
            if ending:
                self._texts.remove(work)
                work.fail(ending)
                continue
            self._guard([work], lambda work=work: self._admit(work))  # type: ignore[misc]  # a default binds the loop's value
            if work.future.done():
                self._texts.remove(work)

    def _admit(self, work: Work) -> None:
        name = work.request.model
        if name not in self._batches:
            self._batches[name] = TextBatch(self.shelf.text_model(name, in_use=self._batches), self.max_texts)
        batch = self._batches[name]
        if batch.has_room():
            self._texts.remove(work)
            batch.join(work)

    def _guard(self, works: Sequence[Work], step: Callable[[], None], clean_up: Callable[[], None] | None = None) -> None:
        """The engine's boundary: an error fails the jobs that were in the step, never the thread."""
        self._busy_since = time.monotonic()
        try:
            step()
        except Exception as error:
            logger.exception("action=engine_step_failed jobs=%s", ",".join(work.job_id for work in works))
            for work in works:
                work.fail(error)
            if clean_up:
                clean_up()
        finally:
            self._busy_since = None
