from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from aigc_core.rnn.sampling import SamplerSettings
from aigc_core.serving import PromptError
from contracts.outcomes import ImageOutcome, TextOutcome
from contracts.requests import ImagineRequest, Variation, WriteRequest
from tests.support.jobs import imagine, write
from tests.support.models import CountingModel, FakeShelf, ending_model, text_model
from workers.engine import Engine
from workers.pictures import next_batch, picture_queries, picture_seed
from workers.shelf import UnknownModelError
from workers.work import Cancelled, DeadlinePassed, Released, Work

WAIT = 20.0


def work(request: ImagineRequest | WriteRequest, seconds: float = 60, name: str = "j") -> Work:
    return Work(job_id=name, request=request, deadline_at=time.time() + seconds)


@pytest.fixture
def images() -> CountingModel:
    return CountingModel()


@pytest.fixture
def engine(images: CountingModel) -> Iterator[Engine]:
    running = Engine(FakeShelf(digits=images, bard=text_model()), max_pictures=8, max_texts=3)
    running.start()
    yield running
    images.hold.set()
    running.stop()


def test_one_job_runs_at_once(engine: Engine) -> None:
    one = work(imagine(count=3, seed=7))
    engine.submit(one)
    result = one.result(WAIT)
    assert isinstance(result.outcome, ImageOutcome)
    assert [picture.seed for picture in result.outcome.pictures] == [7, 8, 9]
    assert len(result.files) == 4 and all(data.startswith(b"\x89PNG") for data in result.files)


def test_jobs_that_wait_together_are_drawn_in_one_pass(engine: Engine, images: CountingModel) -> None:
    """While the device is busy, jobs of different people gather; the next pass takes all that fit."""
    images.hold.clear()
    first = work(imagine())
    engine.submit(first)
    time.sleep(0.1)
    others = [work(imagine(count=2, seed=seed)) for seed in range(5)]
    for one in others:
        engine.submit(one)
    images.hold.set()
    outcomes = [one.result(WAIT).outcome for one in (first, *others)]
    assert images.passes == [1, 8, 2]
    assert [outcome.batch_size for outcome in outcomes if isinstance(outcome, ImageOutcome)] == [1, 4, 4, 4, 4, 1]


def test_a_prompt_that_means_nothing_fails_alone(engine: Engine, images: CountingModel) -> None:
    images.hold.clear()
    blocker = work(imagine())
    engine.submit(blocker)
    good, bad = work(imagine()), work(imagine(prompt="nothing"))
    engine.submit(good)
    engine.submit(bad)
    images.hold.set()
    assert good.result(WAIT)
    with pytest.raises(PromptError):
        bad.result(WAIT)


def test_an_error_in_a_pass_fails_its_jobs_and_nothing_else(engine: Engine, images: CountingModel) -> None:
    images.error = RuntimeError("broken")
    one = work(imagine())
    engine.submit(one)
    with pytest.raises(RuntimeError, match="broken"):
        one.result(WAIT)
    images.error = None
    two = work(imagine())
    engine.submit(two)
    assert two.result(WAIT)


def test_an_unknown_model_is_an_error_of_its_job(engine: Engine) -> None:
    for request in (imagine(model="nobody"), write(model="nobody"), write(model="digits")):
        one = work(request)
        engine.submit(one)
        with pytest.raises(UnknownModelError):
            one.result(WAIT)


def test_texts_in_a_batch_are_those_written_alone(engine: Engine) -> None:
    """Seven texts of different lengths through three slots: each is what the model writes alone with that seed."""
    requests = [write(prompt="To be", length=20 + 10 * index, seed=index) for index in range(7)]
    works = [work(request) for request in requests]
    for one in works:
        engine.submit(one)
    for request, one in zip(requests, works, strict=True):
        outcome = one.result(WAIT).outcome
        assert isinstance(outcome, TextOutcome)
        settings = SamplerSettings(temperature=request.temperature)
        alone = text_model().write(request.prompt, request.length, settings, request.seed)
        assert outcome.text == alone and len(outcome.text) >= request.length


def test_texts_end_where_the_model_says_so_alone_as_in_a_batch() -> None:
    """A model of documents ends its texts before the length asked for; bytes that are no character yet are never shown."""
    engine = Engine(FakeShelf(tales=ending_model()), max_pictures=8, max_texts=3)
    engine.start()
    requests = [write(prompt="To be", length=2000, seed=seed).model_copy(update={"model": "tales", "temperature": 1.5}) for seed in range(5)]
    works = [work(request) for request in requests]
    for one in works:
        engine.submit(one)
    outcomes = [one.result(WAIT).outcome for one in works]
    engine.stop()
    model = ending_model()
    for request, outcome in zip(requests, outcomes, strict=True):
        assert isinstance(outcome, TextOutcome) and not outcome.titled
        assert outcome.text == model.write("To be", 2000, model.settings(1.5), request.seed)
    assert sum(len(outcome.text) < 2000 for outcome in outcomes if isinstance(outcome, TextOutcome)) >= 3


def test_a_long_prompt_is_read_in_pieces(engine: Engine) -> None:
    one = work(write(prompt="to be or not to be " * 60, length=5))
    engine.submit(one)
    assert isinstance(one.result(WAIT).outcome, TextOutcome)


def test_letters_that_the_model_lacks_are_reported(engine: Engine) -> None:
    one = work(write(prompt="日本 be", length=3))
    engine.submit(one)
    outcome = one.result(WAIT).outcome
    assert isinstance(outcome, TextOutcome) and outcome.ignored == ("日", "本")


def test_a_stopped_text_keeps_what_was_written(engine: Engine) -> None:
    one = work(write(length=8000))
    engine.submit(one)
    until = time.monotonic() + WAIT
    while not (one.progress and one.progress.text) and time.monotonic() < until:
        time.sleep(0.01)
    one.end(Cancelled())
    with pytest.raises(Cancelled) as stopped:
        one.result(WAIT)
    assert stopped.value.partial is not None
    outcome = stopped.value.partial.outcome
    assert isinstance(outcome, TextOutcome) and outcome.stopped == "person" and outcome.text


def test_texts_and_pictures_share_the_device_by_time(images: CountingModel) -> None:
    """While pictures wait all the time, a text gets about as much of the device as they do."""
    engine = Engine(FakeShelf(digits=images, bard=text_model()), max_pictures=8, max_texts=3)
    engine.start()
    stream = [work(imagine(count=8)) for _ in range(40)]
    images.pause_seconds = 0.02
    text = work(write(length=8000))
    engine.submit(text)
    for one in stream:
        engine.submit(one)
    started = time.monotonic()
    stream[-1].result(WAIT)
    spent = time.monotonic() - started
    assert 0.3 < text.cost_seconds / spent < 0.7
    text.end(Cancelled())
    engine.stop()


def test_a_device_that_hangs_is_noticed(engine: Engine, images: CountingModel) -> None:
    assert engine.stuck_seconds() == 0
    images.hold.clear()
    one = work(imagine())
    engine.submit(one)
    time.sleep(0.3)
    assert engine.stuck_seconds() > 0.2
    images.hold.set()
    one.result(WAIT)
    time.sleep(0.05)
    assert engine.stuck_seconds() == 0


def test_jobs_past_their_deadline_end(engine: Engine) -> None:
    for request in (imagine(), write(length=8000)):
        late = work(request, seconds=-1)
        engine.submit(late)
        with pytest.raises(DeadlinePassed):
            late.result(WAIT)


def test_stopping_releases_what_has_not_ended(images: CountingModel) -> None:
    engine = Engine(FakeShelf(digits=images, bard=text_model()), max_pictures=8, max_texts=1)
    engine.start()
    works = [work(write(length=8000)) for _ in range(3)]
    for one in works:
        engine.submit(one)
    time.sleep(0.2)
    engine.stop()
    late = work(imagine())
    engine.submit(late)
    for one in (*works, late):
        with pytest.raises(Released):
            one.result(WAIT)


def test_batches_take_the_oldest_first_and_only_one_model() -> None:
    works = [work(imagine(count=4)), work(imagine(model="other")), work(imagine(count=9)), work(imagine(count=4))]
    waiting = list(works)
    assert next_batch(waiting, 8) == [works[0], works[3]]
    assert waiting == [works[1], works[2]]
    assert next_batch(waiting, 8) == [works[1]]
    assert next_batch(waiting, 8) == [works[2]]


def test_seeds_count_up_and_wrap() -> None:
    assert [query.seed for query in picture_queries(imagine(count=2, seed=2**32 - 1))] == [2**32 - 1, 0]


def test_variations_share_their_parents_seed() -> None:
    """Pictures of a variation differ in the last move only, and all show what the parent's place showed."""
    request = imagine(prompt="4 2", count=3, seed=5).model_copy(update={"variations": (Variation(seed=9, strength=0.5),), "place": 1})
    queries = picture_queries(request)
    assert [query.seed for query in queries] == [5, 5, 5]
    assert [query.variations for query in queries] == [((9, 0.5),), ((10, 0.5),), ((11, 0.5),)]
    assert [query.index for query in queries] == [1, 1, 1]
    assert picture_seed(request, 2) == 11
