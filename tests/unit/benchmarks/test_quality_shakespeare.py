"""Published budgets are what they are said to be, and the loss of windows is that of windows."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from aigc_core.rnn.cells import build_language_model
from aigc_core.rnn.hawk import Hawk, HawkConfig
from benchmarks.quality_shakespeare import budgets, window_nats


def test_the_budget_of_nanogpt_is_kept() -> None:
    """2,000 steps of 12 x 64 characters, and no cell that is much larger than its 0.8 M parameters."""
    budget = budgets(65)["nanogpt"]
    assert budget.steps * budget.recipe.batch * budget.recipe.window == 1_536_000
    sizes = {name: sum(p.numel() for p in build_language_model(config).parameters()) for name, config in budget.cells.items()}
    assert all(600_000 < size < 1_200_000 for size in sizes.values()), sizes


def test_every_window_starts_from_nothing() -> None:
    """On a text of one repeated window the loss is that window's own, from an empty state."""
    torch.manual_seed(0)
    model = Hawk(HawkConfig(vocab_size=5, width=8, num_layers=1)).eval()
    tokens = torch.full((200,), 3)
    with torch.no_grad():
        logits, _ = model(tokens[None, :16], model.initial_state(1))
        expected = F.cross_entropy(logits[0], tokens[1:17]).item()
    assert window_nats(model, tokens, 16, "cpu") == pytest.approx(expected, rel=1e-5)
