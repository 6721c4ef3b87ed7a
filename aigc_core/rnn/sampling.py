"""Sampling of the next token, each text of a batch with its own settings and its own generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class SamplerSettings:
    """How one text is sampled. ``top_p`` keeps the smallest set of tokens with that much probability (Holtzman et al. 2020)."""

    temperature: float = 0.8
    top_k: int | None = None
    top_p: float = 0.95

    def __post_init__(self) -> None:
        if not 0.0 <= self.temperature <= 5.0:
            raise ValueError(f"a temperature lies between 0 and 5, not {self.temperature}")
        if not 0.0 < self.top_p <= 1.0:
            raise ValueError(f"top_p lies between 0 (not included) and 1, not {self.top_p}")
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"top_k is at least 1, not {self.top_k}")


def probabilities(logits_V: Tensor, settings: SamplerSettings) -> Tensor:
    """The distribution that is sampled from; at temperature 0 all of it is on the likeliest token."""
    if settings.temperature == 0.0:
        return torch.zeros_like(logits_V).index_fill_(0, logits_V.argmax(), 1.0)
    p = torch.softmax(logits_V / settings.temperature, dim=-1)
    ranked, order = p.sort(descending=True, stable=True)
    # A token is kept while the probability before it is less than top_p, so the first always is.
    keep = ranked.cumsum(0) - ranked < settings.top_p
    if settings.top_k is not None:
        keep[settings.top_k :] = False
    kept = torch.where(keep, ranked, 0.0)
    return torch.zeros_like(p).scatter_(0, order, kept / kept.sum())


def sample(logits_BV: Tensor, settings: Sequence[SamplerSettings], generators: Sequence[torch.Generator]) -> Tensor:
    """``tokens_B``: one draw per row. On the CPU, with one uniform number of each row's own generator, whatever the device."""
    rows = logits_BV.float().cpu()
    tokens = [_draw(probabilities(row, s), g) for row, s, g in zip(rows, settings, generators, strict=True)]
    return torch.tensor(tokens)


def _draw(p_V: Tensor, generator: torch.Generator) -> int:
    """Inverse-transform sampling in fp64: the first token whose cumulative probability exceeds the number drawn."""
    cumulative = p_V.double().cumsum(0)
    u = torch.rand((), generator=generator, dtype=torch.float64) * cumulative[-1]
    return int(torch.searchsorted(cumulative, u, right=True).clamp(max=len(p_V) - 1))
