"""Training of a recurrent language model on one text, by truncated backpropagation through time over parallel streams."""

from __future__ import annotations

import copy
import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aigc_core.checkpoint import Checkpoint
from aigc_core.config import to_dict
from aigc_core.data.corpus import Corpus
from aigc_core.data.sources import DataError
from aigc_core.rnn.cells import CellConfig, build_language_model, cell_name
from aigc_core.rnn.copies import longest_copied_span
from aigc_core.rnn.language_model import RecurrentLanguageModel
from aigc_core.rnn.openings import read_opening
from aigc_core.rnn.sampling import SamplerRows, SamplerSettings, Uniforms, sample
from aigc_core.rnn.tokenizer import Tokenizer
from aigc_core.training.budget import cosine
from aigc_core.training.ema import Ema
from aigc_core.training.precision import fast_products

WARMUP_FRACTION = 0.02
PREVIEW_TOKENS, PREVIEW_CHARACTERS = 300, 600
MOST_VALIDATION_TOKENS = 120_000
"""So many of the validation tokens are read at each look; ``aigc evaluate`` reads all."""
MOST_COPIED = 250
"""So many characters in a row that stand in the texts word for word are a copy: a long sentence that everybody knows is shorter."""
PATIENCE = 6
"""Looks without a better validation loss before a training ends by itself."""


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
    keep_best: bool = False
    """Whether the weights of the best look are kept, and the training ends when none has been better for long: for small corpora."""


class TextTrainer:
    """Cross-entropy per character in nats; state is carried from window to window of each stream."""

    def __init__(self, config: CellConfig, recipe: TextRecipe, corpus: Corpus, card: dict[str, Any], device: str) -> None:
        self.config, self.recipe, self.corpus, self.card, self.device = config, recipe, corpus, card, device
        self.rng = torch.Generator().manual_seed(0)
        self.model = build_language_model(config, recipe.dropout).to(device)
        self.ema = Ema(self.model, half_life=50 * recipe.batch)
        self.optimiser = torch.optim.AdamW(_parameter_groups(self.model, recipe.weight_decay), lr=recipe.lr[0], betas=(0.9, 0.99))
        self.best_nats, self.best_weights, self.best_seen, self.looks_since, self.copied = math.inf, dict[str, Tensor](), 0, 0, 0
        self.position_B = torch.randint(len(corpus.train_N), (recipe.batch,), generator=self.rng)
        self.state_BS = self.model.initial_state(recipe.batch, device)

    def take_over(self, weights: dict[str, Tensor]) -> None:
        """Start from these weights."""
        self.model.load_state_dict(weights)
        self.ema.module.load_state_dict(weights)

    def step(self, fraction: float) -> dict[str, float]:
        recipe = self.recipe
        warm = min(1.0, fraction / WARMUP_FRACTION) if fraction > 0 else 1e-2
        for group in self.optimiser.param_groups:
            group["lr"] = warm * cosine(*recipe.lr, fraction)
        tokens = self._window().to(self.device)
        reset = torch.rand(recipe.batch, 1, generator=self.rng) < recipe.reset_probability
        state = self.state_BS.masked_fill(reset.to(self.device), 0.0)
        self.model.train()
        with fast_products(self.device):
            logits_BTV, state = self.model(tokens[:, :-1], state)
        loss = F.cross_entropy(logits_BTV.float().flatten(0, 1), tokens[:, 1:].flatten())
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
        """Nats per token of the validation text, read once from its start with the state carried, and bits per byte of as much of it."""
        tokens, counted = self.corpus.validation_N[:MOST_VALIDATION_TOKENS], self.corpus.counted_N
        nats = validation_nats(self.ema.module, tokens, self.device, counted)
        if nats < self.best_nats and self.recipe.keep_best:
            self.best_weights = {name: weights.clone() for name, weights in self.ema.module.state_dict().items()}
            self.best_seen = self.ema.num_seen
        self.looks_since = 0 if nats < self.best_nats else self.looks_since + 1
        self.best_nats = min(self.best_nats, nats)
        found = {"validation_nats": min(nats, self.best_nats) if self.recipe.keep_best else nats, "n_validation_nats": len(tokens) - 1}
        num_words = len(self.corpus.validation_N) if counted is None else int(counted.sum())
        bytes_per_token = self.corpus.validation_bytes / max(1, num_words)
        found |= {"bits_per_byte": found["validation_nats"] / math.log(2) / bytes_per_token, "n_bits_per_byte": len(tokens) - 1}
        if self.recipe.keep_best and self.corpus.train_text:
            self.copied = len(longest_copied_span(self._sample(), self.corpus.train_text))
            found["copied_characters"] = self.copied
        return found

    def verdict(self) -> str | None:
        """Why a training on a small corpus should end: nothing is learned any more but its own words."""
        if self.copied > MOST_COPIED:
            return f"The model writes its texts by heart: {self.copied} characters word for word. Add more texts, or train for a shorter time"
        if self.recipe.keep_best and self.looks_since >= PATIENCE:
            return "The text that was kept out is not met any better: what is learned now is only the texts by heart. The best model is kept"
        return None

    def preview(self, folder: Path) -> Path:
        path = folder / "sample.txt"
        path.write_text(self._sample(), encoding="utf-8")
        return path

    def _sample(self) -> str:
        """A text of the weights that are kept."""
        tokenizer, model = self.corpus.tokenizer, self.ema.module
        if self.best_weights:
            model = copy.deepcopy(model)
            model.load_state_dict(self.best_weights)
        first = read_opening(self.corpus.opening, tokenizer).open("", PREVIEW_CHARACTERS, continues=False).tokens
        settings = SamplerSettings(banned=frozenset(token for token in range(tokenizer.vocab_size) if not tokenizer.piece(token)))
        return sample_text(model, tokenizer, first, PREVIEW_TOKENS, settings, seed=1, device=self.device)

    def state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "ema": self.ema.module.state_dict(),
            "seen": self.ema.num_seen,
            "optimiser": self.optimiser.state_dict(),
            "rng": self.rng.get_state(),
            "best": {
                "nats": self.best_nats if math.isfinite(self.best_nats) else None,
                "weights": self.best_weights,
                "seen": self.best_seen,
                "since": self.looks_since,
            },
            "tokenizer": self._reads(),
            "position": self.position_B,
            "stream": self.state_BS,
        }

    def _reads(self) -> str:
        """What tells one tokenizer from another."""
        return hashlib.sha256(json.dumps(self.corpus.tokenizer.config()).encode()).hexdigest()

    def load_state(self, state: dict[str, Any]) -> None:
        """Take up a record.

        Raises:
            DataError: it was made with other texts, whose parts of words are others.
        """
        if state.get("tokenizer", self._reads()) != self._reads():
            raise DataError("the texts have changed since this training began; start it anew, or start a new one from its model (--from)")
        self.model.load_state_dict(state["model"])
        self.ema.module.load_state_dict(state["ema"])
        self.ema.num_seen = state["seen"]
        self.optimiser.load_state_dict(state["optimiser"])
        self.rng.set_state(state["rng"])
        best = state.get("best", {"nats": None, "weights": {}, "seen": 0, "since": 0})  # records of before had none
        self.best_nats = math.inf if best["nats"] is None else best["nats"]
        self.best_weights, self.best_seen, self.looks_since = best["weights"], best["seen"], best["since"]
        self.position_B, self.state_BS = state["position"], state["stream"].to(self.device)

    def checkpoint(self) -> Checkpoint:
        config = {"family": "rnn", "cell": cell_name(self.config), "network": to_dict(self.config), **self.corpus.tokenizer.config()}
        config |= self.corpus.opening
        seen = self.ema.num_seen * self.recipe.window
        card = {**self.card, "training": {**self.card.get("training", {}), "recipe": to_dict(self.recipe), "tokens_seen": seen}}
        if self.best_weights:
            card["training"] |= {"tokens_seen": self.best_seen * self.recipe.window, "best_step": self.best_seen // self.recipe.batch}
        return Checkpoint(config=config, card=card, weights=self.best_weights or self.ema.module.state_dict())


def _parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay on matrices only: not on biases, norms, embeddings or the decay of the recurrence."""
    matrices = [p for name, p in model.named_parameters() if p.ndim >= 2 and "embedding" not in name]
    others = [p for name, p in model.named_parameters() if p.ndim < 2 or "embedding" in name]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


@torch.no_grad()
def validation_nats(model: RecurrentLanguageModel, tokens_N: Tensor, device: str, counted_N: Tensor | None = None, window: int = 1024) -> float:
    """Mean negative log-likelihood per token of a text, in nats, with the state carried over all of it; of the ``counted_N`` tokens alone."""
    model.eval()
    counted_N = torch.ones(len(tokens_N), dtype=torch.bool) if counted_N is None else counted_N[: len(tokens_N)]
    state = model.initial_state(1, device)
    total = 0.0
    for start in range(0, len(tokens_N) - 1, window):
        piece = tokens_N[start : start + window + 1].to(device)
        logits_BTV, state = model(piece[None, :-1], state)
        losses = F.cross_entropy(logits_BTV[0], piece[1:], reduction="none")
        total += losses[counted_N[start + 1 : start + len(piece)].to(device)].sum().item()
    return total / max(1, int(counted_N[1:].sum()))


@torch.no_grad()
def sample_text(
    model: RecurrentLanguageModel, tokenizer: Tokenizer, first: list[int], num_tokens: int, settings: SamplerSettings, seed: int, device: str
) -> str:
    """``num_tokens`` tokens that follow the tokens ``first``, as a text."""
    model.eval()
    rows, uniforms = SamplerRows([settings], tokenizer.vocab_size), Uniforms(seed)
    logits_BTV, state = model(torch.tensor([first], device=device), model.initial_state(1, device))
    logits_BV, pieces = logits_BTV[:, -1], []
    for _ in range(num_tokens):
        token = sample(logits_BV, rows, [uniforms.next()])
        pieces.append(tokenizer.piece(int(token)))
        logits_BV, state = model.step(token.to(device), state)
    return b"".join(pieces).decode("utf-8", "replace")
