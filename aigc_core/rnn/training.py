"""Training of a recurrent language model on one text, by truncated backpropagation through time over parallel streams."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aigc_core.checkpoint import Checkpoint
from aigc_core.config import to_dict
from aigc_core.data.shakespeare import Corpus
from aigc_core.rnn.hawk import Hawk, HawkConfig
from aigc_core.rnn.language_model import RecurrentLanguageModel
from aigc_core.rnn.lstm import Lstm, LstmConfig
from aigc_core.rnn.sampling import SamplerRows, SamplerSettings, Uniforms, sample
from aigc_core.training.budget import cosine
from aigc_core.training.ema import Ema

WARMUP_FRACTION = 0.02
PREVIEW_LENGTH = 300


@dataclass(frozen=True, kw_only=True)
class TextRecipe:
    """How a recurrent language model is trained (AdamW; cosine after a warm-up)."""

    batch: int = 16
    window: int = 128
    lr: tuple[float, float] = (3e-3, 1e-4)
    weight_decay: float = 0.1
    dropout: float = 0.1
    clip: float = 1.0
    reset_probability: float = 0.1
    """Share of streams that forget their state at a window's start, so that texts also begin from nothing."""


def build_language_model(config: HawkConfig | LstmConfig, dropout: float = 0.0) -> RecurrentLanguageModel:
    """The network that a configuration describes."""
    return Hawk(config, dropout) if isinstance(config, HawkConfig) else Lstm(config, dropout)


class TextTrainer:
    """Cross-entropy per character in nats; state is carried from window to window of each stream."""

    def __init__(self, config: HawkConfig | LstmConfig, recipe: TextRecipe, corpus: Corpus, card: dict[str, Any], device: str) -> None:
        self.config, self.recipe, self.corpus, self.card, self.device = config, recipe, corpus, card, device
        self.rng = torch.Generator().manual_seed(0)
        self.model = build_language_model(config, recipe.dropout).to(device)
        self.ema = Ema(self.model, half_life=50 * recipe.batch)
        self.optimiser = torch.optim.AdamW(_parameter_groups(self.model, recipe.weight_decay), lr=recipe.lr[0], betas=(0.9, 0.99))
        self.position_B = torch.randint(len(corpus.train_N), (recipe.batch,), generator=self.rng)
        self.state_BS = self.model.initial_state(recipe.batch, device)

    def step(self, fraction: float) -> dict[str, float]:
        recipe = self.recipe
        warm = min(1.0, fraction / WARMUP_FRACTION) if fraction > 0 else 1e-2
        for group in self.optimiser.param_groups:
            group["lr"] = warm * cosine(*recipe.lr, fraction)
        tokens = self._window().to(self.device)
        reset = torch.rand(recipe.batch, 1, generator=self.rng) < recipe.reset_probability
        state = self.state_BS.masked_fill(reset.to(self.device), 0.0)
        self.model.train()
        logits_BTV, state = self.model(tokens[:, :-1], state)
        loss = F.cross_entropy(logits_BTV.flatten(0, 1), tokens[:, 1:].flatten())
        if torch.isfinite(loss):
            self.state_BS = state.detach()
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), recipe.clip)
            self.optimiser.step()
            self.ema.update(self.model, recipe.batch)
        return {"nats": loss.item()}

    def _window(self) -> Tensor:
        """The next ``window + 1`` characters of each stream; the text is a ring."""
        offsets = self.position_B[:, None] + torch.arange(self.recipe.window + 1)
        self.position_B = (self.position_B + self.recipe.window) % len(self.corpus.train_N)
        return self.corpus.train_N[offsets % len(self.corpus.train_N)]

    def evaluate(self) -> dict[str, Any]:
        """Nats per character of the whole validation text, read once from its start with the state carried."""
        nats = validation_nats(self.ema.module, self.corpus.validation_N, self.device)
        return {"validation_nats": nats, "bits_per_character": nats / math.log(2)}

    def preview(self, folder: Path) -> Path:
        text = sample_text(self.ema.module, self.corpus.alphabet, "\n", PREVIEW_LENGTH, SamplerSettings(), seed=1, device=self.device)
        path = folder / "sample.txt"
        path.write_text(text, encoding="utf-8")
        return path

    def state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "ema": self.ema.module.state_dict(),
            "seen": self.ema.num_seen,
            "optimiser": self.optimiser.state_dict(),
            "rng": self.rng.get_state(),
            "position": self.position_B,
            "stream": self.state_BS,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.ema.module.load_state_dict(state["ema"])
        self.ema.num_seen = state["seen"]
        self.optimiser.load_state_dict(state["optimiser"])
        self.rng.set_state(state["rng"])
        self.position_B, self.state_BS = state["position"], state["stream"].to(self.device)

    def checkpoint(self) -> Checkpoint:
        cell = "hawk" if isinstance(self.config, HawkConfig) else "lstm"
        config = {"family": "rnn", "cell": cell, "network": to_dict(self.config), "alphabet": self.corpus.alphabet}
        seen = self.ema.num_seen * self.recipe.window
        card = {**self.card, "training": {**self.card.get("training", {}), "recipe": to_dict(self.recipe), "characters_seen": seen}}
        return Checkpoint(config=config, card=card, weights=self.ema.module.state_dict())


def _parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay on matrices only: not on biases, norms, embeddings or the decay of the recurrence."""
    matrices = [p for name, p in model.named_parameters() if p.ndim >= 2 and "embedding" not in name]
    others = [p for name, p in model.named_parameters() if p.ndim < 2 or "embedding" in name]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


@torch.no_grad()
def validation_nats(model: RecurrentLanguageModel, tokens_N: Tensor, device: str, window: int = 1024) -> float:
    """Mean negative log-likelihood per token of a text, in nats, with the state carried over all of it."""
    model.eval()
    state = model.initial_state(1, device)
    total = 0.0
    for start in range(0, len(tokens_N) - 1, window):
        piece = tokens_N[start : start + window + 1].to(device)
        logits_BTV, state = model(piece[None, :-1], state)
        total += F.cross_entropy(logits_BTV[0], piece[1:], reduction="sum").item()
    return total / (len(tokens_N) - 1)


@torch.no_grad()
def sample_text(model: RecurrentLanguageModel, alphabet: str, prompt: str, length: int, settings: SamplerSettings, seed: int, device: str) -> str:
    """``length`` characters that follow ``prompt``."""
    model.eval()
    rows, uniforms = SamplerRows([settings], len(alphabet)), Uniforms(seed)
    tokens = torch.tensor([[alphabet.index(c) for c in prompt]], device=device)
    logits_BTV, state = model(tokens, model.initial_state(1, device))
    logits_BV, text = logits_BTV[:, -1], []
    for _ in range(length):
        token = sample(logits_BV, rows, [uniforms.next()])
        text.append(alphabet[int(token)])
        logits_BV, state = model.step(token.to(device), state)
    return "".join(text)
