"""A conditional VAE of handwriting: ``p(x | z, y)`` draws the character y in the hand z.

z is independent of y under the prior, so one z writes every character (Kingma & Welling 2014; the class-conditional form of
Kingma et al. 2014, "Semi-supervised learning with deep generative models", M2). The condition enters each block by FiLM (Perez et al. 2018).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aigc_core.vae.flow import RealNvp

ALPHABET = "0123456789-/.:,+=" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + "abcdefghijklmnopqrstuvwxyz" + "!?'()&;"
"""The digits first: a digit's place is its value."""
IMAGE_SIZE = 28


@dataclass(frozen=True, kw_only=True)
class VaeConfig:
    """Sizes of the VAE; ``width`` channels at full resolution, twice that below."""

    alphabet: str = ALPHABET
    latent_dim: int = 32
    width: int = 16
    condition_dim: int = 32
    num_couplings: int = 0
    """Couplings of the learned prior (RealNVP); 0 is the standard normal prior."""
    dense_width: int = 0
    """If set, encoder and decoder are dense residual networks of this width: ten times the pictures a second on a processor."""
    joined: bool = False
    """Whether a dense decoder's first layer reads the condition beside z, as well as each block does."""


class Film(nn.Module):
    """``x * (1 + scale(y)) + shift(y)``, zero at the start."""

    def __init__(self, condition_dim: int, channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(condition_dim, 2 * channels)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x_BCHW: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.linear(condition)[:, :, None, None].chunk(2, dim=1)
        return x_BCHW * (1 + scale) + shift


class Block(nn.Module):
    """A residual block of two convolutions; the second starts at zero."""

    def __init__(self, channels: int, condition_dim: int) -> None:
        super().__init__()
        self.film = Film(condition_dim, channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, x_BCHW: Tensor, condition: Tensor) -> Tensor:
        hidden = self.conv1(F.silu(self.film(x_BCHW, condition)))
        return x_BCHW + self.conv2(F.silu(hidden))


class Encoder(nn.Module):
    """q(z | x, y): ``mu_BZ`` and ``logvar_BZ`` of a diagonal Gaussian; ``x_BCHW`` in [0, 1]."""

    def __init__(self, config: VaeConfig) -> None:
        super().__init__()
        w, c = config.width, config.condition_dim
        self.stem = nn.Conv2d(1, w, 3, padding=1)
        self.down1 = nn.Conv2d(w, 2 * w, 3, stride=2, padding=1)
        self.block1 = Block(2 * w, c)
        self.down2 = nn.Conv2d(2 * w, 4 * w, 3, stride=2, padding=1)
        self.block2 = Block(4 * w, c)
        self.posterior = nn.Linear(4 * w * 49, 2 * config.latent_dim)

    def forward(self, x_BCHW: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        x = self.down1(F.silu(self.stem(2 * x_BCHW - 1)))
        x = self.down2(F.silu(self.block1(x, condition)))
        x = F.silu(self.block2(x, condition))
        mu, logvar = self.posterior(x.flatten(1)).chunk(2, dim=1)
        return mu, logvar.clamp(-10, 5)


class Decoder(nn.Module):
    """p(x | z, y): Bernoulli logits of ink for each pixel, ``(B, 1, 28, 28)``."""

    def __init__(self, config: VaeConfig) -> None:
        super().__init__()
        w, c = config.width, config.condition_dim
        self.start = nn.Linear(config.latent_dim + c, 4 * w * 49)
        self.block1 = Block(4 * w, c)
        self.up1 = nn.Conv2d(4 * w, 2 * w, 3, padding=1)
        self.block2 = Block(2 * w, c)
        self.up2 = nn.Conv2d(2 * w, w, 3, padding=1)
        self.to_logits = nn.Conv2d(w, 1, 3, padding=1)

    def forward(self, z_BZ: Tensor, condition: Tensor) -> Tensor:
        x = self.start(torch.cat([z_BZ, condition], dim=1)).unflatten(1, (-1, 7, 7))
        x = self.block1(x, condition)
        x = self.block2(self.up1(F.interpolate(F.silu(x), scale_factor=2)), condition)
        x = F.silu(self.up2(F.interpolate(F.silu(x), scale_factor=2)))
        return self.to_logits(x)


class DenseBlock(nn.Module):
    """``x + W2 act(W1 act(x * (1 + s) + b))``; W2 starts at zero."""

    def __init__(self, width: int, condition_dim: int) -> None:
        super().__init__()
        self.film = nn.Linear(condition_dim, 2 * width)
        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)
        for parameter in (self.film.weight, self.film.bias, self.second.weight, self.second.bias):
            nn.init.zeros_(parameter)

    def forward(self, x_BD: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.film(condition).chunk(2, dim=1)
        return x_BD + self.second(F.silu(self.first(F.silu(x_BD * (1 + scale) + shift))))


class DenseEncoder(nn.Module):
    """:class:`Encoder` without convolutions."""

    def __init__(self, config: VaeConfig) -> None:
        super().__init__()
        self.first = nn.Linear(IMAGE_SIZE**2, config.dense_width)
        self.blocks = nn.ModuleList([DenseBlock(config.dense_width, config.condition_dim) for _ in range(2)])
        self.posterior = nn.Linear(config.dense_width, 2 * config.latent_dim)

    def forward(self, x_BCHW: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        x = self.first(2 * x_BCHW.flatten(1) - 1)
        for block in self.blocks:
            x = block(x, condition)
        mu, logvar = self.posterior(F.silu(x)).chunk(2, dim=1)
        return mu, logvar.clamp(-10, 5)


class DenseDecoder(nn.Module):
    """:class:`Decoder` without convolutions."""

    def __init__(self, config: VaeConfig) -> None:
        super().__init__()
        self.joined = config.joined
        self.first = nn.Linear(config.latent_dim + (config.condition_dim if config.joined else 0), config.dense_width)
        self.blocks = nn.ModuleList([DenseBlock(config.dense_width, config.condition_dim) for _ in range(2)])
        self.to_logits = nn.Linear(config.dense_width, IMAGE_SIZE**2)

    def forward(self, z_BZ: Tensor, condition: Tensor) -> Tensor:
        x = self.first(torch.cat([z_BZ, condition], dim=1) if self.joined else z_BZ)
        for block in self.blocks:
            x = block(x, condition)
        return self.to_logits(F.silu(x)).unflatten(1, (1, IMAGE_SIZE, IMAGE_SIZE))


class HandwritingVae(nn.Module):
    """Encoder, decoder and the characters' embedding."""

    def __init__(self, config: VaeConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(len(config.alphabet), config.condition_dim)
        dense = config.dense_width > 0
        self.encoder = DenseEncoder(config) if dense else Encoder(config)
        self.decoder = DenseDecoder(config) if dense else Decoder(config)
        self.prior = RealNvp(config.latent_dim, config.num_couplings)

    def encode(self, x_BCHW: Tensor, characters_B: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior mean and log-variance of the hand that wrote ``x_BCHW``."""
        return self.encoder(x_BCHW, self.embedding(characters_B))

    def decode(self, z_BZ: Tensor, characters_B: Tensor) -> Tensor:
        """Logits of ink: characters in hands."""
        return self.decoder(z_BZ, self.embedding(characters_B))
