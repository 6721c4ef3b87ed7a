"""minGRU: a gated recurrent unit without its dependence on the last state, so that it can be trained in parallel.

Feng et al. 2024, "Were RNNs All We Needed?" (arXiv 2410.01201), section 3.1, and the block of appendix C: a short causal convolution, the
recurrence and an MLP, each with a norm before and a residual around it. The paper's code scans in log space; ours scans directly, which is
exacter in fp32 and faster (see ``python -m benchmarks.scan``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aigc_core.rnn.language_model import RecurrentLanguageModel
from aigc_core.rnn.scan import LinearScan


@dataclass(frozen=True, kw_only=True)
class MinGruConfig:
    """Sizes: ``width`` of the residual stream, ``expansion`` times that in the recurrence."""

    vocab_size: int
    width: int = 384
    num_layers: int = 3
    expansion: float = 2.0
    mlp_factor: float = 4.0
    conv_size: int = 4

    @property
    def recurrent_width(self) -> int:
        """Width of the recurrence."""
        return int(self.width * self.expansion)


def positive(x: Tensor) -> Tensor:
    """``g`` of appendix B.2.1: ``x + 1/2`` from zero on, ``sigmoid(x)`` below; a state of such values stays positive."""
    return torch.where(x >= 0, x + 0.5, torch.sigmoid(x))


class MinGru(nn.Module):
    """``z_t = sigmoid(W_z x_t)``, ``h~_t = g(W_h x_t)``, ``h_t = (1 - z_t) h_{t-1} + z_t h~_t``."""

    def __init__(self, width: int, recurrent_width: int) -> None:
        super().__init__()
        self.inputs = nn.Linear(width, 2 * recurrent_width, bias=False)
        self.output = nn.Linear(recurrent_width, width, bias=False)

    def coefficients(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """``a`` and ``b`` of ``h_t = a_t h_{t-1} + b_t`` for any leading shape."""
        candidate, gate = self.inputs(x).float().chunk(2, dim=-1)
        # sigmoid(-k) and not 1 - sigmoid(k): no cancellation where the gate is open.
        return torch.sigmoid(-gate), torch.sigmoid(gate) * positive(candidate)


class MinGruLayer(nn.Module):
    """Convolution, recurrence and MLP, each pre-normed with a residual."""

    def __init__(self, config: MinGruConfig, dropout: float) -> None:
        super().__init__()
        self.width, self.recurrent_width, self.conv_size = config.width, config.recurrent_width, config.conv_size
        self.norm1, self.norm2, self.norm3 = (nn.RMSNorm(config.width) for _ in range(3))
        self.conv_weight = nn.Parameter(torch.randn(self.conv_size, self.width) / math.sqrt(self.conv_size))
        self.recurrence = MinGru(config.width, config.recurrent_width)
        hidden = int(config.width * config.mlp_factor)
        self.mlp = nn.Sequential(nn.Linear(config.width, hidden), nn.GELU(approximate="tanh"), nn.Linear(hidden, config.width))
        self.dropout = nn.Dropout(dropout)

    @property
    def state_size(self) -> int:
        """The recurrent state and the last ``conv_size - 1`` inputs of the convolution."""
        return self.recurrent_width + (self.conv_size - 1) * self.width

    def forward(self, u_BTD: Tensor, state_BS: Tensor) -> tuple[Tensor, Tensor]:
        """The layer over T tokens."""
        h0, tail = self._split(state_BS)
        padded = torch.cat([tail, self.norm1(u_BTD)], dim=1)
        length = u_BTD.shape[1]
        u = u_BTD + self.dropout(sum(padded[:, k : k + length] * self.conv_weight[k] for k in range(self.conv_size)))
        h_BTD = LinearScan.apply(*self.recurrence.coefficients(self.norm2(u)), h0)
        u = u + self.dropout(self.recurrence.output(h_BTD))
        state = torch.cat([h_BTD[:, -1], padded[:, length:].flatten(1)], dim=1)
        return u + self.dropout(self.mlp(self.norm3(u))), state

    def step(self, u_BD: Tensor, state_BS: Tensor) -> tuple[Tensor, Tensor]:
        """The layer over one token."""
        h, tail = self._split(state_BS)
        window = torch.cat([tail, self.norm1(u_BD).unsqueeze(1)], dim=1)
        u = u_BD + (window * self.conv_weight).sum(1)
        a, b = self.recurrence.coefficients(self.norm2(u))
        h = torch.addcmul(b, a, h)
        u = u + self.recurrence.output(h)
        return u + self.mlp(self.norm3(u)), torch.cat([h, window[:, 1:].flatten(1)], dim=1)

    def _split(self, state_BS: Tensor) -> tuple[Tensor, Tensor]:
        return state_BS[:, : self.recurrent_width], state_BS[:, self.recurrent_width :].unflatten(1, (self.conv_size - 1, self.width))


class MinGruModel(RecurrentLanguageModel):
    """A language model of minGRU layers with tied input and output embeddings."""

    def __init__(self, config: MinGruConfig, dropout: float = 0.0) -> None:
        super().__init__()
        self.config, self.vocab_size = config, config.vocab_size
        self.embedding = nn.Embedding(config.vocab_size, config.width)
        nn.init.normal_(self.embedding.weight, std=1 / math.sqrt(config.width))
        self.layers = nn.ModuleList([MinGruLayer(config, dropout) for _ in range(config.num_layers)])
        self.norm = nn.RMSNorm(config.width)
        self.dropout = nn.Dropout(dropout)

    @property
    def state_size(self) -> int:
        return sum(layer.state_size for layer in self.layers)

    def forward(self, tokens_BT: Tensor, state_BS: Tensor) -> tuple[Tensor, Tensor]:
        return self._run(tokens_BT, state_BS, stepwise=False)

    def step(self, tokens_B: Tensor, state_BS: Tensor) -> tuple[Tensor, Tensor]:
        return self._run(tokens_B, state_BS, stepwise=True)

    def _run(self, tokens: Tensor, state_BS: Tensor, stepwise: bool) -> tuple[Tensor, Tensor]:
        u = self.dropout(self.embedding(tokens) * math.sqrt(self.config.width))
        states = []
        for layer, state in zip(self.layers, state_BS.chunk(len(self.layers), dim=1), strict=True):
            u, after = layer.step(u, state) if stepwise else layer(u, state)
            states.append(after)
        return F.linear(self.norm(u), self.embedding.weight), torch.cat(states, dim=1)
