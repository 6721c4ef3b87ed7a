"""State tuning: a manner of writing is learned as the state from which a model begins, and as nothing else.

The weights stay; what is trained, and kept, is one row of numbers: kilobytes. After RWKV's state tuning and prefix tuning (Li & Liang 2021,
arXiv 2101.00190): the state of a recurrent network is all that a prefix, however long, can leave behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from aigc_core.checkpoint import Checkpoint
from aigc_core.config import to_dict
from aigc_core.data.corpus import Document, split_documents
from aigc_core.serving import TextModel
from aigc_core.training.budget import cosine

START_WEIGHTS = "start"
PREVIEW_CHARACTERS = 600
EVALUATED_ROWS = 64


@dataclass(frozen=True, kw_only=True)
class PersonaRecipe:
    """Adam on the state alone. Texts are read in pieces of ``window`` tokens, each from the state on."""

    batch: int = 8
    window: int = 96
    lr: tuple[float, float] = (0.03, 0.003)


class PersonaTrainer:
    """Learns the state ``(1, S)`` from which ``base`` writes as the documents are written. Loss: nats per token."""

    def __init__(self, base: TextModel, documents: Sequence[Document], recipe: PersonaRecipe, card: dict[str, Any], device: str) -> None:
        self.base, self.recipe, self.card, self.device = base, recipe, card, device
        self.network = base.network.requires_grad_(False)
        self.head = base.opening.open("", PREVIEW_CHARACTERS, continues=False).tokens
        train, held = split_documents(documents)
        self.train_NT, self.held_NT = self._rows(train), self._rows(held)
        self.rng = torch.Generator().manual_seed(0)
        self.start_1S = torch.zeros(1, self.network.state_size, device=device, requires_grad=True)
        self.optimiser = torch.optim.Adam([self.start_1S], lr=recipe.lr[0])

    def _rows(self, documents: Sequence[Document]) -> Tensor:
        """``(N, head + window)``: every piece of the texts behind the model's own head; -1 behind a text's end."""
        pieces = []
        for document in documents:
            tokens = self.base.tokenizer.encode(document.text)
            pieces += [tokens[start : start + self.recipe.window] for start in range(0, len(tokens), self.recipe.window)]
        rows = torch.full((max(1, len(pieces)), len(self.head) + self.recipe.window), -1)
        for row, piece in zip(rows, pieces, strict=False):
            row[: len(self.head) + len(piece)] = torch.tensor([*self.head, *piece])
        return rows

    def step(self, fraction: float) -> dict[str, float]:
        self.optimiser.param_groups[0]["lr"] = cosine(*self.recipe.lr, fraction)
        rows = self.train_NT[torch.randint(len(self.train_NT), (self.recipe.batch,), generator=self.rng)]
        loss = self._nats(rows, self.start_1S)
        self.optimiser.zero_grad(set_to_none=True)
        if torch.isfinite(loss):
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimiser.step()
        return {"nats": loss.item()}

    def _nats(self, rows_BT: Tensor, start_1S: Tensor) -> Tensor:
        """Nats per token of the texts, not of their heads."""
        inputs, targets = rows_BT[:, :-1].clamp(min=0).to(self.device), rows_BT[:, 1:].clone().to(self.device)
        targets[:, : len(self.head) - 1] = -1
        logits_BTV, _ = self.network(inputs, start_1S.expand(len(inputs), -1).contiguous())
        return F.cross_entropy(logits_BTV.flatten(0, 1), targets.flatten(), ignore_index=-1)

    @torch.no_grad()
    def evaluate(self) -> dict[str, Any]:
        """Nats per token of texts that were kept out, and what they were before any training."""
        rows = self.held_NT[:EVALUATED_ROWS]
        blank = torch.zeros_like(self.start_1S)
        return {"validation_nats": self._nats(rows, self.start_1S).item(), "validation_nats_of_base": self._nats(rows, blank).item()}

    def preview(self, folder: Path) -> Path:
        model, path = self.model(), folder / "sample.txt"
        path.write_text(model.write("", PREVIEW_CHARACTERS, model.settings(0.8), seed=1), encoding="utf-8")
        return path

    def model(self) -> TextModel:
        """The base as it writes from the state."""
        base = self.base
        parts = (base.network, base.tokenizer, self.card, self.device, base.opening, base.writing)
        return TextModel(*parts, start_1S=self.start_1S.detach().clone(), fewest_lines=base.fewest_lines)

    def state(self) -> dict[str, Any]:
        return {"start": self.start_1S.detach(), "optimiser": self.optimiser.state_dict(), "rng": self.rng.get_state()}

    def load_state(self, state: dict[str, Any]) -> None:
        with torch.no_grad():
            self.start_1S.copy_(state["start"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.rng.set_state(state["rng"])

    def checkpoint(self) -> Checkpoint:
        base = self.base.card
        config = {"family": "rnn", "base": {"name": base["name"], "version": base["version"]}}
        card = {**self.card, "training": {**self.card.get("training", {}), "recipe": to_dict(self.recipe)}}
        return Checkpoint(config=config, card=card, weights={START_WEIGHTS: self.start_1S.detach()})
