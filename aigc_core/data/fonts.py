"""Six handwriting fonts under the SIL Open Font Licence: the letters that MNIST lacks, as distance fields.

A distance field (signed distance to the outline, in pixels of the 28x28 canvas, positive outside) lets a letter be drawn with any slant, width
and weight of stroke.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from aigc_core.data.sources import Source, locate

LICENCE = "SIL OFL 1.1"
CREDIT = "Caveat and Dancing Script (Impallari Type), Indie Flower (Kimberly Geswein), Pangolin (Kevin Burke)"
SIZE = 28
CAP_HEIGHT, BASELINE = 18, 23
"""Rows of the canvas: capitals reach from row 5 to row 23, tails of letters to row 28."""
FINE = 3
"""Fields are measured on a canvas so many times as fine."""
_GOOGLE = "https://raw.githubusercontent.com/googlefonts"
_FONTS = {
    "Caveat-Regular.ttf": (
        f"{_GOOGLE}/caveat/59745e818ef7973e11e70cb1358d0e902b56c5fc/fonts/ttf/Caveat-Regular.ttf",
        "7af58d70e539c9195cc328617a68c9961ed804a4404b0b818989ba7c013e8776",
    ),
    "Caveat-Bold.ttf": (
        f"{_GOOGLE}/caveat/59745e818ef7973e11e70cb1358d0e902b56c5fc/fonts/ttf/Caveat-Bold.ttf",
        "29e5cf4177d79af56c256c24f687fd6a74c3d04c3c4660ccca87b0a6d1fa3452",
    ),
    "IndieFlower-Regular.ttf": (
        f"{_GOOGLE}/indieflower/db44d10c34c1d74011b7f3bee8c7c12123b6068e/fonts/IndieFlower-Regular.ttf",
        "4bba43cdba26c2b05bae61b57ca1185a002f23a69a11f66814ed2049d371ebdb",
    ),
    "Pangolin-Regular.ttf": (
        f"{_GOOGLE}/pangolin/8257f00935ee0d1dba28c9e9142c85bcb357aae2/fonts/Pangolin-Regular.ttf",
        "cf4f0a46704c7859d4943320fce6c6d06cc7dc450ef971c3676ef36f9f482299",
    ),
    "DancingScript-Regular.ttf": (
        "https://raw.githubusercontent.com/impallari/DancingScript/09b7abf420f296894dc6c878e7b0da4f9f8d27a6/legacy/version-2.001/fonts/ttf/"
        "DancingScript-Regular.ttf",
        "48ceb5145740383b3d21dbce5f3010bc456829d46ad92fc0df5fd7ce36c62371",
    ),
    "DancingScript-Bold.ttf": (
        "https://raw.githubusercontent.com/impallari/DancingScript/09b7abf420f296894dc6c878e7b0da4f9f8d27a6/legacy/version-2.001/fonts/ttf/"
        "DancingScript-Bold.ttf",
        "ea80fedd89e84c4b572f0d780416956e84b0354d0df2d7985fe1883956677dc4",
    ),
}


@dataclass(frozen=True, kw_only=True)
class FontHands:
    """``fields_FAHW``: the distance fields of each font's characters on a canvas of ``FINE * SIZE`` pixels a side."""

    names: tuple[str, ...]
    alphabet: str
    fields_FAHW: Tensor

    def __len__(self) -> int:
        return len(self.names)


def load_fonts(alphabet: str) -> FontHands:
    """All fonts' characters of ``alphabet``.

    Raises:
        DataError: a font cannot be had or is damaged.
    """
    fields = [font_fields(locate(_source(name)), alphabet) for name in _FONTS]
    return FontHands(names=tuple(name.removesuffix(".ttf") for name in _FONTS), alphabet=alphabet, fields_FAHW=torch.stack(fields))


def _source(name: str) -> Source:
    url, digest = _FONTS[name]
    return Source(path=f"fonts-handwriting/{name}", url=url, sha256=(digest,), licence=LICENCE, credit=CREDIT)


def font_fields(path: Path, alphabet: str) -> Tensor:
    """``(A, H, W)``: each character with its capitals' height and baseline where :data:`CAP_HEIGHT` and :data:`BASELINE` say."""
    trial = ImageFont.truetype(str(path), 100)
    top, bottom = trial.getbbox("H", anchor="ls")[1::2]
    font = ImageFont.truetype(str(path), round(100 * FINE * CAP_HEIGHT / (bottom - top)))
    return torch.stack([distance_field(_draw(font, character)) for character in alphabet])


def _draw(font: ImageFont.FreeTypeFont, character: str) -> Tensor:
    """Coverage ``(H, W)``, the character's ink centred from left to right."""
    side = FINE * SIZE
    left, _, right, _ = font.getbbox(character, anchor="ls")
    canvas = Image.new("L", (side, side))
    ImageDraw.Draw(canvas).text((side / 2 - (left + right) / 2, FINE * BASELINE), character, fill=255, font=font, anchor="ls")
    return torch.from_numpy(np.asarray(canvas).copy()).float() / 255


def distance_field(coverage_HW: Tensor) -> Tensor:
    """Signed distance of every pixel to the nearest pixel across the outline, in canvas pixels of ``SIZE``; far away where nothing is drawn."""
    inside = coverage_HW > 0.5
    place = torch.cartesian_prod(*(torch.arange(side, dtype=torch.float32) for side in coverage_HW.shape))
    flat = inside.flatten()
    if not flat.any():
        return torch.full(coverage_HW.shape, float(SIZE))
    # The nearest pixel across the outline lies at the outline: one that a shift by a pixel takes to the other side.
    padded = F.pad(inside.float()[None, None], (1, 1, 1, 1), mode="replicate")
    grown, shrunk = F.max_pool2d(padded, 3, 1)[0, 0] > 0, -F.max_pool2d(-padded, 3, 1)[0, 0] > 0
    edges = (inside & ~shrunk, grown & ~inside)
    to_ink, to_paper = (torch.cdist(place, place[edge.flatten()]).amin(1) for edge in edges)
    signed = torch.where(flat, 0.5 - to_paper, to_ink - 0.5)
    return signed.view(coverage_HW.shape) / FINE
