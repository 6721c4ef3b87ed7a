"""What the trainers of all families do with an optimiser and with their state."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from aigc_core.training.ema import Ema


def set_rates(optimiser: torch.optim.Optimizer, *, lr: float, betas: tuple[float, float]) -> None:
    """Learning rate and moments of Adam for the next step."""
    for group in optimiser.param_groups:
        group["lr"], group["betas"] = lr, betas


def descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step, unless the loss is not finite: such a step is left out (and counted by the loop)."""
    if not torch.isfinite(loss):
        return
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()


def model_state(model: nn.Module, ema: Ema, optimiser: torch.optim.Optimizer, rng: torch.Generator) -> dict[str, Any]:
    """All that a resumed training of one model needs."""
    return {"model": model.state_dict(), "ema": ema.module.state_dict(), "seen": ema.num_seen,
            "optimiser": optimiser.state_dict(), "rng": rng.get_state()}  # fmt: skip


def load_model_state(state: dict[str, Any], model: nn.Module, ema: Ema, optimiser: torch.optim.Optimizer, rng: torch.Generator) -> None:
    """Take up what :func:`model_state` returned."""
    model.load_state_dict(state["model"])
    ema.module.load_state_dict(state["ema"])
    ema.num_seen = state["seen"]
    optimiser.load_state_dict(state["optimiser"])
    rng.set_state(state["rng"])
