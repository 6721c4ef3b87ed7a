"""Training of the handwriting VAE: people's digits, and letters in hands made from fonts, with one code for the hand of both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from aigc_core import images
from aigc_core.checkpoint import Checkpoint
from aigc_core.config import to_dict
from aigc_core.data.fonts import FontHands
from aigc_core.data.mnist import Digits
from aigc_core.training.budget import cosine
from aigc_core.training.ema import Ema
from aigc_core.training.steps import load_model_state, model_state
from aigc_core.vae.flow import gaussian_log_prob
from aigc_core.vae.hands import hands_of_digits, random_hands, write
from aigc_core.vae.losses import bernoulli_reconstruction, reparameterise
from aigc_core.vae.model import HandwritingVae, VaeConfig

KL_FIRST, KL_WARMUP_FRACTION = 0.3, 0.1
SHOWN = "Quick fox jumps? 0123456789 = 24/7!"


@dataclass(frozen=True, kw_only=True)
class VaeRecipe:
    """How the VAE is trained (AdamW, cosine; the KL's weight rises over the first part)."""

    batch: int = 128
    """Digits and made hands a step, of each so many."""
    lr: tuple[float, float] = (1e-3, 1e-5)
    weight_decay: float = 1e-4
    clip: float = 200.0
    ema_half_life: float = 60_000.0
    beta: float = 1.0
    """Weight of the KL once warm (beta-VAE, Higgins et al. 2017)."""
    copied_share: float = 0.5
    """Letters written in digits' hands, per digit."""
    same_share: float = 0.25
    """Made hands that write the character again that their code was read from; the others write another one."""


class VaeTrainer:
    """Maximises the evidence lower bound with pixels binarised anew at every step (dynamic binarisation).

    For a made hand, ``log p(x' | z, y')`` of another of its characters stands beside that of the character that z was read from, so z can hold
    nothing but the hand.
    """

    def __init__(
        self, config: VaeConfig, recipe: VaeRecipe, train: Digits, test: Digits, fonts: FontHands, card: dict[str, Any], device: str
    ) -> None:
        self.config, self.recipe, self.card, self.device = config, recipe, card, device
        self.train_digits, self.test_digits, self.fonts = train, test, fonts
        self.rng = torch.Generator().manual_seed(0)
        torch.manual_seed(0)
        self.model = HandwritingVae(config).to(device, memory_format=torch.channels_last)
        self.ema = Ema(self.model, recipe.ema_half_life)
        self.optimiser = torch.optim.AdamW(self.model.parameters(), lr=recipe.lr[0], betas=(0.9, 0.99), weight_decay=recipe.weight_decay)

    def step(self, fraction: float) -> dict[str, float]:
        for group in self.optimiser.param_groups:
            group["lr"] = cosine(*self.recipe.lr, fraction)
        digits, letters = self._digits_loss(), self._letters_loss()
        kl_weight = self.recipe.beta * min(1.0, KL_FIRST + fraction / KL_WARMUP_FRACTION)
        kl = digits["kl"] + letters["kl"]
        loss = digits["reconstruction"] + letters["reconstruction"] + kl_weight * kl + self.recipe.copied_share * digits["copied"]
        if torch.isfinite(loss):
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
            self.optimiser.step()
            self.ema.update(self.model, 2 * self.recipe.batch)
        named = {f"digits_{key}": value.item() for key, value in digits.items()}
        return {**named, **{f"letters_{key}": value.item() for key, value in letters.items()}}

    def _digits_loss(self) -> dict[str, Tensor]:
        """The bound's parts for people's digits, and ``-log p`` of other characters in their hands."""
        index = torch.randint(len(self.train_digits), (self.recipe.batch,), generator=self.rng)
        ink, labels = self.train_digits.inks(index), self.train_digits.labels_N[index].to(self.device)
        x = torch.bernoulli(ink, generator=self.rng).to(self.device)
        z, kl = self._encode(x, labels)
        reconstruction = bernoulli_reconstruction(self.model.decode(z, labels), x).mean()
        count = max(1, int(len(ink) * self.recipe.copied_share))
        characters = self._characters(count, digits=0.5)
        target = write(self.fonts, hands_of_digits(ink[:count], self.fonts), characters, self.rng).to(self.device)
        # The hand is given: others must follow it, not bend it. With them the decoder cannot take the character from z, which would be
        # cheap at the start: a learned prior has nothing against a z that says "three".
        copied = bernoulli_reconstruction(self.model.decode(z[:count].detach(), characters.to(self.device)), target).mean()
        return {"reconstruction": reconstruction, "kl": kl.mean(), "copied": copied}

    def _letters_loss(self) -> dict[str, Tensor]:
        """The bound's parts for made hands: one character is read, another is written."""
        count = self.recipe.batch
        hands = random_hands(count, len(self.fonts), self.rng)
        read, written = self._characters(count), self._characters(count, digits=0.3)
        same = torch.rand(count, generator=self.rng) < self.recipe.same_share
        x = torch.bernoulli(write(self.fonts, hands, read, self.rng), generator=self.rng).to(self.device)
        z, kl = self._encode(x, read.to(self.device))
        other = write(self.fonts, hands, written, self.rng).to(self.device)
        target = torch.where(same.to(self.device)[:, None, None, None], x, other)
        logits = self.model.decode(z, torch.where(same, read, written).to(self.device))
        return {"reconstruction": bernoulli_reconstruction(logits, target).mean(), "kl": kl.mean()}

    def _characters(self, count: int, digits: float = 0.0) -> Tensor:
        """Random places in the alphabet, a share of them digits: these must not take after the digit that a hand was read from."""
        chosen = torch.randint(len(self.config.alphabet), (count,), generator=self.rng)
        told = torch.rand(count, generator=self.rng) < digits
        return torch.where(told, torch.randint(10, (count,), generator=self.rng), chosen)

    def _encode(self, x: Tensor, characters: Tensor) -> tuple[Tensor, Tensor]:
        """A hand from the posterior, and ``log q(z | x, y) - log p(z)`` of it, ``(B,)``."""
        mu, logvar = self.model.encode(x, characters)
        z = reparameterise(mu, logvar, torch.randn(mu.shape, generator=self.rng).to(self.device))
        return z, gaussian_log_prob(z, mu, logvar) - self.model.prior.log_prob(z)

    @torch.no_grad()
    def evaluate(self) -> dict[str, Any]:
        """-ELBO of 2,000 shuffled test digits, one sample each, pixels binarised once with a fixed seed."""
        rng = torch.Generator().manual_seed(1)
        model, parts = self.ema.module, []
        for index in torch.arange(min(2000, len(self.test_digits))).split(500):
            x = torch.bernoulli(self.test_digits.inks(index), generator=rng).to(self.device)
            labels = self.test_digits.labels_N[index].to(self.device)
            mu, logvar = model.encode(x, labels)
            z = reparameterise(mu, logvar, torch.randn(mu.shape, generator=rng).to(self.device))
            kl = gaussian_log_prob(z, mu, logvar) - model.prior.log_prob(z)
            parts.append(torch.stack([bernoulli_reconstruction(model.decode(z, labels), x), kl]))
        reconstruction, kl_nats = torch.cat(parts, dim=1).mean(1).tolist()
        return {"test_neg_elbo_nats": reconstruction + kl_nats, "test_reconstruction_nats": reconstruction, "test_kl_nats": kl_nats}

    @torch.no_grad()
    def preview(self, folder: Path) -> Path:
        """Twelve hands from the prior, a row each."""
        shown = [c for c in SHOWN if c in self.config.alphabet]
        characters = torch.tensor([self.config.alphabet.index(c) for c in shown], device=self.device)
        u = torch.randn(12, self.config.latent_dim, generator=torch.Generator().manual_seed(1)).to(self.device)
        z = self.ema.module.prior.invert(u)
        logits = self.ema.module.decode(z.repeat_interleave(len(shown), 0), characters.repeat(len(u)))
        path = folder / "samples.png"
        sheet = images.grid([images.to_pil(2 * torch.sigmoid(x) - 1) for x in logits], gap=1, background=0, num_columns=len(shown))
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
