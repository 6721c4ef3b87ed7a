"""Sampling of the next token of many texts at once, each with its own settings and its own random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from aigc_core import seeding

DRAWN_AT_ONCE = 64
HEAD = 512
"""So many of the likeliest tokens are ranked first: finding them costs a tenth of ranking a large vocabulary."""


@dataclass(frozen=True, kw_only=True)
class SamplerSettings:
    """How one text is sampled.

    ``top_p`` keeps the smallest set of tokens with that much probability (Holtzman et al. 2020, arXiv 1904.09751); ``min_p`` the tokens with at
    least that part of the likeliest one's (Nguyen et al. 2024, arXiv 2407.01082). ``repetition`` is taken from a token's logit for each time it
    has been written, fading with a half-life of ``half_life`` tokens. ``banned`` tokens are never written; to the logits of ``favoured`` ones
    ``favour`` is added.
    """

    temperature: float = 0.8
    top_k: int | None = None
    top_p: float = 0.95
    min_p: float = 0.0
    repetition: float = 0.0
    half_life: int = 64
    banned: frozenset[int] = frozenset()
    favour: float = 0.0
    favoured: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if not 0.0 <= self.temperature <= 5.0:
            raise ValueError(f"a temperature lies between 0 and 5, not {self.temperature}")
        if not 0.0 < self.top_p <= 1.0:
            raise ValueError(f"top_p lies between 0 (not included) and 1, not {self.top_p}")
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"top_k is at least 1, not {self.top_k}")
        if not 0.0 <= self.min_p < 1.0:
            raise ValueError(f"min_p lies between 0 and 1 (not included), not {self.min_p}")
        if not 0.0 <= self.repetition <= 10.0 or self.half_life < 1:
            raise ValueError(f"repetition lies between 0 and 10 and half_life is at least 1, not {self.repetition} and {self.half_life}")


class SamplerRows:
    """The settings of a batch as columns, built when the batch changes and used at every token."""

    def __init__(self, settings: Sequence[SamplerSettings], vocab_size: int) -> None:
        self.greedy_B1 = _column([s.temperature == 0.0 for s in settings])
        self.temperature_B1 = _column([s.temperature or 1.0 for s in settings])
        self.top_p_B1 = _column([s.top_p for s in settings])
        self.top_k_B1 = _column([s.top_k or vocab_size for s in settings])
        self.min_p_B1 = _column([s.min_p for s in settings])
        self.repetition_B1 = _column([s.repetition for s in settings])
        self.fade_B1 = _column([0.5 ** (1 / s.half_life) for s in settings])
        self.repeats = any(s.repetition for s in settings)
        self.banned_BV: Tensor | None = None
        if any(s.banned for s in settings):
            self.banned_BV = torch.zeros(len(settings), vocab_size, dtype=torch.bool)
            for row, one in enumerate(settings):
                self.banned_BV[row, list(one.banned)] = True
        self.favour_BV: Tensor | None = None
        if any(s.favour and s.favoured for s in settings):
            self.favour_BV = torch.zeros(len(settings), vocab_size)
            for row, one in enumerate(settings):
                self.favour_BV[row, list(one.favoured)] = one.favour


class Uniforms:
    """Uniform numbers in [0, 1) that belong to a seed; drawn ahead, because a call costs more than a number."""

    def __init__(self, seed: int) -> None:
        self._generator = seeding.generator(seed)
        self._drawn: list[float] = []

    def next(self) -> float:
        """The next number."""
        if not self._drawn:
            self._drawn = torch.rand(DRAWN_AT_ONCE, generator=self._generator, dtype=torch.float64).tolist()[::-1]
        return self._drawn.pop()


class Recency:
    """How recently and how often each text has written each token: ``weights_BV`` gain 1 at a token and fade with the text's half-life."""

    def __init__(self, weights_BV: Tensor) -> None:
        self.weights_BV = weights_BV

    @classmethod
    def none(cls, num_texts: int, vocab_size: int) -> Recency:
        """Of texts that have written nothing."""
        return cls(torch.zeros(num_texts, vocab_size))

    def note(self, tokens_B: Tensor, rows: SamplerRows, written_B: Tensor) -> None:
        """Take down what was written; ``written_B`` is false where a token was only read."""
        if rows.repeats:
            self.weights_BV = torch.where(written_B[:, None], self.weights_BV * rows.fade_B1, self.weights_BV)
            self.weights_BV.scatter_add_(1, tokens_B[:, None], written_B[:, None].float())


def ranked_probabilities(
    logits_BV: Tensor, rows: SamplerRows, recency: Recency | None = None, allowed_BV: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The distributions that are sampled from, likeliest token first (not normalised), and the tokens in that order.

    At temperature 0 all of a distribution is on its likeliest token. ``allowed_BV`` leaves only some tokens, before anything is ranked.
    """
    if rows.repeats and recency is not None:
        logits_BV = logits_BV - rows.repetition_B1 * recency.weights_BV
    if rows.favour_BV is not None:
        logits_BV = logits_BV + rows.favour_BV
    if rows.banned_BV is not None:
        logits_BV = logits_BV.masked_fill(rows.banned_BV, -torch.inf)
    if allowed_BV is not None:
        logits_BV = logits_BV.masked_fill(~allowed_BV, -torch.inf)
    p_BV = torch.softmax(logits_BV / rows.temperature_B1, dim=1)
    if p_BV.shape[1] > 2 * HEAD:
        head_BV = p_BV.topk(HEAD, dim=1).indices.sort(dim=1).values  # in the order of their numbers, so that equals come as in a full ranking
        ranked_BV, places_BV = p_BV.gather(1, head_BV).sort(dim=1, descending=True, stable=True)
        kept_BV, complete = _kept(ranked_BV, rows)
        if complete:
            return kept_BV, head_BV.gather(1, places_BV)
    ranked_BV, tokens_BV = p_BV.sort(dim=1, descending=True, stable=True)
    return _kept(ranked_BV, rows)[0], tokens_BV


def _kept(ranked_BV: Tensor, rows: SamplerRows) -> tuple[Tensor, bool]:
    """The probabilities, likeliest first, of which those that are not sampled from are 0; and whether all that are have columns, their equals too."""
    before_BV = ranked_BV.cumsum(1) - ranked_BV
    rank_V = torch.arange(ranked_BV.shape[1])
    # A token is kept while the probability before it is less than top_p, so the first always is.
    keep = (before_BV < rows.top_p_B1) & (rank_V < rows.top_k_B1) & (~rows.greedy_B1 | (rank_V == 0))
    keep &= ranked_BV >= rows.min_p_B1 * ranked_BV[:, :1]
    kept_BV = torch.where(keep, ranked_BV, 0.0)
    least_B = kept_BV.masked_fill(~keep, torch.inf).amin(1)
    return kept_BV, bool((least_B > ranked_BV[:, -1]).all())


@torch.inference_mode()
def sample(
    logits_BV: Tensor, rows: SamplerRows, uniforms: Sequence[float], recency: Recency | None = None, allowed_BV: Tensor | None = None
) -> Tensor:
    """``tokens_B``: one draw per row by inverse-transform sampling, on the CPU whatever the device.

    Every operation works within its row, so a row's token does not depend on the others.
    """
    ranked_BV, tokens_BV = ranked_probabilities(logits_BV.float().cpu(), rows, recency, allowed_BV)
    cumulative_BV = ranked_BV.double().cumsum(1)
    threshold_B1 = torch.tensor(uniforms, dtype=torch.float64).unsqueeze(1) * cumulative_BV[:, -1:]
    place_B1 = torch.searchsorted(cumulative_BV, threshold_B1, right=True).clamp(max=tokens_BV.shape[1] - 1)
    return tokens_BV.gather(1, place_B1).squeeze(1)


def _column(values: Sequence[float | bool]) -> Tensor:
    return torch.tensor(values).unsqueeze(1)
