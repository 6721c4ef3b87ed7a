"""Serving the class-conditional digit GAN: prompts to digits to pictures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from aigc_core import images, prompts
from aigc_core.batching import PROBED_ROWS
from aigc_core.gan.networks import Generator
from aigc_core.seeding import latent
from aigc_core.serving import DrawnPicture, ImageModel, PictureQuery, Point, Reading, TiledGenerator

ENLARGEMENT = 8


class DigitModel(ImageModel):
    """Draws one digit a picture. A prompt with several digits gives them in turn; without any, the seed chooses."""

    def __init__(self, generator: Generator, card: dict[str, Any], device: str) -> None:
        super().__init__(card, device)
        self.generator = generator.to(device).eval()
        probe = torch.Generator().manual_seed(0)
        z = torch.randn(PROBED_ROWS, generator.config.latent_dim, generator=probe)
        labels = torch.randint(generator.config.num_classes, (PROBED_ROWS,), generator=probe)
        self._tiled = TiledGenerator(self.generator, self.generator, z.to(device), labels.to(device))

    def read(self, prompt: str) -> Reading:
        digits, ignored = prompts.read_digits(prompt)
        return Reading(understood=tuple(str(digit) for digit in digits), ignored=tuple(ignored))

    def label(self, query: PictureQuery) -> int:
        """The digit of a picture."""
        digits, _ = prompts.read_digits(query.prompt)
        return digits[query.index % len(digits)] if digits else query.seed % 10

    @torch.inference_mode()
    def generate(self, queries: Sequence[PictureQuery]) -> Tensor:
        """``x_BCHW`` of all queries as the network draws them, 28x28 in about [-1, 1]."""
        size = self.generator.config.latent_dim
        z = torch.stack([query.truncation * latent(query.seed, query.variations, size) for query in queries])
        labels = torch.tensor([self.label(query) for query in queries])
        return self._tiled(z.to(self.device), labels.to(self.device)).cpu()

    def points(self, queries: Sequence[PictureQuery]) -> list[Point]:
        size = self.generator.config.latent_dim
        return [
            Point(
                noise=query.truncation * latent(query.seed, query.variations, size),
                condition=self.generator.embedding.weight[self.label(query)].detach().cpu().clone(),
                alt=_alt(self.label(query)),
            )
            for query in queries
        ]

    def decode(self, points: Sequence[Point]) -> list[Tensor]:
        z, c = torch.stack([point.noise for point in points]), torch.stack([point.condition for point in points])
        return list(self.generator.draw(z.to(self.device), c.to(self.device)).cpu())

    def show(self, x_CHW: Tensor) -> Image.Image:
        return _render(x_CHW)

    def draw(self, queries: Sequence[PictureQuery]) -> list[DrawnPicture]:
        drawn = zip(self.generate(queries), queries, strict=True)
        return [DrawnPicture(render=partial(_render, x_CHW), alt=_alt(self.label(query))) for x_CHW, query in drawn]


def _alt(label: int) -> str:
    return f"A handwritten digit {label}"


def _render(x_CHW: Tensor) -> Image.Image:
    return images.crisp(images.to_pil(x_CHW), ENLARGEMENT)
