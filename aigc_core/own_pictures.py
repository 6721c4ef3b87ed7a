"""Training on an owner's own pictures: checks them, chooses sizes and a budget, and says what will happen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aigc_core.checkpoint import load_checkpoint
from aigc_core.data.folder import FolderReport, load_folder
from aigc_core.data.sources import DataError
from aigc_core.gan.picture_training import PictureGanTrainer
from aigc_core.picture_presets import MIN_PICTURES, tagged_trainer
from aigc_core.training.budget import Budget

CPU_PICTURES_SEEN = {32: 110_000, 64: 60_000}
"""So many pictures a training on a processor sees: about half an hour on one modern core."""
CUDA_PICTURES_SEEN = 3_000_000
WARM_START = {32: 0.65, 64: 0.8}


@dataclass(frozen=True, kw_only=True)
class OwnTraining:
    """A training that can start, what it was told about its data, and its usual budget."""

    trainer: PictureGanTrainer
    report: FolderReport
    budget: Budget


def own_pictures(
    data: Path,
    name: str,
    device: str,
    *,
    size: int = 32,
    captions: Path | None = None,
    licence: str = "",
    start_from: Path | None = None,
    family: str = "gan",
) -> OwnTraining:
    """Set up a training of a text-conditional GAN, or of its start alone, a conditional VAE (``family``), on the pictures in ``data``.

    Raises:
        DataError: too few pictures, or none that can be read; or ``start_from`` is a model of another shape.
    """
    if size not in CPU_PICTURES_SEEN:
        raise DataError(f"pictures can be {' or '.join(str(known) for known in CPU_PICTURES_SEEN)} pixels wide, not {size}")
    pictures, report = load_folder(data, size, captions)
    if report.num_used < MIN_PICTURES:
        raise DataError(
            f"{data} holds {report.num_used} different pictures; from fewer than {MIN_PICTURES} a model only learns copies. "
            "Add more, or cut large ones into parts"
        )
    words = list(dict.fromkeys(" ".join(known) for known in pictures.names))
    card: dict[str, Any] = {
        "name": name, "title": name.replace("-", " ").capitalize(), "family": family, "kind": "image",
        "summary": f"Pictures from words, learned from {report.num_used} pictures of {data.stem}.",
        "knows": ", ".join(words[:12]) + (" and more" if len(words) > 12 else ""), "examples": words[:3],
        "data": {"name": f"{report.num_used} pictures of {data.stem}", "licence": licence or "not stated", "credit": "the pictures' authors"},
        "licence": licence or "not stated",
    }  # fmt: skip
    trainer = tagged_trainer(pictures, size, card, device, warm_start=WARM_START[size] if family == "gan" else 1.0)
    if start_from is not None:
        _take_over(trainer, start_from)
    seen = CUDA_PICTURES_SEEN if device.startswith("cuda") else CPU_PICTURES_SEEN[size]
    return OwnTraining(trainer=trainer, report=report, budget=Budget(num_steps=seen // trainer.recipe.batch))


def _take_over(trainer: PictureGanTrainer, folder: Path) -> None:
    """Start from another model's weights where shapes agree; words that both know keep their vectors."""
    checkpoint = load_checkpoint(folder)
    known = checkpoint.config.get("words", {}).get("vocabulary")
    if known is None:
        raise DataError(f"{folder} is no text-conditional picture model; a training can start from one of those")
    own = trainer.generator.state_dict()
    fitting = {
        key: value for key, value in checkpoint.weights.items() if key in own and own[key].shape == value.shape and key != "words.words.weight"
    }
    if "generator.project.weight" not in fitting:
        raise DataError(
            f"{folder} has pictures of another size or colours than {trainer.config.image_size} pixels; choose another model to start from"
        )
    own.update(fitting)
    vectors, place = checkpoint.weights["words.words.weight"], {word: row for row, word in enumerate(known)}
    for row, word in enumerate(trainer.words.vocabulary):
        if word in place:
            own["words.words.weight"][row] = vectors[place[word]]
    trainer.generator.load_state_dict(own)
    trainer.ema.module.load_state_dict(own)
