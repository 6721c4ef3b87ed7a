"""Letters in a given hand: a font's distance fields with slant, width, weight of stroke and a wobble of one's own.

A hand that is known from a digit shows in its slant and stroke; a hand that is made here has a font, a build and a wobble, which every one of its
letters shares. Training a decoder to write one character of a hand from the code of another makes one z write the whole alphabet.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from aigc_core.data.fonts import SIZE, FontHands

CENTRE = (SIZE - 1) / 2
SHARPNESS = 2.5
"""Ink is ``sigmoid(SHARPNESS * distance inside the outline)``: an edge about a pixel wide, as that of the digits."""
PLAIN_FONT = "Pangolin-Regular"
"""Writes the letters of hands of which only a digit is known: its strokes are of one width and its letters stand apart."""


def measure_hand(ink_BCHW: Tensor) -> tuple[Tensor, Tensor]:
    """Slant (pixels to the left per pixel down; from second moments) and stroke width in pixels (ink over length), each ``(B,)``."""
    ink = ink_BCHW[:, 0]
    axis = torch.arange(SIZE, dtype=ink.dtype, device=ink.device) - CENTRE
    mass = ink.sum(dim=(1, 2)).clamp(min=1e-3)
    mean_x = (ink * axis).sum(dim=(1, 2)) / mass
    mean_y = (ink * axis[:, None]).sum(dim=(1, 2)) / mass
    x, y = axis - mean_x[:, None, None], axis[:, None] - mean_y[:, None, None]
    slant = -(ink * x * y).sum(dim=(1, 2)) / (ink * y * y).sum(dim=(1, 2)).clamp(min=1e-3)
    # Ink area over the length of the outline, twice: the mean width of a thin line.
    edges = (ink[:, 1:] - ink[:, :-1]).abs().sum(dim=(1, 2)) + (ink[:, :, 1:] - ink[:, :, :-1]).abs().sum(dim=(1, 2))
    width = 2.0 * mass / (0.785 * edges).clamp(min=1e-3)
    return slant.clamp(-0.6, 0.8), width.clamp(1.2, 4.5)


@dataclass(frozen=True, kw_only=True)
class Hands:
    """Ways to write, a row each. ``wobble_B244`` are shifts in pixels at 4x4 places of the canvas, the same for all letters of a hand."""

    font_B: Tensor
    slant_B: Tensor
    bolder_B: Tensor
    """Pixels added to each side of the font's strokes."""
    width_B: Tensor
    height_B: Tensor
    wobble_B244: Tensor


def random_hands(count: int, num_fonts: int, rng: torch.Generator) -> Hands:
    """Hands of all fonts and builds."""
    noise = torch.randn(4, count, generator=rng)
    return Hands(
        font_B=torch.randint(num_fonts, (count,), generator=rng),
        slant_B=0.15 * noise[0],
        bolder_B=(0.25 + 0.35 * noise[1]).clamp(-0.2, 1.2),
        width_B=(1 + 0.12 * noise[2]).clamp(0.7, 1.3),
        height_B=(1 + 0.06 * noise[3]).clamp(0.85, 1.1),
        wobble_B244=0.6 * torch.randn(count, 2, 4, 4, generator=rng),
    )


def hands_of_digits(ink_BCHW: Tensor, fonts: FontHands) -> Hands:
    """The plain font with the slant and the stroke of each digit."""
    slant, width = measure_hand(ink_BCHW)
    count = len(slant)
    plain = fonts.names.index(PLAIN_FONT)
    return Hands(
        font_B=torch.full((count,), plain),
        slant_B=slant,
        bolder_B=((width - _stroke(fonts, plain)) / 2).clamp(-0.5, 1.5),
        width_B=torch.ones(count),
        height_B=torch.ones(count),
        wobble_B244=torch.zeros(count, 2, 4, 4),
    )


def _stroke(fonts: FontHands, font: int) -> float:
    """The width in pixels of a font's upright stroke: that of its figure one, or of its first character."""
    place = max(0, fonts.alphabet.find("1"))
    field = F.interpolate(fonts.fields_FAHW[font, place][None, None], size=(SIZE, SIZE), mode="area")
    return measure_hand(torch.sigmoid(-SHARPNESS * field))[1].item()


def write(fonts: FontHands, hands: Hands, characters_B: Tensor, rng: torch.Generator | None = None) -> Tensor:
    """Ink ``(B, 1, 28, 28)`` in [0, 1]: each character (a place in the fonts' alphabet) in its hand.

    With ``rng`` no two letters of a hand are quite the same: each is shifted and turned a little.
    """
    fields = fonts.fields_FAHW[hands.font_B, characters_B][:, None]
    jitter = torch.zeros(3, len(characters_B)) if rng is None else torch.randn(3, len(characters_B), generator=rng)
    axis = torch.arange(SIZE, dtype=torch.float32) - CENTRE
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    shifts = F.interpolate(hands.wobble_B244, size=(SIZE, SIZE), mode="bicubic", align_corners=True)
    # Where each pixel of the picture comes from: the inverse of shift, slant (about the base line's height) and build.
    y = (y - shifts[:, 1] - 0.25 * jitter[1, :, None, None]) / hands.height_B[:, None, None]
    slant = hands.slant_B + 0.03 * jitter[2]
    x = (x - shifts[:, 0] - 0.25 * jitter[0, :, None, None] + slant[:, None, None] * y) / hands.width_B[:, None, None]
    places = torch.stack([x, y], dim=3) * (2 / SIZE)
    field = F.grid_sample(fields, places, mode="bilinear", padding_mode="border", align_corners=False)
    return torch.sigmoid(SHARPNESS * (hands.bolder_B[:, None, None, None] - field))
