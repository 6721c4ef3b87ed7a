"""``aigc pack``: a model's weights in another form, beside the old ones."""

from __future__ import annotations

import argparse
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
    from aigc_core.checkpoint import WEIGHTS, CheckpointError, load_checkpoint, save_checkpoint
    from aigc_core.models import find_models

    folder = find_models().get(arguments.model, Path(arguments.model))
    out = arguments.out or Path("models") / f"{folder.name}-{arguments.weights}"
    try:
        checkpoint = load_checkpoint(folder)
    except CheckpointError as error:
        print(f"aigc pack: {error}", file=sys.stderr)
        return 1
    checkpoint.card["name"] = out.name
    save_checkpoint(out, checkpoint, arguments.weights)
    before, after = ((path / WEIGHTS).stat().st_size / 1e6 for path in (folder, out))
    print(f"{out}: {after:.1f} MB ({before:.1f} before)")
    return 0
