"""A VAE as a density of binary digits, for the published tables: dynamic binarisation, a RealNVP prior, likelihood by importance sampling."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from aigc_core import images
from aigc_core.checkpoint import Checkpoint, CheckpointError, load_checkpoint
from aigc_core.config import from_dict, to_dict
from aigc_core.data.mnist import Digits
from aigc_core.training.budget import cosine
from aigc_core.training.ema import Ema
from aigc_core.training.steps import load_model_state, model_state
from aigc_core.vae.flow import gaussian_log_prob
from aigc_core.vae.losses import bernoulli_reconstruction, reparameterise
from aigc_core.vae.model import HandwritingVae, VaeConfig

KL_WARMUP_FRACTION = 0.05
TEST_SEED = 1


@dataclass(frozen=True, kw_only=True)
class DensityRecipe:
    """Adam with a cosine; the KL's weight rises over the first twentieth."""

    batch: int = 128
    lr: tuple[float, float] = (2e-3, 1e-5)
    clip: float = 200.0
    ema_half_life: float = 60_000.0


class DensityTrainer:
    """Maximises the evidence lower bound of digits whose pixels are drawn anew at every step; there is no label."""

    def __init__(self, config: VaeConfig, recipe: DensityRecipe, train: Digits, test: Digits, card: dict[str, Any], device: str) -> None:
        self.config, self.recipe, self.card, self.device = config, recipe, card, device
        self.train_digits, self.test_digits = train, test
        self.rng = torch.Generator().manual_seed(0)
        torch.manual_seed(0)
        self.model = HandwritingVae(config).to(device, memory_format=torch.channels_last)
        self.ema = Ema(self.model, recipe.ema_half_life)
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=recipe.lr[0], betas=(0.9, 0.99))

    def step(self, fraction: float) -> dict[str, float]:
        for group in self.optimiser.param_groups:
            group["lr"] = cosine(*self.recipe.lr, fraction)
        x, labels = self._batch()
        reconstruction, kl = (part.mean() for part in bound_parts(self.model, x, self.rng, labels))
        loss = reconstruction + min(1.0, 0.1 + fraction / KL_WARMUP_FRACTION) * kl
        if torch.isfinite(loss):
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
            self.optimiser.step()
            self.ema.update(self.model, self.recipe.batch)
        return {"neg_elbo": (reconstruction + kl).item(), "kl": kl.item()}

    def _batch(self) -> tuple[Tensor, Tensor | None]:
        """Binary pictures and, where there are any, their labels."""
        index = torch.randint(len(self.train_digits), (self.recipe.batch,), generator=self.rng)
        return torch.bernoulli(self.train_digits.inks(index), generator=self.rng).to(self.device), None

    @torch.no_grad()
    def evaluate(self) -> dict[str, Any]:
        """-ELBO of 2,000 shuffled test digits, one sample each."""
        rng = torch.Generator().manual_seed(TEST_SEED)
        totals = []
        for index in torch.arange(min(2000, len(self.test_digits))).split(500):
            x = torch.bernoulli(self.test_digits.inks(index), generator=rng).to(self.device)
            reconstruction, kl = bound_parts(self.ema.module, x, rng)
            totals.append(reconstruction + kl)
        return {"test_neg_elbo_2000_nats": torch.cat(totals).mean().item()}

    @torch.no_grad()
    def preview(self, folder: Path) -> Path:
        """A hundred digits from the prior."""
        u = torch.randn(100, self.config.latent_dim, generator=torch.Generator().manual_seed(1)).to(self.device)
        model = self.ema.module
        inks = torch.sigmoid(model.decode(model.prior.invert(u), torch.zeros(100, dtype=torch.long, device=self.device)))
        path = folder / "samples.png"
        images.grid([images.to_pil(2 * ink - 1) for ink in inks], gap=2, background=0, num_columns=10).save(path)
        return path

    def state(self) -> dict[str, Any]:
        return model_state(self.model, self.ema, self.optimiser, self.rng)

    def load_state(self, state: dict[str, Any]) -> None:
        load_model_state(state, self.model, self.ema, self.optimiser, self.rng)

    def checkpoint(self) -> Checkpoint:
        config = {"family": "density", "network": to_dict(self.config)}
        training = {**self.card.get("training", {}), "recipe": to_dict(self.recipe), "pictures_seen": self.ema.num_seen}
        return Checkpoint(config=config, card={**self.card, "training": training}, weights=self.ema.module.state_dict())


def bound_parts(model: HandwritingVae, x_BCHW: Tensor, rng: torch.Generator, labels_B: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """``-log p(x | z, y)`` and ``log q(z | x, y) - log p(z)`` of one sample each, both ``(B,)``; without labels, y is always the first."""
    labels = torch.zeros(len(x_BCHW), dtype=torch.long, device=x_BCHW.device) if labels_B is None else labels_B
    mu, logvar = model.encode(x_BCHW, labels)
    z = reparameterise(mu, logvar, torch.randn(mu.shape, generator=rng).to(mu.device))
    return bernoulli_reconstruction(model.decode(z, labels), x_BCHW), gaussian_log_prob(z, mu, logvar) - model.prior.log_prob(z)


def load_density(folder: Path) -> HandwritingVae:
    """Read a trained density.

    Raises:
        CheckpointError: the folder holds none.
    """
    checkpoint = load_checkpoint(folder)
    if checkpoint.config.get("family") != "density":
        raise CheckpointError(f"{folder} holds no density")
    model = HandwritingVae(from_dict(VaeConfig, dict(checkpoint.config["network"])))
    model.load_state_dict(checkpoint.weights)
    return model.eval()


def held_out_nll(model: HandwritingVae, test: Digits, count: int, num_samples: int) -> float:
    """Mean ``-log p(x)`` of the first ``count`` test digits (they are shuffled), pixels drawn once with a fixed seed, as the tables do."""
    rng = torch.Generator().manual_seed(TEST_SEED)
    x = torch.bernoulli(test.inks(torch.arange(min(count, len(test)))), generator=rng)
    return importance_nll(model, x, num_samples, rng, rows=num_samples).mean().item()


@torch.no_grad()
def importance_nll(model: HandwritingVae, x_NCHW: Tensor, num_samples: int, rng: torch.Generator, rows: int = 500) -> Tensor:
    """``-log p(x)`` in nats by ``num_samples`` importance samples from q (Burda et al. 2016, arXiv 1509.00519, eq. 8), shape ``(N,)``.

    An upper bound in expectation, tighter with more samples.
    """
    results = []
    per_pass = max(1, rows // num_samples)
    for x in x_NCHW.split(per_pass):
        mu, logvar = model.encode(x, torch.zeros(len(x), dtype=torch.long, device=x.device))
        weights = []
        for count in _chunks(num_samples, rows):
            z = reparameterise(mu.repeat_interleave(count, 0), logvar.repeat_interleave(count, 0),
                               torch.randn(len(x) * count, mu.shape[1], generator=rng).to(mu.device))  # fmt: skip
            logits = model.decode(z, torch.zeros(len(z), dtype=torch.long, device=z.device))
            log_q = gaussian_log_prob(z, mu.repeat_interleave(count, 0), logvar.repeat_interleave(count, 0))
            log_w = model.prior.log_prob(z) - bernoulli_reconstruction(logits, x.repeat_interleave(count, 0)) - log_q
            weights.append(log_w.unflatten(0, (len(x), count)))
        results.append(-(torch.cat(weights, dim=1).logsumexp(1) - math.log(num_samples)))
    return torch.cat(results)


def _chunks(total: int, largest: int) -> list[int]:
    return [min(largest, total - start) for start in range(0, total, largest)]
