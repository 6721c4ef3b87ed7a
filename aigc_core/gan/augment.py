"""Differentiable augmentation of everything that the discriminator sees, as strong as its overfitting asks for.

DiffAugment (Zhao et al. 2020, arXiv 2006.10738) for what is done, ADA (Karras et al. 2020, arXiv 2006.06676) for how often.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

SPEED_PICTURES = 100_000
"""The probability moves from 0 to 1 in so many pictures if it always moves one way (ADA, appendix B: 500,000 at their budgets)."""
LIMIT = 0.8
"""Above it the augmentations start to show in what is generated (ADA, section 3.1)."""


class Augment:
    """Applies each of ``kinds`` (``flip``, ``shift``, ``colour``, ``cutout``) to each picture with the current probability."""

    def __init__(self, kinds: tuple[str, ...], target: float = 0.4) -> None:
        known = {"flip": _flip, "shift": _shift, "colour": _colour, "cutout": _cutout}
        if missing := [kind for kind in kinds if kind not in known]:
            raise ValueError(f"no augmentation is called {', '.join(missing)}; there are {', '.join(known)}")
        self.transforms = [known[kind] for kind in kinds]
        self.target, self.probability = target, 0.0

    def __call__(self, x_BCHW: Tensor) -> Tensor:
        """The same shape; gradients flow through."""
        if self.probability <= 0:
            return x_BCHW
        for transform in self.transforms:
            chosen = (torch.rand(len(x_BCHW), device=x_BCHW.device) < self.probability)[:, None, None, None]
            x_BCHW = torch.where(chosen, transform(x_BCHW), x_BCHW)
        return x_BCHW

    def adapt(self, train: float, held_out: float, generated: float, num_pictures: int) -> None:
        """Move the probability by D's mean logits: r_v is 0 where held-out pictures look like training ones, 1 where they look generated."""
        overfitting = (train - held_out) / max(abs(train - generated), 1e-6)
        step = 4 * num_pictures / SPEED_PICTURES
        self.probability = min(LIMIT, max(0.0, self.probability + (step if overfitting > self.target else -step)))


def _flip(x: Tensor) -> Tensor:
    return x.flip(3)


def _shift(x: Tensor) -> Tensor:
    """By up to an eighth of the side; the border repeats."""
    reach = x.shape[-1] // 8
    dx, dy = (int(torch.randint(-reach, reach + 1, ())) for _ in range(2))
    padded = F.pad(x, (reach, reach, reach, reach), mode="replicate")
    return padded[:, :, reach + dy : reach + dy + x.shape[2], reach + dx : reach + dx + x.shape[3]]


def _colour(x: Tensor) -> Tensor:
    """Brightness and contrast of the colours; opacity stays."""
    colours, rest = x[:, :3], x[:, 3:]
    brightness, contrast = (torch.rand(len(x), 1, 1, 1, device=x.device) for _ in range(2))
    mean = colours.mean(dim=(1, 2, 3), keepdim=True)
    return torch.cat([(colours - mean) * (0.5 + contrast) + mean + 0.5 * (brightness - 0.5), rest], dim=1)


def _cutout(x: Tensor) -> Tensor:
    """A square of a half of the side becomes the mid grey."""
    size, side = x.shape[-1], x.shape[-1] // 2
    place = torch.randint(0, size, (2, len(x)), device=x.device)
    rows = torch.arange(size, device=x.device)
    inside = ((rows - place[:, :, None]).abs() < side // 2 + 1).float()
    return x * (1 - inside[0, :, None, :, None] * inside[1, :, None, None, :])
