"""From an owner's texts to a model that is served; what a training that learns by heart does; how copies are found."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import pytest
import torch

from aigc.main import main
from aigc_core.checkpoint import load_checkpoint, save_checkpoint
from aigc_core.data.corpus import Document, build_corpus
from aigc_core.data.sources import DataError
from aigc_core.evaluation.texts import evaluate_texts, pieces
from aigc_core.models import load_model, zoo_folder
from aigc_core.own_texts import own_texts
from aigc_core.rnn.copies import distinct, longest_copied_span, repetition_rate
from aigc_core.rnn.hawk import HawkConfig
from aigc_core.rnn.openings import PlainOpening
from aigc_core.rnn.sampling import SamplerSettings
from aigc_core.rnn.training import PATIENCE, TextRecipe, TextTrainer, validation_nats
from aigc_core.serving import TextModel
from aigc_core.training.budget import Budget
from aigc_core.training.loop import train


def lore(folder: Path, number: int = 800) -> Path:
    """A file of short texts that all go alike."""
    rng = random.Random(0)
    lines = [
        json.dumps({"text": f"The {rng.choice(['red', 'old', 'wise'])} {rng.choice(['owl', 'fox', 'hen'])} number {n} sat down and slept."})
        for n in range(number)
    ]
    path = folder / "our-lore.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_from_texts_to_a_served_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`aigc train rnn --data FILE` says what it found, trains, and leaves a model that loads, writes and fine-tunes into another."""
    out = tmp_path / "our-lore"
    arguments = ["train", "rnn", "--data", str(lore(tmp_path)), "--device", "cpu", "--threads", "1", "--minutes", "0.05", "--licence", "CC0"]
    assert main([*arguments, "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert "800 texts of 1 files" in said.err and "is ready" in said.out and (out / "sample.txt").exists()
    model = load_model(out)
    assert isinstance(model, TextModel) and isinstance(model.opening, PlainOpening)
    assert model.card["licence"] == "CC0" and model.opening.controls and model.end is not None
    assert model.card["training"]["command"] == "aigc train rnn --device cpu --minutes 0.05 --data our-lore.jsonl --threads 1"
    assert main([*arguments, "--out", str(tmp_path / "again"), "--name", "again", "--from", str(out)]) == 0
    assert load_model(tmp_path / "again").card["training"]["command"].endswith("--from our-lore --threads 1")


def test_a_model_that_reads_letters_only_is_no_start(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="65 characters only"):
        own_texts([lore(tmp_path)], "x", "cpu", start_from=zoo_folder() / "bard")
    with pytest.raises(DataError, match="writes no texts"):
        own_texts([lore(tmp_path)], "x", "cpu", start_from=zoo_folder() / "digits")


def small_trainer(recipe: TextRecipe) -> TextTrainer:
    documents = [Document(text=f"A {word} sat on number {n}.") for n in range(60) for word in ("cat", "dog")]
    corpus = build_corpus(documents, 300)
    torch.manual_seed(0)
    config = HawkConfig(vocab_size=corpus.tokenizer.vocab_size, width=16, num_layers=1)
    return TextTrainer(config, recipe, corpus, {"name": "small", "family": "rnn", "kind": "text"}, "cpu")


def test_the_best_look_is_kept_and_a_training_without_better_ones_ends(tmp_path: Path) -> None:
    """With a rate that destroys what was learned, the weights of the best look are saved, and the training says why it ends."""
    trainer = small_trainer(TextRecipe(batch=4, window=16, keep_best=True))
    for step in range(30):
        trainer.step(step / 1000)
    trainer.recipe = TextRecipe(batch=4, window=16, lr=(1.0, 1.0), keep_best=True)
    progress = train(trainer, tmp_path / "model", Budget(num_steps=500), preview_seconds=0.0)
    assert 0 < progress.step < 500 and "by heart" in progress.stopped
    assert trainer.looks_since >= PATIENCE
    trainer.ema.module.load_state_dict(load_checkpoint(tmp_path / "model").weights)
    nats = validation_nats(trainer.ema.module, trainer.corpus.validation_N, "cpu", trainer.corpus.counted_N)
    assert nats == pytest.approx(trainer.best_nats, abs=0.01)


def test_a_text_ends_where_the_model_says_so(tmp_path: Path) -> None:
    """Short documents end before the length asked for, and nothing of a control is seen."""
    trainer = small_trainer(TextRecipe(batch=8, window=32, lr=(1e-2, 1e-3), dropout=0.0))
    for step in range(250):
        trainer.step(step / 250)
    save_checkpoint(tmp_path / "small", trainer.checkpoint())
    model = load_model(tmp_path / "small")
    assert isinstance(model, TextModel)
    texts = [model.write("A cat", 300, model.settings(0.5), seed) for seed in range(4)]
    assert all(len(text) < 60 and text.startswith(" sat on number") and text.endswith(".") for text in texts), texts
    assert model.write("A cat sat on number 7.", 300, model.settings(0.0), 0).strip(), "something is written before the end"
    tokens = model.opening.open("A cat", 300, continues=True).tokens
    assert tokens == model.tokenizer.encode("A cat") != model.opening.open("A cat", 300, continues=False).tokens


def test_a_record_belongs_to_its_texts(tmp_path: Path) -> None:
    """With other texts the parts of words are others: weights for those would be read as if nothing had happened. Older records are taken up."""
    trainer = small_trainer(TextRecipe(batch=4, window=16))
    other = build_corpus([Document(text=f"Quite another thing, number {n}, was said.") for n in range(120)], 300)
    config = HawkConfig(vocab_size=other.tokenizer.vocab_size, width=16, num_layers=1)
    with pytest.raises(DataError, match="texts have changed"):
        TextTrainer(config, TextRecipe(batch=4, window=16), other, {}, "cpu").load_state(trainer.state())
    old = {key: value for key, value in trainer.state().items() if key not in ("best", "tokenizer")}
    small_trainer(TextRecipe(batch=4, window=16)).load_state(old)


def test_controls_are_banned_where_they_were_not_learned() -> None:
    """A corpus of few documents opens with its first word, and its model never writes a control."""
    corpus = build_corpus([Document(text="The owl sat.\n" * 500)], 300)
    config = HawkConfig(vocab_size=corpus.tokenizer.vocab_size, width=16, num_layers=1)
    model = TextModel(TextTrainer(config, TextRecipe(batch=2, window=8), corpus, {}, "cpu").model, corpus.tokenizer, {"version": "1"}, "cpu")
    assert corpus.opening == {} and model.end is None and len(model.banned) == 3
    assert isinstance(model.settings(1.0), SamplerSettings) and model.settings(1.0).banned == model.banned


def test_the_longest_copied_span_is_found() -> None:
    assert longest_copied_span("xx the cat sat yy", "once the cat sat down") == " the cat sat "
    assert longest_copied_span("abc", "xyz") == "" and longest_copied_span("", "xyz") == ""
    rng = random.Random(1)
    text, corpus = ("".join(rng.choices("ab", k=size)) for size in (40, 200))
    plain = max((text[i:j] for i in range(40) for j in range(i + 1, 41) if text[i:j] in corpus), key=len)
    assert len(longest_copied_span(text, corpus)) == len(plain)


def test_repetition_and_variety_where_the_answer_is_known() -> None:
    assert repetition_rate(["a", "b", "c", "d", "a", "b", "c", "d"]) == pytest.approx(1 / 5) and repetition_rate(["a"]) == 0
    assert distinct([["a", "b"], ["a", "b"]], 1) == 0.5 and distinct([["a", "b", "c"]], 2) == 1.0


def test_texts_are_counted_beside_real_ones() -> None:
    """Copies, repetitions and variety of samples and of real texts; bits per byte are nats over all bytes."""
    trainer = small_trainer(TextRecipe(batch=4, window=16))
    model = TextModel(trainer.ema.module, trainer.corpus.tokenizer, {"version": "1"}, "cpu")
    found = evaluate_texts(model, trainer.corpus, ["A"], ["A cat sat on number 7."] * 2, trainer.corpus.train_text)
    assert found["real_copied_characters_longest"] >= 20 and found["n_distinct_2"] == 20 and 0 <= found["repeated_4grams"] <= 1
    assert found["real_distinct_1"] == 0.5
    size = trainer.corpus.validation_bytes
    assert found["bits_per_byte"] == pytest.approx(found["validation_nats"] * found["n_validation_nats"] / size / math.log(2))
    assert pieces("abcdefgh", 2, 3) == ["ab", "cd", "ef"]
