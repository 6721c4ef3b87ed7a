"""Training on an owner's own texts: checks them, chooses a tokenizer, sizes and a budget, and says what will happen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aigc_core.checkpoint import load_checkpoint
from aigc_core.data.corpus import build_corpus
from aigc_core.data.sources import DataError
from aigc_core.data.texts import TextsReport, load_texts
from aigc_core.models import find_models, load_model
from aigc_core.rnn.cells import CellConfig, read_config
from aigc_core.rnn.hawk import HawkConfig
from aigc_core.rnn.persona import PersonaRecipe, PersonaTrainer
from aigc_core.rnn.tokenizer import BytePairTokenizer, load_tokenizer
from aigc_core.rnn.training import TextRecipe, TextTrainer
from aigc_core.serving import TextModel
from aigc_core.training.budget import Budget


@dataclass(frozen=True, kw_only=True)
class TextScale:
    """What fits a corpus of at most ``characters``: tokens of the vocabulary, the network, dropout, and how often the text is read."""

    characters: float
    vocab_size: int
    width: int
    num_layers: int
    dropout: float
    epochs: float


SCALES = (
    TextScale(characters=300e3, vocab_size=512, width=128, num_layers=3, dropout=0.3, epochs=30),
    TextScale(characters=3e6, vocab_size=1024, width=160, num_layers=4, dropout=0.2, epochs=12),
    TextScale(characters=30e6, vocab_size=2048, width=192, num_layers=6, dropout=0.1, epochs=4),
    TextScale(characters=float("inf"), vocab_size=2048, width=256, num_layers=6, dropout=0.0, epochs=1),
)
FINE_TUNING_SHARE = 0.3
"""A model that can write already needs so much of the readings."""
FINE_TUNING_RATE = 0.3
SAMPLED_TEXTS, UNKNOWN_SHARE = 200, 0.05
PERSONA_STEPS, PERSONA_CHARACTERS = 300, 2_000


@dataclass(frozen=True, kw_only=True)
class OwnTextTraining:
    """A training that can start, what it was told about its texts, and its usual budget."""

    trainer: TextTrainer
    report: TextsReport
    budget: Budget


@dataclass(frozen=True, kw_only=True)
class OwnPersona:
    """As :class:`OwnTextTraining`, of a manner of writing."""

    trainer: PersonaTrainer
    report: TextsReport
    budget: Budget


def own_texts(data: Sequence[Path], name: str, device: str, *, licence: str = "", start_from: Path | None = None) -> OwnTextTraining:
    """Set up a recurrent language model on the texts in ``data``; ``start_from`` is the folder of a model to go on from.

    Raises:
        DataError: too little text, or none that can be read; or ``start_from`` reads other characters.
    """
    documents, report = load_texts(data)
    scale = next(one for one in SCALES if report.num_characters <= one.characters)
    if start_from is not None:
        return _fine_tuning(data, documents, report, scale, name, device, licence, start_from)
    corpus = build_corpus(documents, scale.vocab_size)
    config = HawkConfig(vocab_size=corpus.tokenizer.vocab_size, width=scale.width, num_layers=scale.num_layers)
    recipe = _recipe(scale, len(corpus.train_N), device)
    trainer = TextTrainer(config, recipe, corpus, _card(name, data, report, licence), device)
    return OwnTextTraining(trainer=trainer, report=report, budget=_budget(len(corpus.train_N), recipe, scale.epochs))


def persona(data: Sequence[Path], name: str, device: str, base: Path, *, licence: str = "") -> OwnPersona:
    """Set up a training of the state alone, from which the model in the folder ``base`` begins.

    Raises:
        DataError: too little text, or ``base`` is no model that writes.
    """
    documents, report = load_texts(data, PERSONA_CHARACTERS)
    model = load_model(base, device)
    if not isinstance(model, TextModel) or model.begins_otherwise:
        raise DataError(f"{base} is no model of its own that writes texts; a manner of writing is learned for one")
    called = str(model.card["name"])
    if name == called or find_models().get(called) != base:
        raise DataError(f"a manner of writing is served with {called}, by its name: call it otherwise, and have {called} among the models")
    letters = "".join(document.text for document in documents[:SAMPLED_TEXTS])
    unknown = sum(letters.count(sign) for sign in model.tokenizer.unknown(letters))
    if unknown > UNKNOWN_SHARE * len(letters):
        raise DataError(
            f"{called} does not know {unknown / len(letters):.0%} of these texts' characters; take a model that reads bytes, or train anew"
        )
    card = {**_card(name, data, report, licence), "knows": model.card["knows"], "examples": model.card["examples"]}
    card["summary"] = (
        f"{model.card['title']} in the manner of {', '.join(path.stem for path in data)}: only the state from which it begins was learned."
    )
    return OwnPersona(trainer=PersonaTrainer(model, documents, PersonaRecipe(), card, device), report=report, budget=Budget(num_steps=PERSONA_STEPS))


def _fine_tuning(
    data: Sequence[Path], documents: Any, report: TextsReport, scale: TextScale, name: str, device: str, licence: str, folder: Path
) -> OwnTextTraining:
    """Go on from another model: its tokenizer, its sizes, its weights."""
    checkpoint = load_checkpoint(folder)
    if checkpoint.config.get("family") != "rnn":
        raise DataError(f"{folder} writes no texts; a training on texts can start from a model that does")
    if "base" in checkpoint.config:
        raise DataError(f"{folder} is a manner of writing of {checkpoint.config['base']['name']}; start from that one")
    tokenizer = load_tokenizer(checkpoint.config)
    if not isinstance(tokenizer, BytePairTokenizer):
        raise DataError(f"{folder} knows {tokenizer.vocab_size} characters only; start from a model that reads bytes, or train without --from")
    config: CellConfig = read_config(checkpoint.config["cell"], dict(checkpoint.config["network"]))
    corpus = build_corpus(documents, tokenizer.vocab_size, tokenizer)
    recipe = _recipe(scale, len(corpus.train_N), device)
    recipe = replace(recipe, lr=(FINE_TUNING_RATE * recipe.lr[0], recipe.lr[1]))
    trainer = TextTrainer(config, recipe, corpus, _card(name, data, report, licence), device)
    trainer.take_over(checkpoint.weights)
    return OwnTextTraining(trainer=trainer, report=report, budget=_budget(len(corpus.train_N), recipe, FINE_TUNING_SHARE * scale.epochs))


def _recipe(scale: TextScale, num_tokens: int, device: str) -> TextRecipe:
    large = device.startswith("cuda")
    window = 256 if large else 128
    batch = max(1, min(128 if large else 16, num_tokens // (2 * window)))
    return TextRecipe(batch=batch, window=window, dropout=scale.dropout, keep_best=True)


def _budget(num_tokens: int, recipe: TextRecipe, epochs: float) -> Budget:
    return Budget(num_steps=max(1, round(epochs * num_tokens / (recipe.batch * recipe.window))))


def _card(name: str, data: Sequence[Path], report: TextsReport, licence: str) -> dict[str, Any]:
    title, origin = name.replace("-", " ").capitalize(), ", ".join(path.stem for path in data)
    return {
        "name": name, "title": title, "family": "rnn", "kind": "text",
        "summary": f"Writes in the manner of {origin}: {report.num_characters:,} characters.",
        "knows": "any text in any language", "examples": ["The"],
        "data": {"name": f"{report.num_documents:,} texts of {origin}", "licence": licence or "not stated", "credit": "the texts' authors"},
        "licence": licence or "not stated",
    }  # fmt: skip
