"""Weights on disk, a text model's small changes of itself: in fewer bytes, to a text that it reads, to a manner of writing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from aigc.main import main
from aigc_core.checkpoint import WEIGHTS, Checkpoint, CheckpointError, load_checkpoint, save_checkpoint
from aigc_core.data.corpus import Document
from aigc_core.models import load_model, num_weights, zoo_folder
from aigc_core.rnn.dynamic import DynamicRule, dynamic_nats
from aigc_core.rnn.language_model import RecurrentLanguageModel
from aigc_core.rnn.persona import PersonaRecipe, PersonaTrainer
from aigc_core.rnn.training import validation_nats
from aigc_core.serving import TextModel
from aigc_core.weights import FORMS, packed, unpacked


@pytest.mark.parametrize("form", FORMS)
def test_weights_come_back_within_the_form_s_rounding(form: str) -> None:
    weights = {"w": torch.randn(64, 32), "conv": torch.randn(8, 16, 3, 3), "bias": torch.randn(64), "steps": torch.tensor(7)}
    loaded = unpacked(packed(weights, form))
    assert loaded.keys() == weights.keys() and int(loaded["steps"]) == 7
    bound = {"fp16": 2**-11, "bf16": 2**-8, "int8": 1 / 254}[form]
    for name in ("w", "conv"):
        rows = weights[name].flatten(1)
        size = rows.abs() if form != "int8" else rows.abs().amax(1, keepdim=True)
        assert bool(((loaded[name].flatten(1) - rows).abs() <= 1.001 * bound * size + 1e-7).all())


def test_a_row_of_zeros_and_a_weight_called_scale_stay_what_they_are() -> None:
    weights = {"w": torch.zeros(64, 32), "norm.scale": torch.ones(3)}
    loaded = unpacked(packed(weights, "int8"))
    assert torch.equal(loaded["w"], weights["w"]) and torch.equal(loaded["norm.scale"], weights["norm.scale"])


def test_a_text_model_in_bytes_writes_as_well(tmp_path: Path) -> None:
    """Half the size, the same loss within a hundredth of a nat, and a state that stays finite over a long text."""
    bard = load_model(zoo_folder() / "bard")
    assert isinstance(bard, TextModel)
    assert main(["pack", str(zoo_folder() / "bard"), "--out", str(tmp_path / "small")]) == 0
    small = load_model(tmp_path / "small")
    assert isinstance(small, TextModel)
    sizes = [(folder / WEIGHTS).stat().st_size for folder in (zoo_folder() / "bard", tmp_path / "small")]
    assert sizes[1] < 0.56 * sizes[0] and any(tensor.dtype is torch.int8 for tensor in load_file(tmp_path / "small" / WEIGHTS).values())
    tokens = torch.tensor(
        bard.tokenizer.encode("ROMEO:\nBut soft, what light through yonder window breaks?\nIt is the east, and Juliet is the sun.\n" * 20)
    )
    nats = [validation_nats(model.network, tokens, "cpu") for model in (bard, small)]
    assert nats[1] == pytest.approx(nats[0], abs=0.01) and nats[1] != nats[0]


def text(network: RecurrentLanguageModel, seed: int, length: int) -> torch.Tensor:
    return torch.randint(network.vocab_size // 2, (length,), generator=torch.Generator().manual_seed(seed))


def test_a_model_learns_from_the_text_it_reads_and_stays_as_it_was() -> None:
    """A text that repeats is met better the longer it is read; without a step it is the usual loss; the model itself does not change."""
    bard = load_model(zoo_folder() / "bard")
    assert isinstance(bard, TextModel)
    before = {name: weight.clone() for name, weight in bard.network.state_dict().items()}
    train = text(bard.network, 1, 2_000)
    strange = text(bard.network, 2, 40).repeat(20)
    still, usual = dynamic_nats(bard.network, train, strange, DynamicRule(rate=0.0)), validation_nats(bard.network, strange, "cpu")
    assert still == pytest.approx(usual, abs=1e-4)
    assert dynamic_nats(bard.network, train, strange) < 0.95 * still
    assert all(torch.equal(weight, before[name]) for name, weight in bard.network.state_dict().items())


def test_a_manner_of_writing_is_a_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Held-out texts are met better than by the model alone; what is kept are kilobytes; it is served with the model it belongs to, and no other."""
    base = load_model(zoo_folder() / "bard")
    assert isinstance(base, TextModel)
    documents = [
        Document(text=f"arr, me {word}! hoist the {word} and away, arr!")
        for word in ["sail", "mast", "gold", "rum", "ship", "crew", "flag", "deck"] * 8
    ]
    card = {"name": "pirate", "title": "Pirate", "family": "rnn", "kind": "text", "summary": "", "knows": "", "licence": ""}
    trainer = PersonaTrainer(base, documents, PersonaRecipe(), card, "cpu")
    for step in range(25):
        trainer.step(step / 25)
    found = trainer.evaluate()
    assert found["validation_nats"] < 0.9 * found["validation_nats_of_base"]
    save_checkpoint(tmp_path / "pirate", trainer.checkpoint())
    assert (tmp_path / "pirate" / WEIGHTS).stat().st_size < 20_000
    served = load_model(tmp_path / "pirate")
    assert isinstance(served, TextModel) and served.begins_otherwise and not base.begins_otherwise
    settings = served.settings(0.8)
    assert served.write("", 40, settings, 1) != base.write("", 40, settings, 1)
    config = json.loads((tmp_path / "pirate" / "config.json").read_text())
    config["base"]["version"] = "00000000"
    (tmp_path / "pirate" / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="train it again"):
        load_model(tmp_path / "pirate")
    save_checkpoint(tmp_path / "lost", Checkpoint(config={"family": "rnn", "base": {"name": "gone", "version": "1"}}, card=card, weights={}))
    with pytest.raises(CheckpointError, match="no such model here"):
        load_model(tmp_path / "lost")
    assert load_checkpoint(tmp_path / "pirate").weights["start"].shape == (1, base.network.state_size)


def test_a_persona_is_trained_by_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pirate.txt").write_text("arr, me hearties! hoist the sail and away. " * 200)
    assert main(["train", "rnn", "--data", "pirate.txt", "--persona"]) == 1 and "--from" in capsys.readouterr().err
    assert (
        main(["train", "rnn", "--data", "pirate.txt", "--persona", "--from", "bard", "--name", "pirate", "--minutes", "0.05", "--threads", "1"]) == 0
    )
    assert isinstance(load_model(tmp_path / "models" / "pirate"), TextModel)
    assert num_weights(tmp_path / "models" / "pirate") > num_weights(zoo_folder() / "bard")
    for wrong, words in (
        (["rnn", "--name", "bard", "--from", "bard"], "call it otherwise"),
        (["rnn", "--from", "pirate"], "of its own"),
        (["gan"], "one of an rnn"),
    ):
        assert main(["train", wrong[0], "--data", "pirate.txt", "--persona", *wrong[1:]]) == 1 and words in capsys.readouterr().err
    Path("foreign.txt").write_text("Жил-был у бабушки серенький козлик. " * 900)
    assert main(["train", "rnn", "--data", "foreign.txt", "--persona", "--from", "bard"]) == 1 and "does not know" in capsys.readouterr().err
    assert main(["train", "rnn", "--data", "foreign.txt", "--from", "pirate"]) == 1 and "start from that one" in capsys.readouterr().err
