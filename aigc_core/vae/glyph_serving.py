"""Serving the glyph VAE: characters that nobody wrote yet, in the manner of an alphabet or of none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from aigc_core import images
from aigc_core.batching import PROBED_ROWS
from aigc_core.seeding import latent
from aigc_core.serving import DrawnPicture, ImageModel, PictureQuery, Point, Reading, TiledGenerator
from aigc_core.vae.model import HandwritingVae

PARCHMENT, INK = (238, 226, 200), (58, 36, 22)
ENLARGEMENT = 5
OTHER_NAMES = {"japanese": "Katakana", "hebrew": "Aramaic", "indian": "Sanskrit", "hangul": "Korean", "filipino": "Tagalog", "roman": "Latin"}
MEANINGLESS = {"a", "an", "the", "character", "characters", "glyph", "glyphs", "letter", "letters", "rune", "runes", "sign", "alphabet", "of", "and"}


class GlyphModel(ImageModel):
    """A condition is a weight for each alphabet, and one for none: characters between two alphabets are as possible as those of one."""

    def __init__(self, vae: HandwritingVae, alphabets: tuple[str, ...], card: dict[str, Any], device: str) -> None:
        super().__init__(card, device)
        self.vae, self.alphabets = vae.to(device).eval(), alphabets
        self._names = {name.lower(): place for place, name in enumerate(alphabets)}
        self._names |= {name: alphabets.index(known) for name, known in OTHER_NAMES.items() if known in alphabets}
        probe = torch.Generator().manual_seed(0)
        u = torch.randn(PROBED_ROWS, vae.config.latent_dim, generator=probe)
        weights = torch.rand(PROBED_ROWS, len(alphabets) + 1, generator=probe)
        self._tiled = TiledGenerator(self._logits, self.vae, u.to(device), weights.to(device))

    def background(self) -> tuple[int, int, int]:
        return (206, 190, 158)

    def read(self, prompt: str) -> Reading:
        words = re.findall(r"[^\W_]+", prompt.lower())
        understood = dict.fromkeys(self.alphabets[self._names[word]] for word in words if word in self._names)
        ignored = dict.fromkeys(word for word in words if word not in self._names and word not in MEANINGLESS)
        return Reading(understood=tuple(understood), ignored=tuple(ignored))

    def points(self, queries: Sequence[PictureQuery]) -> list[Point]:
        size = self.vae.config.latent_dim
        return [self._point(query, query.truncation * latent(query.seed, query.variations, size)) for query in queries]

    def _point(self, query: PictureQuery, noise: Tensor) -> Point:
        named = self.read(query.prompt).understood
        weights = torch.zeros(len(self.alphabets) + 1)
        places = [self.alphabets.index(name) for name in named] or [len(self.alphabets)]
        weights[places] = 1 / len(places)
        manner = f"in the manner of {' and '.join(named)}" if named else "of an unknown alphabet"
        return Point(noise=noise, condition=weights, alt=f"An invented character {manner}")

    def nothing_said(self) -> Tensor:
        """No alphabet named."""
        return torch.nn.functional.one_hot(torch.tensor(len(self.alphabets)), len(self.alphabets) + 1).float()

    def _logits(self, u_BZ: Tensor, weights_BA: Tensor) -> Tensor:
        return self.vae.decoder(self.vae.prior.invert(u_BZ), weights_BA @ self.vae.embedding.weight)

    def decode(self, points: Sequence[Point]) -> list[Tensor]:
        """Ink ``(1, 28, 28)`` in [-1, 1]."""
        u = torch.stack([point.noise for point in points]).to(self.device)
        weights = torch.stack([point.condition for point in points]).to(self.device)
        followed = torch.is_grad_enabled() and (u.requires_grad or weights.requires_grad)
        logits = self._logits(u, weights) if followed else self._tiled(u, weights)
        return list((2 * torch.sigmoid(logits) - 1).cpu())

    @torch.inference_mode()
    def encode(self, x_CHW: Tensor, start: Point) -> Tensor:
        """The noise ``(Z,)`` of the posterior's mean of a picture, given ``start``'s alphabets."""
        condition = start.condition.to(self.device)[None] @ self.vae.embedding.weight
        mu, _ = self.vae.encoder((x_CHW[None].to(self.device) + 1) / 2, condition)
        return self.vae.prior(mu)[0][0].cpu()

    def show(self, x_CHW: Tensor) -> Image.Image:
        mask = images.crisp(images.to_pil(x_CHW), ENLARGEMENT)
        return Image.composite(Image.new("RGB", mask.size, INK), Image.new("RGB", mask.size, PARCHMENT), mask)

    def draw(self, queries: Sequence[PictureQuery]) -> list[DrawnPicture]:
        points = self.points(queries)
        with torch.inference_mode():
            drawn = self.decode(points)
        return [DrawnPicture(render=partial(self.show, x), alt=point.alt) for x, point in zip(drawn, points, strict=True)]
