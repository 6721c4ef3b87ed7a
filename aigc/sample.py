"""``aigc sample``: a model alone, without bot and queue."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to draw or write."""
    parser.add_argument("model", help="name of a model (`aigc models`) or its folder")
    parser.add_argument("prompt")
    parser.add_argument("--count", type=int, default=4, help="pictures")
    parser.add_argument("--length", type=int, default=300, help="characters of a text")
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--truncation", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out/sample.png"), help="the picture's file")
    parser.add_argument("--emoji", action="store_true", help="each picture as a file for a server's own emoji (128 pixels, at most 256 KiB)")
    parser.add_argument("--device", default="cpu")


def run(arguments: argparse.Namespace) -> int:
    """Save a sheet of pictures, or print a text."""
    from aigc_core import images
    from aigc_core.checkpoint import CheckpointError
    from aigc_core.models import find_models, load_model
    from aigc_core.serving import ImageModel, PictureQuery

    try:
        model = load_model(find_models().get(arguments.model, Path(arguments.model)), arguments.device)
        if isinstance(model, ImageModel):
            queries = [
                PictureQuery(prompt=arguments.prompt, seed=arguments.seed + index, index=index, truncation=arguments.truncation)
                for index in range(arguments.count)
            ]
            pictures = [drawn.image for drawn in model.draw(queries)]
            arguments.out.parent.mkdir(parents=True, exist_ok=True)
            if arguments.emoji:
                for index, picture in enumerate(pictures):
                    path = arguments.out.with_stem(f"{arguments.out.stem}-{index + 1}")
                    path.write_bytes(images.emoji_bytes(picture))
                    print(path)
                return 0
            images.grid(pictures, background=model.background()).save(arguments.out)
            print(arguments.out)
        else:
            text = model.write(arguments.prompt, arguments.length, model.settings(arguments.temperature), arguments.seed)
            titled = model.opening.open(arguments.prompt, arguments.length, continues=False).titled
            print(text if titled else arguments.prompt + text)
    except (CheckpointError, ValueError) as error:
        print(f"aigc sample: {error}", file=sys.stderr)
        return 1
    return 0
