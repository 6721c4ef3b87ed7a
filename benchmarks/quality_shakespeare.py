"""tiny-shakespeare at published budgets: the loss of our cells beside nanoGPT's and minGRU's figures.

``--budget nanogpt``: 2,000 steps of 12 windows of 64 characters (1.54 M), which take nanoGPT's CPU recipe (0.8 M parameters) to 1.88.
``--budget mingru``: 3 layers of width 384, dropout 0.2, batch 64, windows of 256, the best of the looks; published (Feng et al. 2024, arXiv
2410.01201, section 4.2): minGRU 1.548, minLSTM 1.555, Mamba 1.575, transformer 1.547. Validation is the last tenth: random windows of the training's
length from an empty state, as theirs, and the whole of it with the state carried. Prints a JSON object on the last line.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from aigc_core.data.shakespeare import load_shakespeare
from aigc_core.rnn.cells import CellConfig, cell_name
from aigc_core.rnn.hawk import HawkConfig
from aigc_core.rnn.language_model import RecurrentLanguageModel
from aigc_core.rnn.lstm import LstmConfig
from aigc_core.rnn.min_gru import MinGruConfig
from aigc_core.rnn.training import TextRecipe, TextTrainer, validation_nats

NUM_WINDOWS = 400


@dataclass(frozen=True, kw_only=True)
class BudgetOfOthers:
    """What somebody has published a figure for."""

    steps: int
    recipe: TextRecipe
    cells: dict[str, CellConfig]


def budgets(vocab_size: int) -> dict[str, BudgetOfOthers]:
    """The published budgets, each with the cells that are measured at it."""
    small = TextRecipe(batch=12, window=64, lr=(6e-3, 1e-4), dropout=0.0, reset_probability=0.2)
    large = TextRecipe(batch=64, window=256, lr=(1e-3, 1e-4), dropout=0.2, reset_probability=0.2)
    return {
        "nanogpt": BudgetOfOthers(
            steps=2000, recipe=small,
            cells={
                "hawk": HawkConfig(vocab_size=vocab_size, width=128, num_layers=4),
                "lstm": LstmConfig(vocab_size=vocab_size, width=256, num_layers=2),
                "min-gru": MinGruConfig(vocab_size=vocab_size, width=128, num_layers=4, mlp_factor=2.0),
            },
        ),
        "mingru": BudgetOfOthers(
            steps=800, recipe=large,
            cells={
                "min-gru": MinGruConfig(vocab_size=vocab_size),
                "hawk": HawkConfig(vocab_size=vocab_size, width=384, num_layers=3, recurrent_factor=2.0),
            },
        ),
    }  # fmt: skip


@torch.no_grad()
def window_nats(model: RecurrentLanguageModel, tokens_N: Tensor, window: int, device: str) -> float:
    """Mean loss of ``NUM_WINDOWS`` random windows, each from an empty state."""
    model.eval()
    starts = torch.randint(len(tokens_N) - window - 1, (NUM_WINDOWS,), generator=torch.Generator().manual_seed(0))
    total = 0.0
    for part in starts.split(50):
        rows = tokens_N[part[:, None] + torch.arange(window + 1)].to(device)
        logits, _ = model(rows[:, :-1], model.initial_state(len(rows), device))
        total += F.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten(), reduction="sum").item()
    return total / (NUM_WINDOWS * window)


def main() -> None:
    """Train at the budget and print the losses."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", choices=("nanogpt", "mingru"), default="nanogpt")
    parser.add_argument("--cell", choices=("hawk", "lstm", "min-gru"), default="hawk")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--width", type=int, default=None, help="a narrower network than the budget's")
    parser.add_argument("--lr", type=float, default=None, help="the learning rate to begin with")
    parser.add_argument("--reset", type=float, default=None, help="share of windows that begin from an empty state in training")
    parser.add_argument("--steps", type=int, default=None, help="fewer steps than the budget's")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    corpus = load_shakespeare()
    budget = budgets(corpus.tokenizer.vocab_size)[arguments.budget]
    if arguments.cell not in budget.cells:
        parser.error(f"at this budget there are {', '.join(budget.cells)}")
    torch.manual_seed(arguments.seed)
    config = budget.cells[arguments.cell] if arguments.width is None else replace(budget.cells[arguments.cell], width=arguments.width)
    recipe = budget.recipe if arguments.reset is None else replace(budget.recipe, reset_probability=arguments.reset)
    recipe = recipe if arguments.lr is None else replace(recipe, lr=(arguments.lr, recipe.lr[1]))
    trainer = TextTrainer(config, recipe, corpus, {}, arguments.device)
    steps, started, best = arguments.steps or budget.steps, time.monotonic(), float("inf")
    for step in range(1, steps + 1):
        losses = trainer.step(step / steps)
        if step % max(1, steps // 20) == 0 or step == steps:
            best = min(best, window_nats(trainer.ema.module, corpus.validation_N, budget.recipe.window, arguments.device))
            print(f"step {step}: training {losses['nats']:.3f}, validation {best:.4f}", file=sys.stderr)
    carried = validation_nats(trainer.ema.module, corpus.validation_N, arguments.device)
    print(
        json.dumps(
            {
                "benchmark": "quality_shakespeare", "budget": arguments.budget, "cell": cell_name(trainer.config),
                "seed": arguments.seed, "width": config.width, "lr": recipe.lr[0], "reset": recipe.reset_probability,
                "steps": steps,
                "tokens": steps * budget.recipe.batch * budget.recipe.window, "parameters": sum(p.numel() for p in trainer.model.parameters()),
                "validation_nats": round(best, 4), "validation_nats_state_carried": round(carried, 4), "device": arguments.device,
                "minutes": round((time.monotonic() - started) / 60, 1),
            }
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
