"""From a folder of pictures to a model that is served: 500 icons drawn by this script, `aigc train gan --data`, and a sheet of what it makes.

The icons are of ten kinds in ten colours, five or six of each pair, with their words as file names; "red mushroom" and nine other pairs are not
among them, so the sheet shows whether the model puts together what it never saw together. Prints a JSON object on the last line.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import subprocess
import sys
import time
from pathlib import Path

from PIL import Image, ImageDraw

KINDS = ("potion", "sword", "gem", "heart", "star", "shield", "key", "mushroom", "apple", "fish")
COLOURS = {
    "red": (214, 48, 49), "blue": (41, 98, 255), "green": (46, 160, 67), "yellow": (250, 204, 21), "purple": (142, 68, 173),
    "orange": (243, 112, 33), "pink": (255, 105, 180), "silver": (180, 188, 196), "brown": (133, 84, 48), "cyan": (34, 211, 238),
}  # fmt: skip
SIDE, NUM_ICONS = 128, 500
STOPPED = 3
"""The status of a training that ended itself, and left the model of its last good look."""
Colour = tuple[int, ...]


def left_out() -> set[tuple[str, str]]:
    """Ten pairs of colour and kind, each colour and each kind once."""
    names = list(COLOURS)
    return {(names[place], KINDS[(place * 3 + 7) % 10]) for place in range(10)}


def shade(colour: Colour, light: float) -> Colour:
    """Darker below 1, lighter above."""
    return tuple(min(255, round(level * light)) for level in colour)


def polygon(canvas: ImageDraw.ImageDraw, points: list[tuple[float, float]], colour: Colour) -> None:
    """Filled, with a dark edge."""
    canvas.polygon(points, fill=colour, outline=shade(colour, 0.4), width=4)


def around(sides: int, radius: float, inner: float = 1.0) -> list[tuple[float, float]]:
    """Corners around the middle; every second one nearer by ``inner``."""
    return [
        (
            64 + radius * (inner if i % 2 else 1) * math.sin(math.tau * i / sides),
            64 - radius * (inner if i % 2 else 1) * math.cos(math.tau * i / sides),
        )
        for i in range(sides)
    ]


def draw(kind: str, colour: Colour, rng: random.Random) -> Image.Image:
    """One icon with opacity: a kind in a colour, of a size, a tilt and a shade of its own."""
    picture = Image.new("RGBA", (SIDE, SIDE))
    canvas = ImageDraw.Draw(picture)
    colour, edge, glass = shade(colour, rng.uniform(0.85, 1.1)), shade(colour, 0.4), (220, 235, 245)
    if kind == "potion":
        canvas.rectangle((54, 18, 74, 48), fill=glass, outline=edge, width=4)
        canvas.ellipse((28, 42, 100, 114), fill=colour, outline=edge, width=4)
        canvas.ellipse((44, 56, 60, 72), fill=shade(colour, 1.6))
    elif kind == "sword":
        polygon(canvas, [(64, 8), (74, 22), (74, 82), (54, 82), (54, 22)], colour)
        canvas.rectangle((38, 82, 90, 92), fill=(90, 70, 40))
        canvas.rectangle((58, 92, 70, 118), fill=(90, 70, 40))
    elif kind == "gem":
        polygon(canvas, [(34, 36), (94, 36), (112, 58), (64, 112), (16, 58)], colour)
        canvas.line([(16, 58), (112, 58)], fill=shade(colour, 1.5), width=4)
    elif kind == "heart":
        for box in ((18, 26, 68, 76), (60, 26, 110, 76)):
            canvas.ellipse(box, fill=colour)
        canvas.polygon([(22, 62), (106, 62), (64, 112)], fill=colour)
    elif kind == "star":
        polygon(canvas, around(10, 56, 0.45), colour)
    elif kind == "shield":
        polygon(canvas, [(22, 20), (106, 20), (102, 72), (64, 114), (26, 72)], colour)
        canvas.line([(64, 22), (64, 110)], fill=shade(colour, 1.5), width=6)
    elif kind == "key":
        canvas.ellipse((14, 42, 58, 86), outline=colour, width=12)
        canvas.rectangle((56, 58, 116, 70), fill=colour)
        for left in (86, 104):
            canvas.rectangle((left, 68, left + 8, 88), fill=colour)
    elif kind == "mushroom":
        canvas.rectangle((50, 66, 78, 112), fill=(240, 228, 205), outline=edge, width=3)
        canvas.pieslice((16, 18, 112, 118), 180, 360, fill=colour, outline=edge, width=4)
        canvas.ellipse((40, 34, 56, 50), fill=(250, 250, 250))
    elif kind == "apple":
        canvas.ellipse((24, 36, 104, 114), fill=colour, outline=edge, width=4)
        canvas.line([(64, 40), (70, 16)], fill=(90, 60, 30), width=7)
        canvas.ellipse((70, 16, 96, 32), fill=(70, 160, 60))
    else:
        polygon(canvas, [(88, 64), (118, 38), (118, 90)], colour)
        canvas.ellipse((12, 38, 98, 92), fill=colour, outline=edge, width=4)
        canvas.ellipse((28, 54, 38, 64), fill=(255, 255, 255))
    size = round(SIDE * rng.uniform(0.75, 1.0))
    turned = picture.rotate(rng.uniform(-12, 12), Image.Resampling.BICUBIC).resize((size, size), Image.Resampling.LANCZOS)
    whole = Image.new("RGBA", (SIDE, SIDE))
    whole.paste(turned, ((SIDE - size) // 2, (SIDE - size) // 2))
    return whole


def make_folder(folder: Path) -> int:
    """Draw the icons; returns how many."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(0)
    pairs = [(name, kind) for name in COLOURS for kind in KINDS if (name, kind) not in left_out()]
    for number in range(NUM_ICONS):
        name, kind = pairs[number % len(pairs)]
        draw(kind, COLOURS[name], rng).save(folder / f"{name}-{kind}-{number // len(pairs)}.png")
    return NUM_ICONS


def sheet(model_folder: Path, path: Path) -> None:
    """Pairs that were among the icons in the upper half, pairs that were not in the lower."""
    from aigc_core import images
    from aigc_core.models import load_model
    from aigc_core.serving import ImageModel, PictureQuery

    model = load_model(model_folder)
    assert isinstance(model, ImageModel)
    hidden = sorted(left_out())
    known = [(name, kind) for name, kind in zip(COLOURS, KINDS, strict=True) if (name, kind) not in hidden]
    queries = [PictureQuery(prompt=f"{name} {kind}", seed=seed) for pairs in (known, hidden) for seed in (1, 2) for name, kind in pairs]
    drawn = [picture.image.resize((96, 96), Image.Resampling.NEAREST) for picture in model.draw(queries)]
    images.grid(drawn, gap=6, background=(49, 51, 56), num_columns=10).save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("out/own-pictures"), help="where icons, model and sheet go")
    parser.add_argument("--minutes", type=float, default=None, help="train for so long instead of the usual number of pictures")
    parser.add_argument("--family", choices=("gan", "vae"), default="gan")
    arguments = parser.parse_args()
    icons, model = arguments.folder / "icons", arguments.folder / f"icons-{arguments.family}"
    count, started = make_folder(icons), time.monotonic()
    command = [
        sys.executable,
        "-m",
        "aigc",
        "train",
        arguments.family,
        "--data",
        str(icons),
        "--name",
        model.name,
        "--out",
        str(model),
        "--threads",
        "1",
    ]
    command += ["--minutes", str(arguments.minutes)] if arguments.minutes else []
    ended = subprocess.run(command, check=False)
    if ended.returncode not in (0, STOPPED):
        raise SystemExit(f"the training failed with status {ended.returncode}")
    minutes = (time.monotonic() - started) / 60
    sheet(model, arguments.folder / f"{model.name}.png")
    size = sum(file.stat().st_size for file in model.glob("model.*"))
    print(
        json.dumps(
            {
                "benchmark": "own_pictures",
                "family": arguments.family,
                "icons": count,
                "minutes": round(minutes, 1),
                "megabytes": round(size / 1e6, 2),
                "stopped_by_itself": ended.returncode == STOPPED,
            }
        )
    )


if __name__ == "__main__":
    main()
