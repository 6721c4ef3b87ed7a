"""How many of a model's digits the judge recognises as the digit asked for (GAN-test, Shmelkov et al. 2018)."""

from __future__ import annotations

import torch
from torch import Tensor

from aigc_core.data.fonts import load_fonts
from aigc_core.evaluation.judge import Judge
from aigc_core.gan.digit_serving import DigitModel
from aigc_core.seeding import latent
from aigc_core.serving import ImageModel, PictureQuery
from aigc_core.vae.hands import random_hands, write
from aigc_core.vae.serving import HandwritingModel


def digit_samples(model: ImageModel, count: int, truncation: float = 1.0, first_seed: int = 0) -> tuple[Tensor, Tensor]:
    """``count`` pictures ``x_NCHW`` in [-1, 1] of the digits 0-9 in turn, each with a seed of its own, and the digits asked for."""
    labels = torch.arange(count) % 10
    seeds = [first_seed + index for index in range(count)]
    if isinstance(model, DigitModel):
        queries = [PictureQuery(prompt=str(int(y)), seed=s, truncation=truncation) for y, s in zip(labels, seeds, strict=True)]
        return torch.cat([model.generate(queries[i : i + 250]) for i in range(0, count, 250)]), labels
    if isinstance(model, HandwritingModel):
        size, alphabet = model.vae.config.latent_dim, model.vae.config.alphabet
        z = truncation * torch.stack([latent(seed, (), size) for seed in seeds])
        characters = torch.tensor([alphabet.index(str(int(y))) for y in labels])
        return 2 * model.generate(z, characters) - 1, labels
    raise TypeError(f"{type(model).__name__} does not draw digits")


def recognised_share(model: ImageModel, judge: Judge, count: int = 1000, truncation: float = 1.0) -> float:
    """Share of ``count`` samples in which the judge sees the digit asked for."""
    pictures, labels = digit_samples(model, count, truncation)
    return judge.accuracy(pictures.clamp(-1, 1), labels)


def made_share(judge: Judge, count: int = 1000) -> float:
    """What the judge, who saw people's digits only, recognises of digits in hands made from fonts: half of what a handwriting model learns from.

    Raises:
        DataError: a font cannot be had.
    """
    rng = torch.Generator().manual_seed(0)
    fonts = load_fonts("0123456789")
    labels = torch.arange(count) % 10
    return judge.accuracy(2 * write(fonts, random_hands(count, len(fonts), rng), labels, rng) - 1, labels)
