"""The marks that MNIST lacks (- / . : , + =), drawn with the slant and stroke width of a given digit.

A digit's hand shows in its slant and width. Training the decoder to draw each mark in the hand z of a digit, with that digit's measured slant
and width, makes one z write digits and marks alike.
"""

from __future__ import annotations

import torch
from torch import Tensor

SIZE = 28
CENTRE = (SIZE - 1) / 2
# Strokes as (x1, y1, x2, y2) in pixels from the centre, y downwards; a dot is a stroke of no length.
STROKES: dict[str, tuple[tuple[float, float, float, float], ...]] = {
    "-": ((-4.5, 0.5, 4.5, 0.0),),
    "/": ((3.5, -9.5, -3.5, 9.5),),
    ".": ((0.0, 8.5, 0.3, 8.5),),
    ":": ((0.0, -3.0, 0.2, -3.0), (0.0, 5.5, 0.2, 5.5)),
    ",": ((0.5, 8.0, -0.8, 11.0),),
    "+": ((-5.0, 0.5, 5.0, 0.3), (0.0, -4.8, 0.0, 5.2)),
    "=": ((-4.5, -2.0, 4.5, -2.4), (-4.5, 3.0, 4.5, 2.6)),
}


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


def draw_marks(marks: list[str], slant_B: Tensor, width_B: Tensor, jitter_B4: Tensor) -> Tensor:
    """Ink ``(B, 1, 28, 28)`` in [0, 1] of each mark in its hand. ``jitter_B4`` is standard normal and shifts and scales a little."""
    device = slant_B.device
    axis = torch.arange(SIZE, dtype=torch.float32, device=device) - CENTRE
    ink = torch.zeros(len(marks), SIZE, SIZE, device=device)
    for stroke in range(2):
        ends = torch.tensor([STROKES[m][min(stroke, len(STROKES[m]) - 1)] for m in marks], device=device)
        scale = 1.0 + 0.08 * jitter_B4[:, 2:3]
        x1, y1, x2, y2 = (ends * scale).unbind(1)
        shift_x, shift_y = 0.5 * jitter_B4[:, 0], 0.5 * jitter_B4[:, 1]
        x1, x2 = x1 - slant_B * y1 * 0.8 + shift_x, x2 - slant_B * y2 * 0.8 + shift_x
        distance = _distance(axis, x1, y1 + shift_y, x2, y2 + shift_y)
        ink = torch.maximum(ink, torch.sigmoid((width_B[:, None, None] / 2 - distance) * 2.5))
    return ink.unsqueeze(1)


def _distance(axis: Tensor, x1: Tensor, y1: Tensor, x2: Tensor, y2: Tensor) -> Tensor:
    """Distance ``(B, H, W)`` of every pixel to the segment from (x1, y1) to (x2, y2)."""
    px, py = axis[None, None, :], axis[None, :, None]
    dx, dy = (x2 - x1)[:, None, None], (y2 - y1)[:, None, None]
    from_x, from_y = px - x1[:, None, None], py - y1[:, None, None]
    along = ((from_x * dx + from_y * dy) / (dx * dx + dy * dy).clamp(min=1e-6)).clamp(0, 1)
    return ((from_x - along * dx).square() + (from_y - along * dy).square()).sqrt()
