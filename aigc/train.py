"""``aigc train``: needs torch, numpy, pillow and safetensors only."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``aigc train``."""
    parser.add_argument("preset", help="what to train; `aigc train list` lists the presets")
    parser.add_argument("--device", default=None, help="cpu, cuda or cuda:N (default: cuda if there is one)")
    parser.add_argument("--minutes", type=float, default=None, help="train for this long instead of the preset's number of steps")
    parser.add_argument("--out", type=Path, default=None, help="the model's folder (default: models/NAME, which the worker serves)")
    parser.add_argument("--resume", action="store_true", help="go on from the folder's training record")
    parser.add_argument("--threads", type=int, default=None, help="threads of PyTorch (default: its own choice)")


def run(arguments: argparse.Namespace) -> int:
    """Train a preset; exit status 2 for a wrong request."""
    import torch

    from aigc_core.data.sources import DataError
    from aigc_core.presets import presets
    from aigc_core.training.loop import train

    known = presets()
    if arguments.preset == "list":
        for preset in known.values():
            print(f"{preset.name:16} {preset.summary}")
        return 0
    if arguments.preset not in known:
        print(f"there is no preset {arguments.preset!r}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    preset = known[arguments.preset]
    device = arguments.device or ("cuda" if torch.cuda.is_available() else "cpu")
    folder = arguments.out or Path("models") / preset.name
    torch.manual_seed(0)
    try:
        trainer = preset.setup(device)
        train(trainer, folder, preset.budget(device, arguments.minutes), resume=arguments.resume, command=_command(arguments, device))
    except (DataError, FileNotFoundError) as error:
        print(f"aigc train: {error}", file=sys.stderr)
        return 1
    return 0


def _command(arguments: argparse.Namespace, device: str) -> str:
    """The command that makes this model again."""
    parts = ["aigc train", arguments.preset, f"--device {device.split(':')[0]}"]
    if arguments.minutes:
        parts.append(f"--minutes {arguments.minutes:g}")
    if arguments.threads:
        parts.append(f"--threads {arguments.threads}")
    return " ".join(parts)
