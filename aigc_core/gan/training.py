"""Training of the class-conditional GAN: an autoencoding warm start, then the adversarial game of R3GAN."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aigc_core import images
from aigc_core.checkpoint import Checkpoint
from aigc_core.config import to_dict
from aigc_core.data.mnist import Digits
from aigc_core.gan.losses import adversarial_loss, gradient_penalty
from aigc_core.gan.networks import BiasedLeakyReLU, Discriminator, GanConfig, Generator, ResidualBlock, fixup_conv
from aigc_core.training.budget import cosine
from aigc_core.training.ema import Ema
from aigc_core.training.steps import descend, set_rates


@dataclass(frozen=True, kw_only=True)
class GanRecipe:
    """How a GAN is trained. Pairs ``(start, end)`` follow one cosine over the budget (R3GAN, supplement)."""

    loss: str = "relativistic"
    batch: int = 32
    lr: tuple[float, float] = (2e-4, 5e-5)
    beta2: tuple[float, float] = (0.9, 0.99)
    gamma: tuple[float, float] = (0.5, 0.1)
    penalty_every: int = 1
    ema_half_life: float = 20_000.0
    warm_start: float = 0.1
    """Share of the budget spent on the warm start; 0 starts from noise."""
    kl_weight: float = 2.0
    """Weight of the KL against the summed squared error of the warm start."""


class WarmStart(nn.Module):
    """The generator as the decoder of a conditional VAE, so that the game starts from readable pictures.

    After VAE-GAN (Larsen et al. 2016, arXiv 1512.09300), with a plain squared error: q(z | x, y) is Gaussian, G(z, y) its decoder.
    """

    def __init__(self, config: GanConfig) -> None:
        super().__init__()
        widths = config.discriminator_widths
        self.from_image = fixup_conv(config.image_channels, widths[0], 3, 1.0)
        self.widen = nn.ModuleList([fixup_conv(a, b, 1, 1.0) for a, b in pairwise(widths)])
        self.blocks = nn.ModuleList([ResidualBlock(width, 1.0) for width in widths])
        self.activation = BiasedLeakyReLU(widths[-1])
        self.embedding = nn.Embedding(config.num_classes, config.condition_dim)
        self.posterior = nn.Linear(widths[-1] * config.base_size**2 + config.condition_dim, 2 * config.latent_dim)

    def forward(self, x_BCHW: Tensor, labels_B: Tensor) -> tuple[Tensor, Tensor]:
        """``mu_BZ`` and ``logvar_BZ`` of the posterior."""
        x = self.from_image(x_BCHW)
        for stage, block in enumerate(self.blocks):
            x = block(F.avg_pool2d(self.widen[stage - 1](x), 2) if stage else x)
        hidden = torch.cat([self.activation(x).flatten(1), self.embedding(labels_B)], dim=1)
        mu, logvar = self.posterior(hidden).chunk(2, dim=1)
        return mu, logvar.clamp(-8, 4)


class GanTrainer:
    """One trainer for warm start and game; ``device`` is ``cpu`` or ``cuda``."""

    def __init__(self, config: GanConfig, recipe: GanRecipe, digits: Digits, card: dict[str, Any], device: str) -> None:
        self.config, self.recipe, self.digits, self.card, self.device = config, recipe, digits, card, device
        self.rng = torch.Generator().manual_seed(0)
        self.loss = adversarial_loss(recipe.loss)
        self.generator = Generator(config).to(device, memory_format=torch.channels_last)
        self.discriminator = Discriminator(config).to(device, memory_format=torch.channels_last)
        self.encoder = WarmStart(config).to(device, memory_format=torch.channels_last)
        self.ema = Ema(self.generator, recipe.ema_half_life)
        self.optimiser_g = torch.optim.Adam(self.generator.parameters(), lr=recipe.lr[0], betas=(0.0, 0.9), eps=1e-8)
        self.optimiser_d = torch.optim.Adam(self.discriminator.parameters(), lr=recipe.lr[0], betas=(0.0, 0.9), eps=1e-8)
        warm = [*self.encoder.parameters(), *self.generator.parameters()]
        self.optimiser_w = torch.optim.Adam(warm, lr=1e-3, betas=(0.9, 0.99))
        self.num_steps = 0

    def step(self, fraction: float) -> dict[str, float]:
        self.num_steps += 1
        if fraction < self.recipe.warm_start:
            losses = self._warm_step(fraction / self.recipe.warm_start)
        else:
            losses = self._game_step((fraction - self.recipe.warm_start) / (1 - self.recipe.warm_start))
        self.ema.update(self.generator, self.recipe.batch)
        return losses

    def _warm_step(self, fraction: float) -> dict[str, float]:
        set_rates(self.optimiser_w, lr=cosine(2e-3, 2e-4, fraction), betas=(0.9, 0.99))
        x, y = self._real()
        mu, logvar = self.encoder(x, y)
        z = mu + (0.5 * logvar).exp() * self._noise()
        reconstruction = (self.generator(z, y) - x).square().sum(dim=(1, 2, 3)).mean()
        kl = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(1).mean()
        descend(self.optimiser_w, reconstruction + self.recipe.kl_weight * kl)
        return {"reconstruction": reconstruction.item(), "kl": kl.item()}

    def _game_step(self, fraction: float) -> dict[str, float]:
        recipe = self.recipe
        lr, beta2, gamma = (cosine(*pair, fraction) for pair in (recipe.lr, recipe.beta2, recipe.gamma))
        for optimiser in (self.optimiser_g, self.optimiser_d):
            set_rates(optimiser, lr=lr, betas=(0.0, beta2))
        losses = self._discriminator_step(gamma)
        x, y = self._real()
        self.discriminator.requires_grad_(False)
        fake_logits = self.discriminator(self.generator(self._noise(), y), y)
        with torch.no_grad():
            real_logits = self.discriminator(x, y)
        g_loss = self.loss.generator(real_logits, fake_logits)
        descend(self.optimiser_g, g_loss)
        self.discriminator.requires_grad_(True)
        return {**losses, "g_loss": g_loss.item()}

    def _discriminator_step(self, gamma: float) -> dict[str, float]:
        """R3GAN eq. 2 for D, with R1 and R2 each ``penalty_every`` steps (weighted to the same mean)."""
        penalised = self.num_steps % self.recipe.penalty_every == 0
        x, y = self._real()
        with torch.no_grad():
            fake = self.generator(self._noise(), y)
        both = torch.cat([x, fake]).requires_grad_(penalised)
        logits = self.discriminator(both, y.repeat(2))
        real_logits, fake_logits = logits.chunk(2)
        loss = self.loss.discriminator(real_logits, fake_logits)
        losses = {"d_loss": loss.item(), "margin": (real_logits - fake_logits).mean().item()}
        if penalised:
            # One pass over real and generated pictures together: twice the mean is R1 + R2.
            penalty = 2 * gradient_penalty(logits, both)
            loss = loss + 0.5 * gamma * self.recipe.penalty_every * penalty
            losses["r1_r2"] = penalty.item()
        descend(self.optimiser_d, loss)
        return losses

    def _real(self) -> tuple[Tensor, Tensor]:
        index = torch.randint(len(self.digits), (self.recipe.batch,), generator=self.rng)
        x = self.digits.pictures(index).to(self.device).contiguous(memory_format=torch.channels_last)
        return x, self.digits.labels_N[index].to(self.device)

    def _noise(self) -> Tensor:
        return torch.randn(self.recipe.batch, self.config.latent_dim, generator=self.rng).to(self.device)

    @torch.no_grad()
    def preview(self, folder: Path) -> Path:
        """Ten rows of samples, a digit each."""
        z = torch.randn(100, self.config.latent_dim, generator=torch.Generator().manual_seed(1)).to(self.device)
        labels = torch.arange(100, device=self.device) // 10
        sheet = images.grid([images.to_pil(x) for x in self.ema.module(z, labels)], gap=2, background=0, num_columns=10)
        path = folder / "samples.png"
        images.enlarge(sheet, 2, smooth=False).save(path)
        return path

    def evaluate(self) -> dict[str, Any]:
        """Nothing here: a GAN has no held-out loss; ``aigc evaluate`` asks the judge."""
        return {}

    def state(self) -> dict[str, Any]:
        modules = {name: module.state_dict() for name, module in self._modules().items()}
        return {"modules": modules, "seen": self.ema.num_seen, "steps": self.num_steps, "rng": self.rng.get_state()}

    def load_state(self, state: dict[str, Any]) -> None:
        for name, module in self._modules().items():
            module.load_state_dict(state["modules"][name])
        self.ema.num_seen, self.num_steps = state["seen"], state["steps"]
        self.rng.set_state(state["rng"])

    def _modules(self) -> dict[str, Any]:
        return {
            "generator": self.generator, "discriminator": self.discriminator, "encoder": self.encoder, "ema": self.ema.module,
            "optimiser_g": self.optimiser_g, "optimiser_d": self.optimiser_d, "optimiser_w": self.optimiser_w,
        }  # fmt: skip

    def checkpoint(self) -> Checkpoint:
        config = {"family": "gan", "network": to_dict(self.config)}
        card = {**self.card, "training": {**self.card.get("training", {}), "recipe": to_dict(self.recipe), "pictures_seen": self.ema.num_seen}}
        return Checkpoint(config=config, card=card, weights=self.ema.module.state_dict())
