"""The classical recurrent network: long short-term memory (Hochreiter & Schmidhuber 1997; forget gate after Gers et al. 2000)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aigc_core.rnn.language_model import RecurrentLanguageModel


@dataclass(frozen=True, kw_only=True)
class LstmConfig:
    """Sizes of a stack of LSTM layers."""

    vocab_size: int
    width: int = 256
    num_layers: int = 2


class Lstm(RecurrentLanguageModel):
    """A stacked LSTM with tied embeddings; its state is the layers' h, then their c."""

    def __init__(self, config: LstmConfig, dropout: float = 0.0) -> None:
        super().__init__()
        self.config, self.vocab_size = config, config.vocab_size
        self.embedding = nn.Embedding(config.vocab_size, config.width)
        nn.init.normal_(self.embedding.weight, std=1 / math.sqrt(config.width))
        self.cells = nn.LSTM(config.width, config.width, config.num_layers, batch_first=True, dropout=dropout)
        for name, parameter in self.cells.named_parameters():
            if name.startswith("bias_ih"):
                with torch.no_grad():
                    parameter[config.width : 2 * config.width] = 1.0  # the forget gate starts open
        self.dropout = nn.Dropout(dropout)

    @property
    def state_size(self) -> int:
        return 2 * self.config.num_layers * self.config.width

    def forward(self, tokens_BT: Tensor, state_BS: Tensor) -> tuple[Tensor, Tensor]:
        u = self.dropout(self.embedding(tokens_BT) * math.sqrt(self.config.width))
        h, c = (part.unflatten(1, (self.config.num_layers, -1)).transpose(0, 1).contiguous() for part in state_BS.chunk(2, dim=1))
        with torch.autocast(u.device.type, enabled=False):  # else cell and state would be bfloat16 too, not the products alone
            out, (h, c) = self.cells(u.float(), (h, c))
        state = torch.cat([h.transpose(0, 1).flatten(1), c.transpose(0, 1).flatten(1)], dim=1)
        return F.linear(self.dropout(out), self.embedding.weight), state

    def step(self, tokens_B: Tensor, state_BS: Tensor) -> tuple[Tensor, Tensor]:
        logits, state = self(tokens_B.unsqueeze(1), state_BS)
        return logits.squeeze(1), state
