"""Dynamic evaluation: a model that goes on learning from the text that it reads (Krause et al. 2018, arXiv 1709.07432).

After each segment the weights are drawn back to where they began and take a step down its gradient, scaled by what gradients were in training
(their RMS rule with a decay towards the first weights). What is learned is of this text alone; the model that was given stays as it was.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from aigc_core.rnn.language_model import RecurrentLanguageModel

STATISTICS_SEGMENTS = 200
DAMPING = 0.3
"""Of the mean gradient: weights that training hardly moved, as those of rare characters, would otherwise take steps without bounds."""


@dataclass(frozen=True, kw_only=True)
class DynamicRule:
    """``rate`` of a step, ``decay`` of the way back, ``segment`` tokens between steps.

    The usual rate was chosen on the first 16,000 characters of bard's validation text.
    """

    rate: float = 3e-4
    decay: float = 2e-3
    segment: int = 64


def dynamic_nats(model: RecurrentLanguageModel, train_N: Tensor, tokens_N: Tensor, rule: DynamicRule | None = None) -> float:
    """Nats per token of ``tokens_N`` read once, learning as it goes; each token is predicted before it is learned from.

    Raises:
        FloatingPointError: the steps were too large.
    """
    rule = rule or DynamicRule()
    learner = copy.deepcopy(model).eval()
    weights = list(learner.parameters())
    first = [weight.detach().clone() for weight in weights]
    norms = _gradient_norms(learner, train_N, rule.segment)
    mean = sum(norm.sum() for norm in norms) / sum(norm.numel() for norm in norms)
    pull = [(rule.decay * norm / mean).clamp(max=1.0) for norm in norms]  # weights that matter more are drawn back more
    total = 0.0
    for loss, count in _losses(learner, tokens_N, rule.segment):
        if not torch.isfinite(loss):
            raise FloatingPointError(f"the weights came apart at a rate of {rule.rate:g}: take a smaller one")
        total += loss.item() * count
        gradients = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            for weight, gradient, norm, back, start in zip(weights, gradients, norms, pull, first, strict=True):
                weight += back * (start - weight) - rule.rate * gradient / (norm + DAMPING * mean)
    return total / max(1, len(tokens_N) - 1)


def _gradient_norms(model: RecurrentLanguageModel, train_N: Tensor, segment: int) -> list[Tensor]:
    """Root mean square of each weight's gradient over the first segments of the training text."""
    weights = list(model.parameters())
    squares = [torch.zeros_like(weight) for weight in weights]
    count = 0
    for loss, _ in _losses(model, train_N[: STATISTICS_SEGMENTS * segment + 1], segment):
        for square, gradient in zip(squares, torch.autograd.grad(loss, weights), strict=True):
            square += gradient.square()
        count += 1
    return [(square / max(1, count)).sqrt() for square in squares]


def _losses(model: RecurrentLanguageModel, tokens_N: Tensor, segment: int) -> Iterator[tuple[Tensor, int]]:
    """Mean loss of each segment, with the state carried and cut off from the graph, and its number of tokens."""
    state = model.initial_state(1)
    for start in range(0, len(tokens_N) - 1, segment):
        piece = tokens_N[start : start + segment + 1]
        logits_BTV, state = model(piece[None, :-1], state)
        state = state.detach()
        yield F.cross_entropy(logits_BTV[0], piece[1:]), len(piece) - 1
