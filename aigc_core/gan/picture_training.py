"""Training of the picture GANs: a warm start on labelled pictures, then the adversarial game of R3GAN with the start as an anchor.

From scratch, two processor cores see too few pictures for the game alone to find content. So the generator first learns what the words fix, by
plain regression where they fix everything, or as the decoder of a conditional VAE where they do not (VAE-GAN, Larsen et al. 2016, arXiv
1512.09300); the game then makes it sharp.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aigc_core import images
from aigc_core.checkpoint import Checkpoint
from aigc_core.config import to_dict
from aigc_core.gan.augment import Augment
from aigc_core.gan.condition import Description, WordEncoder, WordsConfig
from aigc_core.gan.half_said import half_said, misspelt
from aigc_core.gan.losses import adversarial_loss, gradient_penalty
from aigc_core.gan.picture_networks import PictureDiscriminator, PictureEncoder, PictureGanConfig, PictureGenerator
from aigc_core.gan.watch import FinitePictures, Watch, nearness
from aigc_core.training.budget import cosine
from aigc_core.training.ema import Ema
from aigc_core.training.precision import fast_products
from aigc_core.training.steps import descend, set_rates


class Pictures(Protocol):
    """Labelled pictures to learn from."""

    def batch(self, count: int, rng: torch.Generator) -> tuple[Tensor, list[Description]]:
        """Random training pictures ``x_BCHW`` in [-1, 1] and what they show."""

    def held_out(self, count: int) -> tuple[Tensor, list[Description]]:
        """The first ``count`` pictures that are kept out of training."""

    def lexicon(self) -> dict[str, Any]:
        """For serving: the ``phrases`` of each slot, and whether slots are ``closed``."""


@dataclass(frozen=True, kw_only=True)
class PictureRecipe:
    """How a picture GAN is trained. Pairs ``(start, end)`` follow one cosine over their phase (R3GAN, supplement)."""

    batch: int = 64
    warm_start: float = 0.5
    """Share of the budget for the warm start; 0 starts from noise, 1 leaves the game out."""
    posterior: bool = False
    """Whether the warm start encodes what the words leave open (a conditional VAE) or regresses on the words alone."""
    warm_lr: tuple[float, float] = (2e-3, 1e-4)
    halved: float = 0.0
    """Share of the warm start with pictures of half the size (after Karras et al. 2018, arXiv 1710.10196): the same words in a third of the time."""
    kl_weight: float = 2.0
    """Weight of the KL in a warm start with posterior, against the squared error summed over as many pixels as 32x32 have."""
    loss: str = "relativistic"
    lr: tuple[float, float] = (2e-4, 5e-5)
    critic_rate: float = 1.0
    """The discriminator's learning rate as a multiple of the generator's (Heusel et al. 2017, arXiv 1706.08500, section 2)."""
    critic_first: float = 0.0
    """Share of the game in which only the discriminator learns. Adam makes steps of full size of any gradient, however small: those of a
    discriminator that cannot tell anything yet would only shake what the warm start has learned."""
    beta2: tuple[float, float] = (0.9, 0.99)
    gamma: tuple[float, float] = (0.5, 0.1)
    penalty_every: int = 4
    anchor: float = 1.0
    """Weight of the mean absolute error to the warm start's target in the game."""
    mismatch: float = 0.2
    """Weight of matching-aware pairs (Reed et al. 2016, arXiv 1605.05396, section 4.2): a real picture with another's words is not real."""
    slot_dropout: float = 0.1
    all_dropout: float = 0.05
    typos: float = 0.05
    anonymous: float = 0.2
    """Share of the vocabulary that is read by its n-grams alone, anew at each step."""
    augment: tuple[str, ...] = ()
    augment_target: float = 0.4
    ema_half_life: float = 20_000.0
    spread: float = 1.0
    """What the noise of the game is multiplied with, and that of serving: see :class:`aigc_core.gan.word_serving.Lexicon`."""


class WordGenerator(nn.Module):
    """Words and latents to pictures: what is kept of a training."""

    def __init__(self, words: WordsConfig, config: PictureGanConfig) -> None:
        super().__init__()
        self.words, self.generator = WordEncoder(words), PictureGenerator(config)

    def forward(self, z_BZ: Tensor, descriptions: list[Description], anonymous: frozenset[str] = frozenset()) -> Tensor:
        return self.generator(z_BZ, self.words(descriptions, anonymous))


class WordCritic(nn.Module):
    """The discriminator with words of its own."""

    def __init__(self, words: WordsConfig, config: PictureGanConfig) -> None:
        super().__init__()
        self.words, self.discriminator = WordEncoder(words), PictureDiscriminator(config)


class PictureGanTrainer:
    """One trainer for warm start and game; ``device`` is ``cpu`` or ``cuda``; every random choice follows from ``seed``."""

    def __init__(
        self,
        config: PictureGanConfig,
        words: WordsConfig,
        recipe: PictureRecipe,
        pictures: Pictures,
        card: dict[str, Any],
        device: str,
        seed: int = 0,
    ) -> None:
        self.config, self.words, self.recipe, self.pictures, self.card, self.device = config, words, recipe, pictures, card, device
        torch.manual_seed(seed)
        self.rng = torch.Generator().manual_seed(seed)
        self.loss = adversarial_loss(recipe.loss)
        self.generator = WordGenerator(words, config).to(device, memory_format=torch.channels_last)
        self.critic = WordCritic(words, config).to(device, memory_format=torch.channels_last)
        self.encoder = PictureEncoder(config).to(device, memory_format=torch.channels_last)
        self.ema = Ema(self.generator, recipe.ema_half_life)
        self.augment = Augment(recipe.augment, recipe.augment_target)
        self.optimiser_g = torch.optim.Adam(self.generator.parameters(), lr=recipe.lr[0], betas=(0.0, 0.9), eps=1e-8)
        self.optimiser_d = torch.optim.Adam(self.critic.parameters(), lr=recipe.lr[0], betas=(0.0, 0.9), eps=1e-8)
        warm = [*self.generator.parameters(), *(self.encoder.parameters() if recipe.posterior else ())]
        self.optimiser_w = torch.optim.AdamW(warm, lr=recipe.warm_lr[0], betas=(0.9, 0.99), weight_decay=1e-4)
        self.num_steps, self.margin, self.in_game = 0, 0.0, False
        self.watch = Watch()

    def step(self, fraction: float) -> dict[str, float]:
        self.num_steps += 1
        share = self.recipe.warm_start
        self.in_game = fraction >= share
        losses = self._game_step((fraction - share) / (1 - share)) if self.in_game else self._warm_step(fraction / share)
        self.margin += 0.02 * (losses.get("margin", 0.0) - self.margin)
        self.ema.update(self.generator, self.recipe.batch)
        return losses

    def _warm_step(self, fraction: float) -> dict[str, float]:
        set_rates(self.optimiser_w, lr=cosine(*self.recipe.warm_lr, fraction), betas=(0.9, 0.99))
        x, descriptions = self._real()
        halved = fraction < self.recipe.halved
        loss, parts = self._anchor(F.avg_pool2d(x, 2) if halved else x, descriptions, halved)
        descend(self.optimiser_w, loss)
        return parts

    def _anchor(self, x: Tensor, descriptions: list[Description], halved: bool = False) -> tuple[Tensor, dict[str, float]]:
        """The warm start's loss: the mean absolute error of what the words say, or -ELBO with what they leave open, per pixel."""
        c = self.generator.words(descriptions, self._anonymous())
        if not self.recipe.posterior:
            error = (self._drawn(self._noise(), c, halved) - x).abs().mean()
            return error, {"l1": error.item()}
        with fast_products(self.device):
            mu, logvar = self.encoder(x, c, halved)
        z = mu + (0.5 * logvar).exp() * self._noise()
        error = (self._drawn(z, c, halved) - x).square().sum(dim=(1, 2, 3)).mean()
        kl = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(1).mean()
        loss = (error + self.recipe.kl_weight * kl * x[0, 0].numel() / 32**2) / x[0].numel()
        return loss, {"reconstruction": error.item(), "kl": kl.item()}

    def _game_step(self, fraction: float) -> dict[str, float]:
        recipe = self.recipe
        lr, beta2, gamma = (cosine(*pair, fraction) for pair in (recipe.lr, recipe.beta2, recipe.gamma))
        for optimiser, rate in ((self.optimiser_g, 1.0), (self.optimiser_d, recipe.critic_rate)):
            set_rates(optimiser, lr=rate * lr, betas=(0.0, beta2))
        losses = self._critic_step(gamma)
        if fraction < recipe.critic_first:
            return losses
        x, descriptions = self._real()
        self.critic.requires_grad_(False)
        c = self.critic.words(descriptions)
        fake = self._drawn(recipe.spread * self._noise(), self.generator.words(descriptions, self._anonymous()))
        fake_logits = self.critic.discriminator.judge(self._seen(fake), c)
        with torch.no_grad():
            real_logits = self.critic.discriminator.judge(self._seen(x), c)
        g_loss = self.loss.generator(real_logits, fake_logits)
        total = g_loss
        if recipe.anchor and not recipe.posterior:
            anchor = (fake - x).abs().mean()
            total, losses["l1"] = g_loss + recipe.anchor * anchor, anchor.item()
        elif recipe.anchor:
            anchor, parts = self._anchor(x, descriptions)
            total, losses = g_loss + recipe.anchor * anchor, {**losses, **parts}
        descend(self.optimiser_g, total)
        self.critic.requires_grad_(True)
        return {**losses, "g_loss": g_loss.item()}

    def _critic_step(self, gamma: float) -> dict[str, float]:
        """R3GAN eq. 2 for D with R1 and R2 each ``penalty_every`` steps (weighted to the same mean), and matching-aware pairs."""
        recipe = self.recipe
        penalised = self.num_steps % recipe.penalty_every == 0
        x, descriptions = self._real()
        with torch.no_grad():
            fake = self._drawn(recipe.spread * self._noise(), self.generator.words(descriptions, self._anonymous()))
        both = torch.cat([x, fake]).requires_grad_(penalised)
        c = self.critic.words(descriptions)
        phi = self._seen(both)
        logits = self.critic.discriminator.judge(phi, c.repeat(2, 1))
        real_logits, fake_logits = logits.chunk(2)
        loss = self.loss.discriminator(real_logits, fake_logits)
        losses = {"d_loss": loss.item(), "margin": (real_logits - fake_logits).mean().item()}
        if recipe.mismatch:
            wrong = self.critic.discriminator.judge(phi[: len(x)], c.roll(1, 0))
            loss = loss + recipe.mismatch * self.loss.discriminator(real_logits, wrong)
        if penalised:
            penalty = 2 * gradient_penalty(logits, both)
            loss = loss + 0.5 * gamma * recipe.penalty_every * penalty
            losses["r1_r2"] = penalty.item()
            self._adapt(real_logits, fake_logits)
        descend(self.optimiser_d, loss)
        return {**losses, "augment": self.augment.probability}

    @torch.no_grad()
    def _adapt(self, real_logits: Tensor, fake_logits: Tensor) -> None:
        """Let the augmentation follow D's overfitting (r_v of Karras et al. 2020, arXiv 2006.06676, eq. 1; it needs no absolute logits)."""
        if not self.recipe.augment:
            return
        x, descriptions = self.pictures.held_out(self.recipe.batch)
        held_out = self.critic.discriminator.judge(self._seen(x.to(self.device)), self.critic.words(descriptions))
        self.augment.adapt(real_logits.mean().item(), held_out.mean().item(), fake_logits.mean().item(), self.recipe.batch)

    def _drawn(self, z_BZ: Tensor, c_BC: Tensor, halved: bool = False) -> Tensor:
        """G(z, c) in the device's fastest arithmetic, as float32."""
        with fast_products(self.device):
            return self.generator.generator(z_BZ, c_BC, halved).float()

    def _seen(self, x_BCHW: Tensor) -> Tensor:
        """phi(x), augmented, in the device's fastest arithmetic, as float32."""
        augmented = self.augment(x_BCHW)
        with fast_products(self.device):
            return self.critic.discriminator.features(augmented).float()

    def _real(self) -> tuple[Tensor, list[Description]]:
        x, descriptions = self.pictures.batch(self.recipe.batch, self.rng)
        descriptions = half_said(descriptions, self.rng, self.recipe.slot_dropout, self.recipe.all_dropout)
        descriptions = misspelt(descriptions, self.rng, self.recipe.typos)
        return x.to(self.device).contiguous(memory_format=torch.channels_last), descriptions

    def _anonymous(self) -> frozenset[str]:
        chosen = torch.rand(len(self.words.vocabulary), generator=self.rng) < self.recipe.anonymous
        return frozenset(word for word, taken in zip(self.words.vocabulary, chosen.tolist(), strict=True) if taken)

    def _noise(self) -> Tensor:
        return torch.randn(self.recipe.batch, self.config.latent_dim, generator=self.rng).to(self.device)

    @torch.no_grad()
    def preview(self, folder: Path) -> Path:
        """Rows of held-out pictures, and below each what the generator makes of its words."""
        x, descriptions = self.pictures.held_out(40)
        z = self.recipe.spread * torch.randn(len(x), self.config.latent_dim, generator=torch.Generator().manual_seed(1)).to(self.device)
        drawn = self.ema.module(z, descriptions).cpu()
        rows = [row for start in range(0, len(x), 10) for row in (x[start : start + 10], drawn[start : start + 10])]
        sheet = images.grid([images.to_pil(images.on_grey(picture)) for row in rows for picture in row], gap=2, background=0, num_columns=10)
        path = folder / "samples.png"
        images.enlarge(sheet, max(1, 128 // self.config.image_size), smooth=False).save(path)
        return path

    @torch.no_grad()
    def evaluate(self) -> dict[str, Any]:
        """The mean absolute error to held-out pictures: small only where the words fix everything."""
        x, descriptions = self.pictures.held_out(256)
        z = self.recipe.spread * torch.randn(len(x), self.config.latent_dim, generator=torch.Generator().manual_seed(1)).to(self.device)
        return {"held_out_l1": (self.ema.module(z, descriptions).cpu() - x).abs().mean().item()}

    @torch.no_grad()
    def verdict(self) -> str | None:
        """Why the game should end, or None; a start by regression or reconstruction is left alone."""
        if not self.in_game:
            return None
        near = None
        if isinstance(self.pictures, FinitePictures):
            _, descriptions = self.pictures.training(64)
            z = self.recipe.spread * torch.randn(len(descriptions), self.config.latent_dim, generator=torch.Generator().manual_seed(2)).to(
                self.device
            )
            near = nearness(self.ema.module(z, descriptions).cpu(), self.pictures)
        return self.watch.look(nearness=near, margin=self.margin, held_out_error=self.evaluate()["held_out_l1"])

    def state(self) -> dict[str, Any]:
        modules = {name: module.state_dict() for name, module in self._modules().items()}
        counts = {"seen": self.ema.num_seen, "steps": self.num_steps, "augment": self.augment.probability}
        return {"modules": modules, **counts, "rng": self.rng.get_state()}

    def load_state(self, state: dict[str, Any]) -> None:
        for name, module in self._modules().items():
            module.load_state_dict(state["modules"][name])
        self.ema.num_seen, self.num_steps, self.augment.probability = state["seen"], state["steps"], state["augment"]
        self.rng.set_state(state["rng"])

    def _modules(self) -> dict[str, Any]:
        return {
            "generator": self.generator, "critic": self.critic, "encoder": self.encoder, "ema": self.ema.module,
            "optimiser_g": self.optimiser_g, "optimiser_d": self.optimiser_d, "optimiser_w": self.optimiser_w,
        }  # fmt: skip

    def checkpoint(self) -> Checkpoint:
        config = {
            "family": self.card.get("family", "gan"),
            "network": to_dict(self.config),
            "words": to_dict(self.words),
            "lexicon": {**self.pictures.lexicon(), **({"spread": self.recipe.spread} if self.recipe.spread != 1.0 else {})},
        }
        training = {**self.card.get("training", {}), "recipe": to_dict(self.recipe), "pictures_seen": self.ema.num_seen}
        return Checkpoint(config=config, card={**self.card, "training": training}, weights=self.ema.module.state_dict())
