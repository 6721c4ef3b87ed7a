"""``aigc train``: needs torch, numpy, pillow and safetensors only."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aigc_core.own_pictures import OwnTraining
    from aigc_core.own_texts import OwnPersona, OwnTextTraining
    from aigc_core.presets import Preset
    from aigc_core.training.budget import Budget
    from aigc_core.training.loop import Trainer


_SAMPLE = {"gan": "samples.png", "vae": "samples.png", "rnn": "sample.txt"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``aigc train``."""
    parser.add_argument(
        "preset", help="what to train; `aigc train list` lists the presets; with --data gan or vae: your own pictures, rnn: your own texts"
    )
    parser.add_argument("--data", type=Path, nargs="+", default=None, help="a folder or ZIP archive of pictures; files or folders of texts")
    parser.add_argument("--captions", type=Path, default=None, help="a CSV table with the columns file and caption (default: the files' names)")
    parser.add_argument("--name", default=None, help="the new model's name")
    parser.add_argument("--size", type=int, default=32, help="side of the pictures in pixels: 32 or 64")
    parser.add_argument("--licence", default="", help="the licence of your pictures or texts, for the model's card")
    parser.add_argument("--from", dest="start_from", default=None, help="start from this model's weights (a name or a folder)")
    parser.add_argument("--persona", action="store_true", help="with rnn and --from: learn a manner of writing, as that model's first state alone")
    parser.add_argument("--device", default=None, help="cpu, cuda or cuda:N (default: cuda if there is one)")
    parser.add_argument("--minutes", type=float, default=None, help="train for this long instead of the preset's number of steps")
    parser.add_argument("--out", type=Path, default=None, help="the model's folder (default: models/NAME, which the worker serves)")
    parser.add_argument("--resume", action="store_true", help="go on from the folder's training record")
    parser.add_argument("--threads", type=int, default=None, help="threads of PyTorch (default: its own choice)")


def run(arguments: argparse.Namespace) -> int:
    """Train a preset; exit status 2 for a wrong request, 3 for a training that ended itself."""
    import torch

    from aigc_core.checkpoint import CheckpointError
    from aigc_core.data.sources import DataError
    from aigc_core.presets import presets
    from aigc_core.training.loop import train

    known = presets()
    if arguments.preset == "list":
        for preset in known.values():
            print(f"{preset.name:16} {preset.summary}")
        return 0
    if arguments.data is None and arguments.preset not in known:
        print(f"there is no preset {arguments.preset!r}; there are {', '.join(known)} (and gan, vae or rnn with --data)", file=sys.stderr)
        return 2
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    device = arguments.device or ("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    try:
        folder, trainer, budget = _own(arguments, device) if arguments.data else _preset(arguments, known[arguments.preset], device)
        progress = train(trainer, folder, budget, resume=arguments.resume, command=_command(arguments, device), device=device)
    except (DataError, CheckpointError, FileNotFoundError) as error:
        print(f"aigc train: {error}", file=sys.stderr)
        return 1
    if progress.stopped:
        return 3
    if arguments.data and progress.finished:
        print(f"{folder} is ready: a bot started here serves it as {folder.name}; look at {folder / _SAMPLE[arguments.preset]}")
    return 0


def _preset(arguments: argparse.Namespace, preset: Preset, device: str) -> tuple[Path, Trainer, Budget]:
    folder = arguments.out or Path("models") / preset.name
    return folder, preset.setup(device), preset.budget(device, arguments.minutes)


def _own(arguments: argparse.Namespace, device: str) -> tuple[Path, Trainer, Budget]:
    """Set up a training on an owner's pictures or texts, and say what will happen.

    Raises:
        DataError: the data, the name or the family will not do.
    """
    from aigc_core.data.sources import DataError
    from aigc_core.models import find_models
    from aigc_core.training.budget import Budget

    if arguments.persona and arguments.preset != "rnn":
        raise DataError("a manner of writing (--persona) is one of an rnn")
    if arguments.preset not in ("gan", "vae", "rnn"):
        raise DataError(f"own pictures train a gan or a vae, own texts an rnn, not {arguments.preset!r}")
    name = arguments.name or arguments.data[0].stem.lower().replace("_", "-").replace(" ", "-")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", name):
        raise DataError(f"a model's name is made of small letters, figures and hyphens, at most 32; {name!r} is not")
    start = find_models().get(arguments.start_from, Path(arguments.start_from)) if arguments.start_from else None
    own = _own_texts(arguments, name, device, start) if arguments.preset == "rnn" else _own_pictures(arguments, name, device, start)
    budget = own.budget if arguments.minutes is None else Budget(num_steps=10**9, minutes=arguments.minutes)
    for line in own.report.lines():
        print(line, file=sys.stderr)
    print(f"training {name} on {device}; Ctrl-C stops and keeps what is learned", file=sys.stderr)
    return arguments.out or Path("models") / name, own.trainer, budget


def _own_pictures(arguments: argparse.Namespace, name: str, device: str, start: Path | None) -> OwnTraining:
    from aigc_core.data.sources import DataError
    from aigc_core.own_pictures import own_pictures

    if len(arguments.data) > 1:
        raise DataError("pictures come from one folder or one ZIP archive")
    return own_pictures(
        arguments.data[0], name, device, size=arguments.size, captions=arguments.captions, licence=arguments.licence,
        start_from=start, family=arguments.preset,
    )  # fmt: skip


def _own_texts(arguments: argparse.Namespace, name: str, device: str, start: Path | None) -> OwnTextTraining | OwnPersona:
    from aigc_core.data.sources import DataError
    from aigc_core.own_texts import own_texts, persona

    if arguments.persona and start is None:
        raise DataError("a manner of writing (--persona) is learned for a model: name it with --from")
    if arguments.persona and start is not None:
        return persona(arguments.data, name, device, start, licence=arguments.licence)
    return own_texts(arguments.data, name, device, licence=arguments.licence, start_from=start)


def _command(arguments: argparse.Namespace, device: str) -> str:
    """The command that makes this model again."""
    parts = ["aigc train", arguments.preset, f"--device {device.split(':')[0]}"]
    if arguments.minutes:
        parts.append(f"--minutes {arguments.minutes:g}")
    if arguments.data:
        parts.append(f"--data {' '.join(path.name for path in arguments.data)}")
        parts += [f"--size {arguments.size}"] if arguments.preset != "rnn" else []
        parts += [f"--from {Path(arguments.start_from).name}"] if arguments.start_from else []
        parts += ["--persona"] if arguments.persona else []
    if arguments.threads:
        parts.append(f"--threads {arguments.threads}")
    return " ".join(parts)
