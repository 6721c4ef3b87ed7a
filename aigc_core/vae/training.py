"""Training of the handwriting VAE: the evidence lower bound on digits, and marks drawn in the digits' hands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from aigc_core import images
from aigc_core.checkpoint import Checkpoint
from aigc_core.config import to_dict
from aigc_core.data.mnist import Digits
from aigc_core.training.budget import cosine
from aigc_core.training.ema import Ema
from aigc_core.training.steps import load_model_state, model_state
from aigc_core.vae.losses import bernoulli_reconstruction, gaussian_kl, reparameterise
from aigc_core.vae.marks import STROKES, draw_marks, measure_hand
from aigc_core.vae.model import HandwritingVae, VaeConfig

KL_WARMUP_FRACTION = 0.1


@dataclass(frozen=True, kw_only=True)
class VaeRecipe:
    """How the VAE is trained (AdamW, cosine; the KL's weight rises over the first tenth)."""

    batch: int = 128
    lr: tuple[float, float] = (2e-3, 2e-5)
    weight_decay: float = 1e-4
    clip: float = 200.0
    ema_half_life: float = 30_000.0
    beta: float = 2.0
    """Weight of the KL once warm (beta-VAE, Higgins et al. 2017): above 1 the hands drawn from the prior are cleaner, the bound is looser."""
    mark_share: float = 0.125
    """Marks drawn per digit seen."""


class VaeTrainer:
    """Maximises the ELBO with pixels binarised anew at every step (dynamic binarisation)."""

    def __init__(self, config: VaeConfig, recipe: VaeRecipe, train: Digits, test: Digits, card: dict[str, Any], device: str) -> None:
        self.config, self.recipe, self.card, self.device = config, recipe, card, device
        self.train_digits, self.test_digits = train, test
        self.rng = torch.Generator().manual_seed(0)
        self.model = HandwritingVae(config).to(device, memory_format=torch.channels_last)
        self.ema = Ema(self.model, recipe.ema_half_life)
        self.optimiser = torch.optim.AdamW(self.model.parameters(), lr=recipe.lr[0], weight_decay=recipe.weight_decay)

    def step(self, fraction: float) -> dict[str, float]:
        for group in self.optimiser.param_groups:
            group["lr"] = cosine(*self.recipe.lr, fraction)
        kl_weight = self.recipe.beta * min(1.0, 0.1 + fraction / KL_WARMUP_FRACTION)
        index = torch.randint(len(self.train_digits), (self.recipe.batch,), generator=self.rng)
        ink = self.train_digits.inks(index)
        x = torch.bernoulli(ink, generator=self.rng).to(self.device)
        labels = self.train_digits.labels_N[index].to(self.device)
        mu, logvar = self.model.encode(x, labels)
        eps = torch.randn(mu.shape, generator=self.rng).to(self.device)
        z = reparameterise(mu, logvar, eps)
        reconstruction = bernoulli_reconstruction(self.model.decode(z, labels), x).mean()
        kl = gaussian_kl(mu, logvar).mean()
        marks = self._marks_loss(ink, z)
        loss = reconstruction + kl_weight * kl + self.recipe.mark_share * marks
        if torch.isfinite(loss):
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
            self.optimiser.step()
            self.ema.update(self.model, self.recipe.batch)
        return {"neg_elbo": (reconstruction + kl).item(), "reconstruction": reconstruction.item(), "kl": kl.item(), "marks": marks.item()}

    def _marks_loss(self, ink: Tensor, z_BZ: Tensor) -> Tensor:
        """``-log p(mark | z, y)`` for a few rows: each a mark in the hand of that row's digit."""
        count = max(1, int(len(ink) * self.recipe.mark_share))
        names = list(STROKES)
        chosen = [names[i] for i in torch.randint(len(names), (count,), generator=self.rng).tolist()]
        slant, width = measure_hand(ink[:count])
        target = draw_marks(chosen, slant, width, torch.randn(count, 4, generator=self.rng)).to(self.device)
        characters = torch.tensor([self.config.alphabet.index(mark) for mark in chosen], device=self.device)
        # The hand is given: marks must follow it, not bend it.
        return bernoulli_reconstruction(self.model.decode(z_BZ[:count].detach(), characters), target).mean()

    @torch.no_grad()
    def evaluate(self) -> dict[str, Any]:
        """-ELBO of all test digits, one sample each, pixels binarised once with a fixed seed."""
        rng = torch.Generator().manual_seed(1)
        model, totals = self.ema.module, torch.zeros(2, dtype=torch.float64)
        for index in torch.arange(len(self.test_digits)).split(500):
            x = torch.bernoulli(self.test_digits.inks(index), generator=rng).to(self.device)
            labels = self.test_digits.labels_N[index].to(self.device)
            mu, logvar = model.encode(x, labels)
            z = reparameterise(mu, logvar, torch.randn(mu.shape, generator=rng).to(self.device))
            totals[0] += bernoulli_reconstruction(model.decode(z, labels), x).double().sum().cpu()
            totals[1] += gaussian_kl(mu, logvar).double().sum().cpu()
        reconstruction, kl = (totals / len(self.test_digits)).tolist()
        return {"test_neg_elbo_nats": reconstruction + kl, "test_reconstruction_nats": reconstruction, "test_kl_nats": kl}

    @torch.no_grad()
    def preview(self, folder: Path) -> Path:
        """Eight hands, a row each, writing the whole alphabet."""
        characters = torch.arange(len(self.config.alphabet), device=self.device)
        z = torch.randn(8, self.config.latent_dim, generator=torch.Generator().manual_seed(1)).to(self.device)
        logits = self.ema.module.decode(z.repeat_interleave(len(characters), 0), characters.repeat(8))
        pictures = [images.to_pil(2 * torch.sigmoid(x) - 1) for x in logits]
        path = folder / "samples.png"
        sheet = images.grid(pictures, gap=2, background=0, num_columns=len(characters))
        images.enlarge(sheet, 2, smooth=False).save(path)
        return path

    def state(self) -> dict[str, Any]:
        return model_state(self.model, self.ema, self.optimiser, self.rng)

    def load_state(self, state: dict[str, Any]) -> None:
        load_model_state(state, self.model, self.ema, self.optimiser, self.rng)

    def checkpoint(self) -> Checkpoint:
        config = {"family": "vae", "network": to_dict(self.config)}
        card = {**self.card, "training": {**self.card.get("training", {}), "recipe": to_dict(self.recipe), "pictures_seen": self.ema.num_seen}}
        return Checkpoint(config=config, card=card, weights=self.ema.module.state_dict())
