from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest
import torch

from contracts.outcomes import ErrorCode, Failure, State, TextOutcome
from contracts.ports import Limits
from contracts.requests import Job
from tests.support.jobs import announcement, imagine, job, write
from tests.support.models import CountingModel, FakeShelf, text_model
from tests.support.stores import Stores, memory_stores
from workers.dispatcher import Dispatcher
from workers.engine import Engine
from workers.heart import Heart
from workers.metrics import WorkerMetrics
from workers.runner import Runner


class FakeBroker:
    """Remembers what was sent; its queues hold what ``queued`` says."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.queued = 0

    def send(self, job_id: str, route: str) -> None:
        self.sent.append((job_id, route))

    def backlog(self, route: str) -> int:
        return self.queued


@pytest.fixture
def stores() -> Stores:
    return memory_stores(Limits(lease_seconds=5, resend_seconds=1))


@pytest.fixture
def images() -> CountingModel:
    return CountingModel()


@pytest.fixture
def broker() -> FakeBroker:
    return FakeBroker()


@pytest.fixture
def runner(stores: Stores, images: CountingModel, broker: FakeBroker) -> Iterator[Runner]:
    engine = Engine(FakeShelf(digits=images, bard=text_model()), 8, 4)
    engine.start()
    yield Runner(stores.ledger, engine, "w1", Dispatcher(stores.ledger, broker), WorkerMetrics())  # type: ignore[arg-type]
    images.hold.set()
    engine.stop()


def heart_of(stores: Stores, runner: Runner, broker: FakeBroker, *models: str) -> Heart:
    dispatcher = Dispatcher(stores.ledger, broker)  # type: ignore[arg-type]
    return Heart(stores.ledger, runner, broker, dispatcher, announcement(*models), stores.limits)  # type: ignore[arg-type]


def submit(stores: Stores, one: Job) -> None:
    assert asyncio.run(stores.queue.submit(one)) is None


def outcome_of(stores: Stores, one: Job) -> tuple[State, object]:
    ended = asyncio.run(stores.queue.ended(one.id))
    assert ended is not None
    return ended.state, ended.outcome


def start(runner: Runner, one: Job) -> threading.Thread:
    thread = threading.Thread(target=runner.run, args=(one.id,))
    thread.start()
    until = time.monotonic() + 10
    while not runner.beats() and time.monotonic() < until:
        time.sleep(0.005)
    return thread


def test_a_job_is_claimed_run_and_published(runner: Runner, stores: Stores) -> None:
    one = job()
    submit(stores, one)
    runner.run(one.id)
    assert outcome_of(stores, one)[0] is State.SUCCEEDED
    assert runner.beats() == []


def test_a_message_that_comes_twice_runs_once(runner: Runner, stores: Stores, images: CountingModel) -> None:
    one = job()
    submit(stores, one)
    runner.run(one.id)
    runner.run(one.id)
    runner.run("unknown")
    assert images.passes == [1]


@pytest.mark.parametrize(("error", "code"), [(RuntimeError("x"), ErrorCode.INTERNAL), (torch.OutOfMemoryError("x"), ErrorCode.OUT_OF_MEMORY)])
def test_every_error_becomes_an_outcome(runner: Runner, stores: Stores, images: CountingModel, error: Exception, code: ErrorCode) -> None:
    images.error = error
    one = job()
    submit(stores, one)
    runner.run(one.id)
    assert outcome_of(stores, one) == (State.FAILED, Failure(code=code))


def test_bad_prompts_and_unknown_models_say_why(runner: Runner, stores: Stores) -> None:
    bad, unknown = job(imagine(prompt="nothing"), user_id="1"), job(imagine(model="nobody"), user_id="2")
    for one in (bad, unknown):
        submit(stores, one)
        runner.run(one.id)
    assert outcome_of(stores, bad)[1] == Failure(code=ErrorCode.BAD_REQUEST, details={"reason": "Digits draws digits"})
    assert outcome_of(stores, unknown)[1] == Failure(code=ErrorCode.UNKNOWN_MODEL, details={"model": "nobody"})


def test_a_late_job_expires(runner: Runner, stores: Stores) -> None:
    one = job(write(length=8000), deadline_at=time.time() - 1)
    submit(stores, one)
    runner.run(one.id)
    assert outcome_of(stores, one) == (State.EXPIRED, Failure(code=ErrorCode.DEADLINE))


def test_a_cancelled_text_is_published_as_far_as_it_came(runner: Runner, stores: Stores) -> None:
    """The heartbeat learns of the cancellation, and the text ends at the next token with what it has."""
    one = job(write(length=8000))
    submit(stores, one)
    thread = start(runner, one)
    heart = heart_of(stores, runner, FakeBroker(), "bard")
    until = time.monotonic() + 10
    while not any(beat.progress and beat.progress.text for beat in runner.beats()) and time.monotonic() < until:
        time.sleep(0.01)
    asyncio.run(stores.queue.cancel(one.id))
    heart.beat()
    thread.join(10)
    state, outcome = outcome_of(stores, one)
    assert state is State.CANCELLED and isinstance(outcome, TextOutcome) and outcome.stopped == "person"


def test_draining_gives_running_jobs_back(runner: Runner, stores: Stores) -> None:
    """A worker that ends releases what does not end in time and takes nothing new; the job waits again, unharmed."""
    one, two = job(write(length=8000), user_id="1"), job(user_id="2")
    submit(stores, one)
    submit(stores, two)
    thread = start(runner, one)
    runner.drain(0.05)
    thread.join(10)
    runner.run(two.id)
    snapshots = asyncio.run(stores.queue.snapshots([one.id, two.id]))
    assert [snapshot and snapshot.state for snapshot in snapshots] == [State.QUEUED, State.QUEUED]


def test_a_lost_lease_ends_the_work(runner: Runner, stores: Stores) -> None:
    """Whoever has lost a job stops spending the device on it, and publishes nothing."""
    one = job(write(length=8000))
    submit(stores, one)
    thread = start(runner, one)
    stores.wait(60)
    stores.ledger.recover({})
    heart = heart_of(stores, runner, FakeBroker(), "bard")
    heart.beat()
    thread.join(10)
    assert not thread.is_alive()
    (snapshot,) = asyncio.run(stores.queue.snapshots([one.id]))
    assert snapshot and snapshot.state is State.QUEUED


def test_the_heart_announces_dispatches_and_sends_lost_messages_again(runner: Runner, stores: Stores) -> None:
    one = job()
    submit(stores, one)
    broker = FakeBroker()
    heart = heart_of(stores, runner, broker, "digits")
    heart.beat()
    assert [worker.worker_id for worker in asyncio.run(stores.queue.workers())] == ["w1"]
    assert broker.sent == [(one.id, "digits")]
    stores.wait(2)
    heart.recover()
    assert broker.sent == [(one.id, "digits")] * 2
    heart.stop_announcing()
    assert asyncio.run(stores.queue.workers()) == []


def test_the_window_is_as_wide_as_the_worker(runner: Runner, stores: Stores, broker: FakeBroker) -> None:
    """No more messages than the worker can hold; an ended job makes room for the next."""
    jobs = [job(user_id=str(index)) for index in range(9)]
    for one in jobs:
        submit(stores, one)
    heart = heart_of(stores, runner, broker, "digits")  # it announces four slots
    heart.beat()
    assert [job_id for job_id, _ in broker.sent] == [one.id for one in jobs[:4]]
    heart.beat()
    assert len(broker.sent) == 4
    runner.run(jobs[0].id)
    assert [job_id for job_id, _ in broker.sent] == [one.id for one in jobs[:5]]


def test_jobs_are_counted_by_what_became_of_them(runner: Runner, stores: Stores) -> None:
    good, bad = job(user_id="1"), job(imagine(prompt="nothing"), user_id="2")
    for one in (good, bad):
        submit(stores, one)
        runner.run(one.id)
    value = runner.metrics.registry.get_sample_value
    assert value("aigc_job_run_seconds_count", {"model": "digits", "state": "succeeded"}) == 1
    assert value("aigc_job_failures_total", {"model": "digits", "code": "bad_request"}) == 1
    assert value("aigc_job_wait_seconds_count", {"model": "digits"}) == 2


def test_a_continuation_takes_up_what_was_kept_of_its_text(stores: Stores, runner: Runner) -> None:
    """Its prompt is not read then: whatever it says, the same follows. Once nothing is kept any more, the prompt is read."""
    first = job(job_id="1", request=write("ab", length=30))
    submit(stores, first)
    runner.run(first.id)
    texts = []
    for number, (prompt, after) in enumerate([("ba", "1"), ("nonsense", "1"), ("ba", "99"), ("ba", None)], start=2):
        request = write(prompt, length=30, seed=5).model_copy(update={"continues": True, "after": after})
        one = job(job_id=str(number), request=request)
        submit(stores, one)
        runner.run(one.id)
        outcome = outcome_of(stores, one)[1]
        assert isinstance(outcome, TextOutcome)
        texts.append(outcome.text)
    assert texts[0] == texts[1] != texts[2] == texts[3]
