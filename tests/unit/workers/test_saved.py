"""A text goes on from where it stopped."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import torch

from contracts.memory import MemoryJobLedger, MemoryStore
from contracts.outcomes import TextOutcome
from contracts.requests import WriteRequest
from tests.support.jobs import write
from tests.support.models import FakeShelf, ending_model, text_model
from workers.engine import Engine
from workers.saved import SavedState, pack, unpack
from workers.work import Result, Work

WAIT = 20.0


@pytest.fixture
def engine() -> Iterator[Engine]:
    running = Engine(FakeShelf(bard=text_model(), ends=ending_model()), max_pictures=8, max_texts=3)
    running.start()
    yield running
    running.stop()


def result(engine: Engine, request: WriteRequest, saved: bytes | None = None) -> tuple[Result, str]:
    work = Work(job_id="j", request=request, deadline_at=time.time() + 60, saved=saved)
    engine.submit(work)
    made = work.result(WAIT)
    assert isinstance(made.outcome, TextOutcome)
    return made, made.outcome.text


def test_a_text_goes_on_as_if_it_had_never_stopped(engine: Engine) -> None:
    """The saved state stands for all that was read and written: what follows is the same, and depends on it and on nothing else."""
    first = write("ab", length=30, seed=1)
    made, text = result(engine, first)
    after = first.model_copy(update={"prompt": "ab" + text, "continues": True, "seed": 5})
    _, read_again = result(engine, after)
    _, resumed = result(engine, after.model_copy(update={"prompt": "something else"}), made.files[0])
    assert resumed == read_again
    assert result(engine, after.model_copy(update={"prompt": "something else"}))[1] != resumed
    assert result(engine, after.model_copy(update={"prompt": "something else", "continues": False}), made.files[0])[1] != resumed, "a new text"


def test_after_its_own_end_nothing_is_kept(engine: Engine) -> None:
    made, _ = result(engine, write("a", model="ends", length=2000, seed=1))
    assert made.files == ()


def test_a_state_of_other_weights_is_left_alone() -> None:
    """Other weights, other sizes, no file at all: the text is read again."""
    saved = SavedState(state_1S=torch.randn(1, 6), logits_V=torch.randn(4))
    data = pack(saved, "v1")
    same = unpack(data, "v1", 6, 4)
    assert same is not None and torch.equal(same.state_1S, saved.state_1S) and torch.equal(same.logits_V, saved.logits_V)
    assert [unpack(data, "v2", 6, 4), unpack(data, "v1", 5, 4), unpack(data, "v1", 6, 3), unpack(b"no", "v1", 6, 4), unpack(None, "v1", 6, 4)] == [
        None
    ] * 5


def test_no_files_of_an_unknown_job() -> None:
    assert MemoryJobLedger(MemoryStore()).files("1") == ()
