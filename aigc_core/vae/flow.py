"""RealNVP (Dinh et al. 2017, arXiv 1605.08803): an invertible map between codes z and standard normal u, the learned prior of a VAE.

A learned prior beats a learned posterior at equal cost and keeps all units in use (Xu et al. 2019, arXiv 1905.13452). In u, which is standard
normal, codes may be varied and interpolated without leaving what the prior knows.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LOG_SCALE_LIMIT = 1.5


class Coupling(nn.Module):
    """One half of a code scales and shifts the other (eq. 4 and 5 of the paper), then the units change places by a fixed permutation."""

    def __init__(self, dim: int, hidden: int, permutation: Tensor) -> None:
        super().__init__()
        self.kept = dim // 2
        self.first, self.second = nn.Linear(self.kept, hidden), nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, 2 * (dim - self.kept))
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)
        # ActNorm (Kingma & Dhariwal 2018, section 3.1) without data-dependent start: codes begin near standard normal.
        self.log_scale, self.shift = nn.Parameter(torch.zeros(dim)), nn.Parameter(torch.zeros(dim))
        self.permutation: Tensor
        self.inverse: Tensor
        self.register_buffer("permutation", permutation)
        self.register_buffer("inverse", permutation.argsort())

    def _parameters_of(self, kept_BK: Tensor) -> tuple[Tensor, Tensor]:
        log_scale, shift = self.last(F.silu(self.second(F.silu(self.first(kept_BK))))).chunk(2, dim=1)
        return LOG_SCALE_LIMIT * torch.tanh(log_scale / LOG_SCALE_LIMIT), shift

    def forward(self, z_BZ: Tensor) -> tuple[Tensor, Tensor]:
        """``u`` and ``log |det du/dz|``, shape ``(B,)``."""
        z = z_BZ * self.log_scale.exp() + self.shift
        kept, moved = z[:, : self.kept], z[:, self.kept :]
        log_scale, shift = self._parameters_of(kept)
        u = torch.cat([kept, moved * log_scale.exp() + shift], dim=1)[:, self.permutation]
        return u, log_scale.sum(1) + self.log_scale.sum()

    def invert(self, u_BZ: Tensor) -> Tensor:
        """``z`` of ``u``."""
        u = u_BZ[:, self.inverse]
        kept, moved = u[:, : self.kept], u[:, self.kept :]
        log_scale, shift = self._parameters_of(kept)
        z = torch.cat([kept, (moved - shift) * (-log_scale).exp()], dim=1)
        return (z - self.shift) * (-self.log_scale).exp()


class RealNvp(nn.Module):
    """A chain of couplings; the identity at its start. With no coupling it is the standard normal prior itself."""

    def __init__(self, dim: int, num_couplings: int, hidden: int = 128) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(0)
        self.couplings = nn.ModuleList([Coupling(dim, hidden, torch.randperm(dim, generator=rng)) for _ in range(num_couplings)])

    def forward(self, z_BZ: Tensor) -> tuple[Tensor, Tensor]:
        """``u`` and ``log |det du/dz|``."""
        log_det = z_BZ.new_zeros(len(z_BZ))
        for coupling in self.couplings:
            z_BZ, part = coupling(z_BZ)
            log_det = log_det + part
        return z_BZ, log_det

    def invert(self, u_BZ: Tensor) -> Tensor:
        """``z`` of ``u``: to sample, from standard normal ``u``."""
        for coupling in reversed(self.couplings):
            assert isinstance(coupling, Coupling)
            u_BZ = coupling.invert(u_BZ)
        return u_BZ

    def log_prob(self, z_BZ: Tensor) -> Tensor:
        """``log p(z)`` in nats, shape ``(B,)``: change of variables."""
        u, log_det = self(z_BZ)
        return standard_normal_log_prob(u) + log_det


def standard_normal_log_prob(u_BZ: Tensor) -> Tensor:
    """Sum over units, shape ``(B,)``."""
    return -0.5 * (u_BZ.square() + math.log(2 * math.pi)).sum(1)


def gaussian_log_prob(z_BZ: Tensor, mu_BZ: Tensor, logvar_BZ: Tensor) -> Tensor:
    """``log N(z; mu, diag exp(logvar))``, shape ``(B,)``."""
    return -0.5 * ((z_BZ - mu_BZ).square() * (-logvar_BZ).exp() + logvar_BZ + math.log(2 * math.pi)).sum(1)
