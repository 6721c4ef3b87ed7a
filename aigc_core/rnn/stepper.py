"""The step of a recurrent language model as it is served: traced where that pays, in tiles that keep every text's bytes its own."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn

from aigc_core.batching import PROBED_ROWS, Tile, in_tiles, lay_out, measure_tile
from aigc_core.rnn.language_model import RecurrentLanguageModel

WARM_CALLS = 3
"""A traced graph is optimised during its first calls."""


class _Step(nn.Module):
    """The step form as a module's forward, as tracing wants it."""

    def __init__(self, network: RecurrentLanguageModel) -> None:
        super().__init__()
        self.network = network

    def forward(self, tokens_B: Tensor, state_BS: Tensor) -> tuple[Tensor, Tensor]:
        logits_BV, state_BS = self.network.step(tokens_B, state_BS)
        return logits_BV, state_BS.contiguous()


class Stepper:
    """One token of many texts at a time. ``tile`` is what the number of rows is padded to."""

    def __init__(self, network: RecurrentLanguageModel, device: str) -> None:
        lay_out(network)
        self.device = device
        tokens, state = self._probe(network)
        self._step = self._traced(network, tokens, state) if device == "cpu" else _Step(network).eval()
        with torch.inference_mode():
            self.tile: Tile = measure_tile(self._step, tokens, state)

    def _probe(self, network: RecurrentLanguageModel) -> tuple[Tensor, Tensor]:
        noise = torch.Generator().manual_seed(0)
        tokens = torch.randint(network.vocab_size, (PROBED_ROWS,), generator=noise)
        state = 0.1 * torch.randn(PROBED_ROWS, network.state_size, generator=noise)
        return tokens.to(self.device), state.to(self.device)

    def _traced(self, network: RecurrentLanguageModel, tokens: Tensor, state: Tensor) -> nn.Module:
        """On a CPU the interpreter costs as much as the arithmetic: a traced, frozen graph about halves the time of one row."""
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the successor, torch.compile, needs a compiler and 13 s to gain nothing here
            traced = torch.jit.freeze(torch.jit.trace(_Step(network).eval(), (tokens, state), check_trace=False))
            for rows in (PROBED_ROWS, 4, 1, PROBED_ROWS):
                for _ in range(WARM_CALLS):
                    traced(tokens[:rows], state[:rows])
        return traced

    @torch.inference_mode()
    def __call__(self, tokens_B: Tensor, state_BS: Tensor) -> tuple[Tensor, Tensor]:
        """``logits_BV`` and the next state; B of any size, best a multiple of the tile."""
        logits, state = in_tiles(self._step, self.tile, tokens_B.to(self.device), state_BS)
        return logits, state
