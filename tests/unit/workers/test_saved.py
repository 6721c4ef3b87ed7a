"""A text goes on from where it stopped."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import torch

from aigc_core.data.corpus import END, START, TEXT
from aigc_core.rnn.hawk import Hawk, HawkConfig
from aigc_core.rnn.openings import About, AboutOpening
from aigc_core.rnn.tokenizer import BytePairTokenizer, Transcript
from aigc_core.serving import TextModel
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


def test_half_a_character_is_no_place_to_go_on_from() -> None:
    transcript = Transcript()
    transcript.add("né".encode()[:2])
    assert not transcript.whole and transcript.text == "n"
    transcript.add("né".encode()[2:])
    assert transcript.whole and transcript.text == "né"


def test_what_a_text_begins_with_is_not_what_the_model_wrote() -> None:
    """A first sentence longer than the length asked for is followed by as much text of the model's own."""
    tokenizer = BytePairTokenizer((), (START, TEXT, END, "simple"))
    torch.manual_seed(0)
    network = Hawk(HawkConfig(vocab_size=tokenizer.vocab_size, width=16, num_layers=2))
    opening = AboutOpening(tokenizer, About(controls={"simple": ()}, common=frozenset(), told=True, sized=False))
    running = Engine(FakeShelf(tales=TextModel(network, tokenizer, {"version": "abcd1234"}, "cpu", opening)), max_pictures=8, max_texts=3)
    running.start()
    _, text = result(running, write("A dragon who was afraid of the dark", model="tales", length=20, seed=2))
    running.stop()
    first = "Once upon a time there was a dragon who was afraid of the dark."
    assert text.startswith(first) and len(text) > len(first)


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
