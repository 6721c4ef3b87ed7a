"""Serving text-conditional picture GANs: prompts to descriptions to pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from aigc_core import images
from aigc_core.batching import PROBED_ROWS
from aigc_core.gan.condition import Description
from aigc_core.gan.picture_training import WordGenerator
from aigc_core.gan.word_prompts import WordReader
from aigc_core.seeding import latent
from aigc_core.serving import DrawnPicture, ImageModel, PictureQuery, Point, Reading, TiledGenerator
from aigc_core.upscaling import Upscaler

SHOWN_SIZE = 256
SMALLEST_SMOOTH = 64
"""Pictures of fewer pixels are pixel art: enlarged by whole pixels."""


@dataclass(frozen=True, kw_only=True)
class Lexicon:
    """What a model knows to draw: the known phrases of each slot. ``closed`` slots take these only, and the seed fills those left open.

    ``spread`` is what standard normal noise is multiplied with before it is drawn: less than 1 where a model that has seen few pictures is at its
    best near the middle (truncation, Brock et al. 2019, arXiv 1809.11096, section 3.1).
    """

    phrases: tuple[tuple[tuple[str, ...], ...], ...]
    closed: bool = False
    spread: float = 1.0


class WordPictureModel(ImageModel):
    """Draws what words say. Where they say nothing, the seed chooses among what the model knows."""

    def __init__(self, network: WordGenerator, lexicon: Lexicon, card: dict[str, Any], device: str, upscaler: Upscaler | None = None) -> None:
        super().__init__(card, device)
        self.upscaler = upscaler
        self.network = network.to(device, memory_format=torch.channels_last).eval()
        self.num_stages = network.generator.config.num_stages
        self.words, self.config, self.lexicon = network.words.config, network.generator.config, lexicon
        self.reader = WordReader(slots=self.words.slots, phrases=lexicon.phrases, vocabulary=self.words.vocabulary, closed=lexicon.closed)
        probe = torch.Generator().manual_seed(0)
        z = torch.randn(PROBED_ROWS, self.config.latent_dim, generator=probe)
        c = torch.randn(PROBED_ROWS, self.config.condition_dim, generator=probe)
        self._tiled = TiledGenerator(self.network.generator, self.network.generator, z.to(device), c.to(device))

    def read(self, prompt: str) -> Reading:
        reading = self.reader.read(prompt)
        understood = [self._say(slot, phrase) for slot, phrase in zip(self.words.slots, reading.description, strict=True) if phrase]
        return Reading(understood=tuple(understood), ignored=reading.ignored)

    def describe(self, query: PictureQuery) -> Description:
        """What a picture shows: the prompt's words, and in slots left open what the seed chooses."""
        said = self.reader.read(query.prompt).description
        if any(said) and not self.lexicon.closed:
            return said
        noise = latent(query.seed, query.variations, self._noise_size())[self.config.latent_dim :]
        chances = noise.split([len(phrases) for phrases in self.lexicon.phrases])
        named = {slot for slot, phrase in zip(self.words.slots, said, strict=True) if phrase}
        rows = zip(said, self.lexicon.phrases, chances, strict=True)
        return tuple(phrase or _chosen(phrases, chance, named) for phrase, phrases, chance in rows)

    def _noise_size(self) -> int:
        return self.config.latent_dim + sum(len(phrases) for phrases in self.lexicon.phrases)

    def latents(self, queries: Sequence[PictureQuery]) -> Tensor:
        """``z_BZ`` of pictures."""
        size = self.config.latent_dim
        return torch.stack([query.truncation * latent(query.seed, query.variations, self._noise_size())[:size] for query in queries])

    @torch.no_grad()
    def conditions(self, descriptions: Sequence[Description]) -> Tensor:
        """``c_BC``, each read by itself so that neighbours change nothing."""
        return torch.cat([self.network.words([description]) for description in descriptions])

    def points(self, queries: Sequence[PictureQuery]) -> list[Point]:
        latents, conditions = self.latents(queries), self.conditions([self.describe(query) for query in queries])
        rows = zip(latents, conditions, queries, strict=True)
        return [Point(noise=z, condition=c, alt=self.alt(query)) for z, c, query in rows]

    def decode(self, points: Sequence[Point]) -> list[Tensor]:
        z = self.lexicon.spread * torch.stack([point.noise for point in points]).to(self.device)
        c = torch.stack([point.condition for point in points]).to(self.device)
        if torch.is_grad_enabled() and (z.requires_grad or c.requires_grad):
            return list(self.network.generator(z, c))
        return list(self._tiled(z, c).cpu())

    def nothing_said(self) -> Tensor:
        with torch.no_grad():
            return self.network.words([((),) * len(self.words.slots)])[0].clone()

    def show(self, x_CHW: Tensor) -> Image.Image:
        """A picture for people: pixel art by whole pixels, larger pictures smoothly, the first doubling by the learned upscaler."""
        smooth = x_CHW.shape[-1] >= SMALLEST_SMOOTH
        if smooth and self.upscaler is not None:
            x_CHW = self.upscaler.double(x_CHW.detach())
        return images.enlarge(images.to_pil(x_CHW), max(1, math.ceil(SHOWN_SIZE / x_CHW.shape[-1])), smooth=smooth)

    def generate(self, queries: Sequence[PictureQuery]) -> Tensor:
        """``x_BCHW`` of all queries as the network draws them."""
        return torch.stack(self.decode(self.points(queries)))

    def draw(self, queries: Sequence[PictureQuery]) -> list[DrawnPicture]:
        pictures = self.generate(queries)
        return [DrawnPicture(render=partial(self.show, x), alt=self.alt(query)) for x, query in zip(pictures, queries, strict=True)]

    def alt(self, query: PictureQuery) -> str:
        """The picture in words."""
        said = [self._say(slot, phrase) for slot, phrase in zip(self.words.slots, self.describe(query), strict=True) if phrase]
        return f"{self.card['title']}: {', '.join(said)}"

    def _say(self, slot: str, phrase: tuple[str, ...]) -> str:
        return " ".join(phrase) if len(self.words.slots) == 1 else f"{' '.join(phrase)} {slot}"


def _chosen(phrases: Sequence[tuple[str, ...]], chance_N: Tensor, named: set[str]) -> tuple[str, ...]:
    """The phrase with the largest of independent normals: uniform, and the same in most small variations of the noise.

    A phrase that speaks of a slot which the prompt fills is left alone: a "body gradient" would hide the gold body that was asked for.
    """
    allowed = torch.tensor([not named & set(phrase) for phrase in phrases])
    return phrases[int(torch.where(allowed, chance_N, -torch.inf).argmax())]
