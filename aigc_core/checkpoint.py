"""A checkpoint is a folder: ``config.json``, ``model.safetensors`` (see :mod:`aigc_core.weights`), ``card.json``; written beside and renamed."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from aigc_core.weights import packed, unpacked

WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "card.json"


class CheckpointError(ValueError):
    """A folder that is not a usable checkpoint; the message says what is wrong and where."""


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A checkpoint in memory. ``weights`` are fp32; on disk they are smaller."""

    config: dict[str, Any]
    card: dict[str, Any]
    weights: dict[str, Tensor]


def save_checkpoint(folder: Path, checkpoint: Checkpoint, form: str = "fp16") -> None:
    """Write ``checkpoint`` to ``folder``, replacing what was there in one rename; ``form`` is one of :data:`aigc_core.weights.FORMS`.

    Other files of an existing folder (sample pictures, a training record) are kept.
    """
    fresh, old = folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    if folder.exists():
        shutil.copytree(folder, fresh)
    fresh.mkdir(parents=True, exist_ok=True)
    save_file(packed(checkpoint.weights, form), fresh / WEIGHTS)
    (fresh / WEIGHTS).chmod(0o644)  # safetensors writes for its owner only; a container runs as another user
    _write_json(fresh / CONFIG, checkpoint.config)
    _write_json(fresh / CARD, {**checkpoint.card, "version": weights_version(fresh)})
    if folder.exists():
        folder.replace(old)
    fresh.replace(folder)
    shutil.rmtree(old, ignore_errors=True)


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint folder.

    Raises:
        CheckpointError: a file is missing or does not parse.
    """
    config, card = read_json(folder / CONFIG), read_json(folder / CARD)
    try:
        weights = load_file(folder / WEIGHTS)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{folder / WEIGHTS}: {error}") from error
    return Checkpoint(config=config, card=card, weights=unpacked(weights))


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object, or say which file is at fault."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path}: {error}") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{path}: expected a JSON object")
    return value


def weight_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """The shapes of all tensors in a checkpoint folder, without reading them.

    Raises:
        CheckpointError: the file is missing or does not parse.
    """
    try:
        with safe_open(folder / WEIGHTS, "pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (OSError, ValueError, SafetensorError) as error:
        raise CheckpointError(f"{folder / WEIGHTS}: {error}") from error


def weights_version(folder: Path) -> str:
    """A short name of exactly these weights and this configuration: what a result was made with."""
    digest = hashlib.sha256()
    for name in (CONFIG, WEIGHTS):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:8]


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
