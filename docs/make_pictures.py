"""Makes the pictures of docs/: every operation on a model of the zoo. Run: python docs/make_pictures.py"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image, ImageDraw

from aigc_core import images, operations
from aigc_core.models import find_models, load_model
from aigc_core.serving import CannotDoError, ImageModel, PictureQuery, Point, PromptError
from aigc_core.vae.serving import HandwritingModel

Row = Sequence[tuple[str, Image.Image]]
FOLDER = Path(__file__).parent / "pictures"
INK, PAPER = (219, 222, 225), (49, 51, 56)
CELL = 128


def sheet(row: Row) -> Image.Image:
    """Pictures side by side with a line of words below each."""
    width = CELL + 8
    if max(picture.width / picture.height for _, picture in row) > 2:
        return column(row)
    whole = Image.new("RGB", (width * len(row) + 8, CELL + 34), PAPER)
    canvas = ImageDraw.Draw(whole)
    for place, (words, picture) in enumerate(row):
        shown = picture.resize((CELL, CELL), Image.Resampling.NEAREST)
        whole.paste(shown, (8 + place * width, 8), shown if shown.mode == "RGBA" else None)
        canvas.text((8 + place * width, CELL + 14), words, fill=INK)
    return whole


def column(row: Row) -> Image.Image:
    """Lines of writing below each other, their words at the left."""
    lines = [(words, picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.LANCZOS)) for words, picture in row]
    height = max(line.height for _, line in lines) + 8
    whole = Image.new("RGB", (CELL + max(line.width for _, line in lines) + 8, height * len(lines) + 8), PAPER)
    canvas = ImageDraw.Draw(whole)
    for place, (words, line) in enumerate(lines):
        canvas.text((8, 8 + place * height + line.height // 2 - 6), words, fill=INK)
        whole.paste(line, (CELL, 8 + place * height))
    return whole


def copied(model: HandwritingModel) -> Image.Image:
    """Hands taken up from pictures of their writing, and what they write then."""
    rows: list[tuple[str, Image.Image]] = []
    for seed in range(40):
        if len(rows) >= 6:
            break
        (start,) = points_of(model, "Sphinx of 1957", seed)
        (sample,) = operations.render(model, [start])
        try:
            hand = model.copy_hand(sample, "Sphinx of 1957")
        except PromptError:  # its letters touch: a sample must be written apart
            continue
        (target,) = points_of(model, "a new line, 24/7", seed)
        rows += [("uploaded", sample), ("copied hand", *operations.render(model, [replace(target, noise=hand)]))]
    return column(rows)


def labelled(model: ImageModel, words: Sequence[str], points: Sequence[Point]) -> Row:
    """Points as pictures with their words."""
    return list(zip(words, operations.render(model, points), strict=True))


def points_of(model: ImageModel, prompt: str, *seeds: int) -> list[Point]:
    """A point for each seed."""
    return model.points([PictureQuery(prompt=prompt, seed=seed) for seed in seeds])


def vary(model: ImageModel, prompts: Sequence[str]) -> Row:
    """Neighbours, from near to far."""
    (start,) = points_of(model, prompts[0], 1)
    strengths = (0.0, 0.2, 0.4, 0.7, 1.0)
    return labelled(model, [f"strength {s:g}" for s in strengths], [operations.vary(start, 5, s) for s in strengths])


def blend(model: ImageModel, prompts: Sequence[str]) -> Row:
    """From one prompt to another."""
    first, second = points_of(model, prompts[0], 1) + points_of(model, prompts[1], 2)
    shares = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    return labelled(model, [f"{s:.0%}" for s in shares], [operations.blend(model, first, second, s) for s in shares])


def truncation(model: ImageModel, prompts: Sequence[str]) -> Row:
    """From typical to daring."""
    (start,) = points_of(model, prompts[0], 3)
    scales = (0.0, 0.5, 1.0, 1.5)
    return labelled(model, [f"psi {s:g}" for s in scales], [operations.truncate(start, s) for s in scales])


def styles(model: ImageModel, prompts: Sequence[str]) -> Row:
    """Coarse stages of one seed, fine ones of another."""
    coarse, fine = points_of(model, prompts[0], 1, 4)
    stages = range(1, max(2, model.num_stages))  # a model without stages says so
    mixed = [operations.mix_styles(model, coarse, fine, stage) for stage in stages]
    return labelled(model, ["one", *(f"from stage {stage}" for stage in stages), "other"], [coarse, *mixed, fine])


def guidance(model: ImageModel, prompts: Sequence[str]) -> Row:
    """Less and more of the prompt."""
    (start,) = points_of(model, prompts[0], 1)
    strengths = (0.0, 0.5, 1.0, 1.3, 1.6)
    return labelled(model, [f"guidance {s:g}" for s in strengths], [operations.guide(model, start, s) for s in strengths])


def taken_up(model: ImageModel, prompts: Sequence[str]) -> Row:
    """Inversion, filling and picture to picture of a picture that another prompt made."""
    (target,) = points_of(model, prompts[1], 7)
    (start,) = points_of(model, prompts[0], 1)
    x = model.decode([target])[0].clamp(-1, 1)
    mask = torch.ones(x.shape[1:])
    side = x.shape[-1]
    mask[side // 2 :, :] = 0
    found = operations.invert(model, x, start)
    filled = operations.fill(model, x * mask, mask, start)
    moved = [operations.restyle(model, x, start, 3, strength) for strength in (0.3, 0.6)]
    rows = [("uploaded", model.show(x)), ("inverted", *operations.render(model, [found]))]
    rows += [("half erased", model.show(x * mask)), ("filled", model.show(filled))]
    return [*rows, *labelled(model, ["restyled 0.3", "restyled 0.6"], moved)]


def upscale(model: ImageModel, prompts: Sequence[str]) -> Row:
    """The same picture larger."""
    (start,) = points_of(model, prompts[0], 1)
    x = model.decode([start])[0]
    small = images.to_pil(x)
    return [
        ("as drawn", small),
        ("by whole pixels", images.enlarge(small, 8, smooth=False)),
        ("smoothly", images.enlarge(small, 8)),
        ("as it is shown", model.show(x)),
    ]


def animate(model: ImageModel, prompts: Sequence[str], path: Path) -> None:
    """A looping animation through all prompts."""
    stops = [point for seed, prompt in enumerate(prompts) for point in points_of(model, prompt, seed)]
    path.write_bytes(operations.animation(operations.render(model, operations.walk(model, stops, 16)), "gif"))


def samples(model: ImageModel, prompts: Sequence[str]) -> Image.Image:
    """Unchosen samples: seeds 0 to 15 of each prompt."""
    if isinstance(model, HandwritingModel):
        points = [point for prompt in prompts for point in points_of(model, prompt, *range(3))]
        return column([(f"seed {place % 3}", picture) for place, picture in enumerate(operations.render(model, points))])
    drawn = model.draw([PictureQuery(prompt=prompt, seed=seed) for prompt in prompts for seed in range(8)])
    return images.grid([picture.image.resize((96, 96), Image.Resampling.NEAREST) for picture in drawn], gap=6, background=PAPER, num_columns=8)


PROMPTS = {
    "avatars": ("pizza head, red glasses, gold body", "shark, blue glasses, purple body", "robot, teal glasses", ""),
    "sprites": ("red dragon", "blue potion", "stone golem", "golden sword"),
    "emoji": ("red heart", "cat face", "green apple", "rainbow"),
    "fashion": ("sneaker", "dress", "bag", "pullover"),
    "digits": ("7", "3", "0", "8"),
    "glyphs": ("Sanskrit", "Korean", "Greek", ""),
    "handwriting": ("Happy birthday, Mia!", "See you at 8:30", "2026-11-24", "To be, or not?"),
}
ROWS: dict[str, Callable[[ImageModel, Sequence[str]], Row]] = {
    "vary": vary, "blend": blend, "truncation": truncation, "styles": styles, "guidance": guidance, "taken-up": taken_up, "upscale": upscale,
}  # fmt: skip


def main() -> None:
    """Write the pictures of the models named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=["avatars", "sprites", "emoji", "fashion", "digits", "glyphs", "handwriting"])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    FOLDER.mkdir(exist_ok=True)
    found = find_models()
    for name in arguments.models:
        model = load_model(found[name])
        assert isinstance(model, ImageModel)
        prompts = PROMPTS[name]
        samples(model, prompts).save(FOLDER / f"{name}-samples.png")
        animate(model, prompts, FOLDER / f"{name}-animation.gif")
        for operation, make in ROWS.items():
            try:
                sheet(make(model, prompts)).save(FOLDER / f"{name}-{operation}.png")
            except CannotDoError as error:
                print(f"{operation}: {error}")
        if isinstance(model, HandwritingModel):
            copied(model).save(FOLDER / f"{name}-copied.png")


if __name__ == "__main__":
    main()
