"""The parts of the evidence lower bound, in nats per picture (Kingma & Welling 2014, eq. 3 and appendix B)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def reparameterise(mu_BZ: Tensor, logvar_BZ: Tensor, eps_BZ: Tensor) -> Tensor:
    """``z = mu + sigma * eps`` (section 2.4)."""
    return mu_BZ + torch.exp(0.5 * logvar_BZ) * eps_BZ


def gaussian_kl(mu_BZ: Tensor, logvar_BZ: Tensor) -> Tensor:
    """``KL(N(mu, sigma^2) || N(0, I))`` per picture, shape ``(B,)`` (appendix B)."""
    return 0.5 * (mu_BZ.square() + logvar_BZ.exp() - 1.0 - logvar_BZ).sum(1)


def bernoulli_reconstruction(logits_BCHW: Tensor, x_BCHW: Tensor) -> Tensor:
    """``-log p(x | z)`` per picture, shape ``(B,)``, for targets in [0, 1] (appendix C.1)."""
    return F.binary_cross_entropy_with_logits(logits_BCHW, x_BCHW, reduction="none").sum(dim=(1, 2, 3))
