"""The engine: one thread owns the device. It takes whatever waits when the device becomes free, and waits for nobody."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence

from contracts.requests import ImagineRequest
from workers.metrics import WorkerMetrics
from workers.pictures import draw_batch, next_batch
from workers.shelf import Shelf
from workers.texts import TextBatch
from workers.work import Released, Work

logger = logging.getLogger(__name__)

EX_SOFTWARE = 70
TEXT_SLICE_SECONDS = 0.05
"""How long texts may hold the device while pictures wait."""


class Engine:
    """Merges the jobs of different people: pictures in one pass, texts in one continuous batch."""

    def __init__(self, shelf: Shelf, max_pictures: int, max_texts: int, metrics: WorkerMetrics | None = None) -> None:
        self.shelf, self.max_pictures, self.max_texts = shelf, max_pictures, max_texts
        self.metrics = metrics or WorkerMetrics()
        self._arrived = threading.Condition()
        self._inbox: list[Work] = []
        self._pictures: list[Work] = []
        self._texts: list[Work] = []
        self._batches: dict[str, TextBatch] = {}
        self._stopping = False
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
            while not (self._inbox or self._pictures or self._texts or self._num_writing() or self._stopping):
                self._arrived.wait()
            for work in self._inbox:
                (self._pictures if isinstance(work.request, ImagineRequest) else self._texts).append(work)
            self._inbox.clear()
            return not self._stopping

    def _num_writing(self) -> int:
        return sum(batch.num_texts for batch in self._batches.values())

    def _draw(self) -> None:
        """One pass of pictures, if any wait."""
        for work in [work for work in self._pictures if work.ending()]:
            self._pictures.remove(work)
            work.fail(work.ending() or Released())
        if not self._pictures:
            return
        batch = next_batch(self._pictures, self.max_pictures)
        self.metrics.pass_jobs.labels(batch[0].request.model).observe(len(batch))
        self._guard(batch, lambda: draw_batch(batch, self.shelf))

    def _write(self) -> None:
        """A slice of texts: until pictures or new texts arrive, or for a short while."""
        self._admit_texts()
        for name, batch in self._batches.items():
            if batch.num_texts:
                self.metrics.texts.labels(name).observe(batch.num_texts)
        until = time.monotonic() + TEXT_SLICE_SECONDS
        while self._num_writing() and time.monotonic() < until:
            for batch in [batch for batch in self._batches.values() if batch.num_texts]:
                self._guard(batch.works(), batch.tick, batch.clear)

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
            self._batches[name] = TextBatch(self.shelf.text_model(name), self.max_texts)
        batch = self._batches[name]
        if batch.has_room():
            self._texts.remove(work)
            batch.join(work)

    def _guard(self, works: Sequence[Work], step: Callable[[], None], clean_up: Callable[[], None] | None = None) -> None:
        """The engine's boundary: an error fails the jobs that were in the step, never the thread."""
        try:
            step()
        except Exception as error:
            logger.exception("action=engine_step_failed jobs=%s", ",".join(work.job_id for work in works))
            for work in works:
                work.fail(error)
            if clean_up:
                clean_up()
