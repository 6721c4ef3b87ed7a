"""Hawk: residual blocks of a gated linear recurrent unit (RG-LRU) and a gated MLP.

De et al. 2024, "Griffin: Mixing Gated Linear Recurrences with Local Attention" (arXiv 2402.19427), section 2 and appendix A.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aigc_core.rnn.language_model import RecurrentLanguageModel
from aigc_core.rnn.scan import LinearScan

GATE_SHARPNESS = 8.0
"""The constant c of equation 3."""


@dataclass(frozen=True, kw_only=True)
class HawkConfig:
    """Sizes of a Hawk: ``width`` of the residual stream, ``recurrent_factor`` times that in the recurrence."""

    vocab_size: int
    width: int = 160
    num_layers: int = 4
    recurrent_factor: float = 1.25
    mlp_factor: float = 2.0
    num_heads: int = 4
    conv_size: int = 4

    @property
    def recurrent_width(self) -> int:
        """Width of the recurrence, a multiple of the number of heads."""
        return int(self.width * self.recurrent_factor) // self.num_heads * self.num_heads


class BlockDiagonal(nn.Module):
    """A linear map of ``num_heads`` independent blocks: the gates of the RG-LRU."""

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        block = width // num_heads
        self.weight = nn.Parameter(torch.randn(num_heads, block, block) / math.sqrt(block))
        self.bias = nn.Parameter(torch.zeros(num_heads, 1, block))

    def forward(self, x_ND: Tensor) -> Tensor:
        heads = x_ND.reshape(-1, self.weight.shape[0], self.weight.shape[1]).transpose(0, 1)
        return torch.baddbmm(self.bias, heads, self.weight).transpose(0, 1).reshape(x_ND.shape)


class RgLru(nn.Module):
    """Real-gated linear recurrent unit, equations 1-4.

    r_t = sigmoid(W_a x_t + b_a); i_t = sigmoid(W_x x_t + b_x); log a_t = -c softplus(Lambda) r_t;
    h_t = a_t h_{t-1} + sqrt(1 - a_t^2) (i_t x_t)
    """

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.recurrence_gate = BlockDiagonal(width, num_heads)
        self.input_gate = BlockDiagonal(width, num_heads)
        # Appendix A: a^c uniform in [0.9, 0.999], by area as for a radius.
        uniform = torch.empty(width).uniform_(0.9**2, 0.999**2).sqrt()
        self.log_decay = nn.Parameter(torch.log(torch.expm1(-torch.log(uniform))))

    def coefficients(self, x_ND: Tensor) -> tuple[Tensor, Tensor]:
        """``a`` and ``b`` of ``h_t = a_t h_{t-1} + b_t`` for any leading shape."""
        log_a = -GATE_SHARPNESS * F.softplus(self.log_decay) * torch.sigmoid(self.recurrence_gate(x_ND))
        # sqrt(1 - a^2) without cancellation; the clamp bounds the gradient of the root.
        scale = (-torch.expm1(2 * log_a)).clamp(min=1e-6).sqrt()
        return log_a.exp(), scale * torch.sigmoid(self.input_gate(x_ND)) * x_ND


class RecurrentBlock(nn.Module):
    """Figure 2: two branches, one through a short causal convolution and the RG-LRU, one through GeLU; their product is projected back."""

    def __init__(self, config: HawkConfig) -> None:
        super().__init__()
        self.width, self.conv_size = config.recurrent_width, config.conv_size
        self.inputs = nn.Linear(config.width, 2 * self.width, bias=False)
        self.conv_weight = nn.Parameter(torch.randn(self.conv_size, self.width) * math.sqrt(0.01 / self.conv_size))
        with torch.no_grad():
            self.conv_weight[-1] += 1.0  # starts near the identity
        self.conv_bias = nn.Parameter(torch.zeros(self.width))
        self.lru = RgLru(self.width, config.num_heads)
        self.output = nn.Linear(self.width, config.width, bias=False)

    @property
    def state_size(self) -> int:
        """The recurrent state and the last ``conv_size - 1`` inputs of the convolution."""
        return self.width * self.conv_size

    def forward(self, u_BTD: Tensor, state_BS: Tensor) -> tuple[Tensor, Tensor]:
        h0, tail = self._split(state_BS)
        x, gate = self.inputs(u_BTD).chunk(2, dim=-1)
        padded = torch.cat([tail, x], dim=1)
        length = u_BTD.shape[1]
        mixed = self.conv_bias + sum(padded[:, k : k + length] * self.conv_weight[k] for k in range(self.conv_size))
        h_BTD = LinearScan.apply(*self.lru.coefficients(mixed), h0)
        state = torch.cat([h_BTD[:, -1], padded[:, length:].flatten(1)], dim=1)
        return self.output(h_BTD * F.gelu(gate, approximate="tanh")), state

    def step(self, u_BD: Tensor, state_BS: Tensor) -> tuple[Tensor, Tensor]:
        h, tail = self._split(state_BS)
        x, gate = self.inputs(u_BD).chunk(2, dim=-1)
        window = torch.cat([tail, x.unsqueeze(1)], dim=1)
        a, b = self.lru.coefficients((window * self.conv_weight).sum(1) + self.conv_bias)
        h = torch.addcmul(b, a, h)
        return self.output(h * F.gelu(gate, approximate="tanh")), torch.cat([h, window[:, 1:].flatten(1)], dim=1)

    def _split(self, state_BS: Tensor) -> tuple[Tensor, Tensor]:
        return state_BS[:, : self.width], state_BS[:, self.width :].unflatten(1, (self.conv_size - 1, self.width))


class GatedMlp(nn.Module):
    """``W_o (gelu(W_g u) * W_x u)``, section 2.2."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.inputs = nn.Linear(width, 2 * hidden, bias=False)
        self.output = nn.Linear(hidden, width, bias=False)

    def forward(self, u: Tensor) -> Tensor:
        gate, x = self.inputs(u).chunk(2, dim=-1)
        return self.output(F.gelu(gate, approximate="tanh") * x)


class HawkLayer(nn.Module):
    """Pre-normed recurrent block and gated MLP, each with a residual."""

    def __init__(self, config: HawkConfig, dropout: float) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.RMSNorm(config.width), nn.RMSNorm(config.width)
        self.recurrent = RecurrentBlock(config)
        self.mlp = GatedMlp(config.width, int(config.width * config.mlp_factor))
        self.dropout = nn.Dropout(dropout)

    def forward(self, u: Tensor, state_BS: Tensor, stepwise: bool) -> tuple[Tensor, Tensor]:
        form = self.recurrent.step if stepwise else self.recurrent
        mixed, state = form(self.norm1(u), state_BS)
        u = u + self.dropout(mixed)
        return u + self.dropout(self.mlp(self.norm2(u))), state


class Hawk(RecurrentLanguageModel):
    """A language model of Hawk layers with tied input and output embeddings."""

    def __init__(self, config: HawkConfig, dropout: float = 0.0) -> None:
        super().__init__()
        self.config, self.vocab_size = config, config.vocab_size
        self.embedding = nn.Embedding(config.vocab_size, config.width)
        nn.init.normal_(self.embedding.weight, std=1 / math.sqrt(config.width))
        self.layers = nn.ModuleList([HawkLayer(config, dropout) for _ in range(config.num_layers)])
        for layer in self.layers:
            for linear in (layer.recurrent.output, layer.mlp.output):
                nn.init.normal_(linear.weight, std=1 / math.sqrt(linear.in_features * 2 * config.num_layers))
        self.norm = nn.RMSNorm(config.width)
        self.dropout = nn.Dropout(dropout)

    @property
    def state_size(self) -> int:
        return sum(layer.recurrent.state_size for layer in self.layers)

    def forward(self, tokens_BT: Tensor, state_BS: Tensor) -> tuple[Tensor, Tensor]:
        return self._run(tokens_BT, state_BS, stepwise=False)

    def step(self, tokens_B: Tensor, state_BS: Tensor) -> tuple[Tensor, Tensor]:
        return self._run(tokens_B, state_BS, stepwise=True)

    def _run(self, tokens: Tensor, state_BS: Tensor, stepwise: bool) -> tuple[Tensor, Tensor]:
        u = self.dropout(self.embedding(tokens) * math.sqrt(self.config.width))
        states = []
        for layer, state in zip(self.layers, state_BS.chunk(len(self.layers), dim=1), strict=True):
            u, after = layer(u, state, stepwise)
            states.append(after)
        return F.linear(self.norm(u), self.embedding.weight), torch.cat(states, dim=1)
