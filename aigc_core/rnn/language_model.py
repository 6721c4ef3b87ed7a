"""What every recurrent language model offers, whatever its cell: a parallel form, a step form, and a flat state."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn


class RecurrentLanguageModel(nn.Module, ABC):
    """A model whose whole memory of a text is one row of ``state_size`` fp32 numbers, so that texts join and leave a batch by row."""

    vocab_size: int

    @property
    @abstractmethod
    def state_size(self) -> int:
        """S: numbers of state a text needs, whatever its length."""

    @abstractmethod
    def forward(self, tokens_BT: Tensor, state_BS: Tensor) -> tuple[Tensor, Tensor]:
        """Parallel form: ``logits_BTV`` for the token after each, and the state after the last."""

    @abstractmethod
    def step(self, tokens_B: Tensor, state_BS: Tensor) -> tuple[Tensor, Tensor]:
        """Step form: ``logits_BV`` and the next state; equal to the parallel form with T = 1."""

    def initial_state(self, batch: int, device: torch.device | str = "cpu") -> Tensor:
        """``state_BS`` before any token."""
        return torch.zeros(batch, self.state_size, device=device)
