from __future__ import annotations

import io
import os
import signal
from pathlib import Path

import pytest
import torch
from torch import nn

from aigc_core.checkpoint import Checkpoint, CheckpointError, load_checkpoint, save_checkpoint
from aigc_core.config import from_dict, to_dict
from aigc_core.data.shakespeare import split_corpus
from aigc_core.evaluation.records import figures
from aigc_core.rnn.hawk import HawkConfig
from aigc_core.rnn.training import TextRecipe, TextTrainer
from aigc_core.training.budget import Budget, cosine
from aigc_core.training.ema import Ema
from aigc_core.training.loop import NUM_BROKEN, RECORD, train
from aigc_core.training.record import load_record, save_record

CONFIG = HawkConfig(vocab_size=7, width=8, num_layers=1)


def trainer() -> TextTrainer:
    torch.manual_seed(0)
    return TextTrainer(CONFIG, TextRecipe(batch=4, window=16, dropout=0.0), split_corpus("abcdef\n" * 100), {"name": "tiny"}, "cpu")


def test_ema_is_the_slow_average() -> None:
    """With a fixed half-life the average after n equal steps is what the formula says."""
    source = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(source.weight)
    ema = Ema(source, half_life=10, rampup=None)
    nn.init.ones_(source.weight)
    for _ in range(4):
        ema.update(source, 5)
    assert ema.module.weight.item() == pytest.approx(1 - 0.5**2)


def test_budget_counts_steps_or_minutes_whichever_is_further() -> None:
    budget = Budget(num_steps=100, minutes=1)
    assert budget.fraction(10, 30) == 0.5
    assert budget.fraction(80, 30) == 0.8
    assert budget.fraction(80, 90) == 1.0


def test_cosine_starts_and_ends_where_told() -> None:
    assert (cosine(2, 1, 0), cosine(2, 1, 1)) == (2, 1)
    assert cosine(2, 1, 0.5) == pytest.approx(1.5)


def test_a_typo_in_a_configuration_is_an_error() -> None:
    with pytest.raises(ValueError, match="no setting widht"):
        from_dict(HawkConfig, {"vocab_size": 5, "widht": 3})
    assert from_dict(HawkConfig, to_dict(CONFIG)) == CONFIG


def test_a_checkpoint_comes_back_in_half_precision(tmp_path: Path) -> None:
    weights = {"w": torch.randn(3, 3)}
    save_checkpoint(tmp_path / "m", Checkpoint(config={"family": "x"}, card={"name": "m"}, weights=weights))
    loaded = load_checkpoint(tmp_path / "m")
    torch.testing.assert_close(loaded.weights["w"], weights["w"].half().float())
    assert len(loaded.card["version"]) == 8


def test_saving_again_keeps_other_files_and_changes_the_version(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    save_checkpoint(folder, Checkpoint(config={}, card={}, weights={"w": torch.zeros(1)}))
    (folder / "notes.txt").write_text("mine")
    before = load_checkpoint(folder).card["version"]
    save_checkpoint(folder, Checkpoint(config={}, card={}, weights={"w": torch.ones(1)}))
    assert (folder / "notes.txt").read_text() == "mine"
    assert load_checkpoint(folder).card["version"] != before


def test_a_damaged_checkpoint_names_the_file(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "m", Checkpoint(config={}, card={}, weights={"w": torch.zeros(1)}))
    (tmp_path / "m" / "card.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"card\.json"):
        load_checkpoint(tmp_path / "m")


def test_records_hold_nested_state_exactly(tmp_path: Path) -> None:
    state = {"a": [torch.arange(3), {1: 2.5, "b": None}], "flag": True}
    save_record(tmp_path / "r", state)
    loaded = load_record(tmp_path / "r")
    assert loaded["a"][0].tolist() == [0, 1, 2] and loaded["a"][1] == {1: 2.5, "b": None} and loaded["flag"] is True


def test_a_resumed_training_is_the_uninterrupted_one(tmp_path: Path) -> None:
    """After 6 steps, a pause and 6 more, the weights are those of 12 steps in one go."""
    straight = trainer()
    for _ in range(12):
        straight.step(0.5)
    first = trainer()
    for _ in range(6):
        first.step(0.5)
    save_record(tmp_path / "r", first.state())
    second = trainer()
    second.load_state(load_record(tmp_path / "r"))
    for _ in range(6):
        second.step(0.5)
    for a, b in zip(straight.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_loop_leaves_a_model_a_record_and_metrics(tmp_path: Path) -> None:
    output = io.StringIO()
    progress = train(trainer(), tmp_path / "m", Budget(num_steps=5), command="aigc train tiny", output=output)
    card = load_checkpoint(tmp_path / "m").card
    assert progress.finished and progress.step == 5
    assert card["training"]["command"] == "aigc train tiny" and card["training"]["steps"] == 5
    (measured,) = [record for record in card["metrics"] if record["name"] == "validation_nats"]
    assert measured["command"] == "aigc train tiny" and measured["device"] == "cpu"
    assert measured["value"] == figures(card)["validation_nats"] and "validation_nats" in output.getvalue()
    more = train(trainer(), tmp_path / "m", Budget(num_steps=8), resume=True, output=output)
    assert more.step == 8


def test_an_interruption_saves_what_there_is(tmp_path: Path) -> None:
    """SIGTERM ends the loop after its step; the record is there to resume from."""
    interrupted = trainer()
    step = interrupted.step

    def step_then_signal(fraction: float) -> dict[str, float]:
        os.kill(os.getpid(), signal.SIGTERM)
        return step(fraction)

    interrupted.step = step_then_signal  # type: ignore[method-assign]
    progress = train(interrupted, tmp_path / "m", Budget(num_steps=1000), output=io.StringIO())
    assert progress.step == 1 and not progress.finished
    assert (tmp_path / "m" / RECORD).exists()


def test_resuming_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing to resume"):
        train(trainer(), tmp_path / "m", Budget(num_steps=1), resume=True, output=io.StringIO())


def test_a_step_that_is_not_finite_is_counted_and_left_out() -> None:
    broken = trainer()
    with torch.no_grad():
        broken.model.norm.weight.fill_(float("nan"))  # type: ignore[union-attr,operator]
    before = broken.model.embedding.weight.clone()  # type: ignore[union-attr,operator]
    assert broken.step(0.5)["nats"] != broken.step(0.5)["nats"]
    assert torch.equal(before, broken.model.embedding.weight)  # type: ignore[arg-type]


def test_a_training_that_does_harm_ends_and_keeps_what_was_good(tmp_path: Path) -> None:
    """The verdict comes at the third look: the folder holds the model of the second."""
    watched, looks = trainer(), iter([None, None, "The pictures have become copies. Add more"])
    watched.verdict = lambda: next(looks)  # type: ignore[attr-defined]
    output = io.StringIO()
    progress = train(watched, tmp_path / "m", Budget(num_steps=50), preview_seconds=0.0, output=output)
    card = load_checkpoint(tmp_path / "m").card
    assert progress.step == 3 and not progress.finished
    assert card["training"]["steps"] == 2 and card["training"]["stopped"] == "The pictures have become copies. Add more"
    assert "Add more. Stopped at step 3" in output.getvalue() and "keeps the model of step 2" in output.getvalue()


def test_losses_that_are_no_numbers_end_a_training(tmp_path: Path) -> None:
    broken = trainer()
    broken.step = lambda fraction: {"nats": float("nan")}  # type: ignore[method-assign]
    output = io.StringIO()
    progress = train(broken, tmp_path / "m", Budget(num_steps=1000), output=output)
    assert progress.step == NUM_BROKEN and not progress.finished and "Nothing was kept" in output.getvalue()
    assert not (tmp_path / "m" / RECORD).exists()


def test_a_few_losses_that_are_no_numbers_do_not(tmp_path: Path) -> None:
    shaken = trainer()
    values = iter([float("nan"), 1.0] * NUM_BROKEN)
    shaken.step = lambda fraction: {"nats": next(values)}  # type: ignore[method-assign]
    progress = train(shaken, tmp_path / "m", Budget(num_steps=2 * NUM_BROKEN), output=io.StringIO())
    assert progress.finished and progress.num_skipped == NUM_BROKEN
