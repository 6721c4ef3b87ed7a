"""Seeds are arguments: every picture and every text draws from a generator of its own, so neighbours change nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

SEED_LIMIT = 2**32
"""Seeds are integers in ``[0, SEED_LIMIT)``."""


def generator(seed: int) -> torch.Generator:
    """A CPU generator: the noise is drawn on the CPU on every device, so that a seed means the same noise everywhere.

    Raises:
        ValueError: the seed is out of range.
    """
    if not 0 <= seed < SEED_LIMIT:
        raise ValueError(f"a seed is a whole number from 0 to {SEED_LIMIT - 1}, not {seed}")
    return torch.Generator(device="cpu").manual_seed(seed)


def noise(seed: int, size: int) -> Tensor:
    """Standard normal noise of shape ``(size,)`` that belongs to ``seed``."""
    return torch.randn(size, generator=generator(seed))


def vary(z: Tensor, eps: Tensor, strength: float) -> Tensor:
    """A neighbour of ``z`` on the sphere of typical samples: ``sqrt(1 - s^2) z + s eps``.

    If ``z`` and ``eps`` are standard normal and independent, so is the result, at any strength in [0, 1].
    """
    if not 0.0 <= strength <= 1.0:
        raise ValueError(f"a strength lies between 0 and 1, not {strength}")
    return math.sqrt(1.0 - strength * strength) * z + strength * eps


def latent(seed: int, variations: Sequence[tuple[int, float]], size: int) -> Tensor:
    """The latent of a picture: the noise of ``seed``, moved by each ``(seed, strength)`` of its lineage in turn."""
    z = noise(seed, size)
    for variation_seed, strength in variations:
        z = vary(z, noise(variation_seed, size), strength)
    return z


def slerp(first: Tensor, second: Tensor, share: float) -> Tensor:
    """Spherical interpolation of two noises (Shoemake 1985; White 2016, arXiv 1609.04468), their lengths interpolated straight.

    Between two standard normal vectors every step is as long as they are, so pictures halfway are as sharp as at the ends.
    """
    length1, length2 = first.norm(), second.norm()
    unit1, unit2 = first / length1.clamp(min=1e-12), second / length2.clamp(min=1e-12)
    angle = torch.acos((unit1 * unit2).sum().clamp(-1, 1))
    if angle < 1e-4 or angle > math.pi - 1e-4:  # parallel, or opposite: no single great circle joins them
        return torch.lerp(first, second, share)
    direction = (torch.sin((1 - share) * angle) * unit1 + torch.sin(share * angle) * unit2) / torch.sin(angle)
    return direction * torch.lerp(length1, length2, share)
