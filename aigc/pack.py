"""``aigc pack``: a model's weights in another form, beside the old ones."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

FORMS = ("fp16", "bf16", "int8")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which model, and how its weights shall lie on disk."""
    parser.add_argument("model", help="a model's name or folder")
    parser.add_argument("--weights", choices=FORMS, default="int8", help="two bytes a number, or one (int8: half the size)")
    parser.add_argument("--out", type=Path, default=None, help="the new folder (default: models/NAME-FORM)")


def run(arguments: argparse.Namespace) -> int:
    """Write the model anew; exit status 1 if there is none."""
    from aigc_core.checkpoint import WEIGHTS, Checkpoint, CheckpointError, load_checkpoint, save_checkpoint
    from aigc_core.models import find_models

    folder = find_models().get(arguments.model, Path(arguments.model))
    out = arguments.out or Path("models") / f"{folder.name}-{arguments.weights}"
    try:
        checkpoint = load_checkpoint(folder)
    except CheckpointError as error:
        print(f"aigc pack: {error}", file=sys.stderr)
        return 1
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", out.name):
        print(f"aigc pack: a model's name is made of small letters, figures and hyphens, at most 32; {out.name!r} is not", file=sys.stderr)
        return 2
    before = (folder / WEIGHTS).stat().st_size / 1e6
    card = {key: value for key, value in checkpoint.card.items() if key not in ("metrics", "samples")}  # they were measured with other weights
    card |= {"name": out.name, "title": f"{card['title']} ({arguments.weights})"}
    save_checkpoint(out, Checkpoint(config=checkpoint.config, card=card, weights=checkpoint.weights), arguments.weights)
    after = (out / WEIGHTS).stat().st_size / 1e6
    print(f"{out}: {after:.1f} MB ({before:.1f} before)")
    return 0
