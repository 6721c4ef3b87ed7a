"""Exponential moving average of weights: what is saved and sampled."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Ema:
    """Averages a module's weights with a half-life counted in training examples (Karras et al. 2018, section 4.1).

    With ``rampup`` the half-life is at most that share of the examples seen, so a short run is not held back by its start.
    """

    def __init__(self, module: nn.Module, half_life: float, rampup: float | None = 0.05) -> None:
        self.module = copy.deepcopy(module).eval().requires_grad_(False)
        self.half_life = half_life
        self.rampup = rampup
        self.num_seen = 0

    @torch.no_grad()
    def update(self, source: nn.Module, num_examples: int) -> None:
        """Move the average towards ``source`` after a step on ``num_examples`` examples."""
        self.num_seen += num_examples
        half_life = self.half_life if self.rampup is None else min(self.half_life, self.rampup * self.num_seen)
        decay = 0.5 ** (num_examples / max(half_life, 1e-8))
        for average, current in zip(self.module.parameters(), source.parameters(), strict=True):
            average.lerp_(current.to(average.dtype), 1.0 - decay)
        for average, current in zip(self.module.buffers(), source.buffers(), strict=True):
            average.copy_(current)
