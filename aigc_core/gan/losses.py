"""Adversarial losses. Each returns its value per batch and knows no training loop.

- Relativistic pairing: R3GAN (Huang et al. 2024), eq. 2, with f(t) = -softplus(-t) after Jolicoeur-Martineau 2018.
- Non-saturating: Goodfellow et al. 2014, section 3 (the generator maximises log D(G(z))).
- R1 and R2: zero-centred gradient penalties on real and on generated pictures (Mescheder et al. 2018, eq. 9; R3GAN eq. 4).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor


class AdversarialLoss(Protocol):
    """The two halves of a game; arguments are discriminator logits of shape ``(B,)``."""

    def discriminator(self, real_B: Tensor, fake_B: Tensor) -> Tensor: ...

    def generator(self, real_B: Tensor, fake_B: Tensor) -> Tensor: ...


class Relativistic:
    """D judges how much more real a real picture is than a generated one of the same class."""

    def discriminator(self, real_B: Tensor, fake_B: Tensor) -> Tensor:
        return F.softplus(-(real_B - fake_B)).mean()

    def generator(self, real_B: Tensor, fake_B: Tensor) -> Tensor:
        return F.softplus(-(fake_B - real_B)).mean()


class NonSaturating:
    """Goodfellow's game: D classifies, G maximises the logit of its own pictures."""

    def discriminator(self, real_B: Tensor, fake_B: Tensor) -> Tensor:
        return F.softplus(-real_B).mean() + F.softplus(fake_B).mean()

    def generator(self, real_B: Tensor, fake_B: Tensor) -> Tensor:
        return F.softplus(-fake_B).mean()


def adversarial_loss(name: str) -> AdversarialLoss:
    """The loss called ``relativistic`` or ``non_saturating``.

    Raises:
        ValueError: no loss has that name.
    """
    losses: dict[str, Callable[[], AdversarialLoss]] = {"relativistic": Relativistic, "non_saturating": NonSaturating}
    if name not in losses:
        raise ValueError(f"no adversarial loss is called {name!r}; there are {', '.join(losses)}")
    return losses[name]()


def gradient_penalty(logits_B: Tensor, x_BCHW: Tensor) -> Tensor:
    """``E |grad_x D(x)|^2``, the squared gradient summed over pixels and averaged over the batch.

    ``x_BCHW`` (or points of any shape) must require a gradient and be what ``logits_B`` was computed from. The weight gamma / 2 is the caller's.
    """
    (gradient,) = torch.autograd.grad(logits_B.sum(), x_BCHW, create_graph=True)
    return gradient.square().flatten(1).sum(1).mean()
