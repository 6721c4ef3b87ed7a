"""Serving the handwriting VAE: a line of characters, all in one hand, on paper."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from aigc_core import images, prompts
from aigc_core.batching import PROBED_ROWS
from aigc_core.seeding import latent
from aigc_core.serving import DrawnPicture, ImageModel, PictureQuery, PromptError, Reading, TiledGenerator
from aigc_core.vae.model import IMAGE_SIZE, HandwritingVae

PAPER, INK = (250, 247, 238), (28, 40, 92)
ENLARGEMENT = 5
LINE_CHARACTERS = 24
GAP, SPACE, MARGIN = 3, 9, 6
VISIBLE = 0.25


class HandwritingModel(ImageModel):
    """Writes numbers and dates. One z is one hand: it writes every character of the line."""

    def __init__(self, vae: HandwritingVae, card: dict[str, Any], device: str) -> None:
        super().__init__(card, device)
        self.vae = vae.to(device).eval()
        probe = torch.Generator().manual_seed(0)
        z = torch.randn(PROBED_ROWS, vae.config.latent_dim, generator=probe)
        characters = torch.randint(len(vae.config.alphabet), (PROBED_ROWS,), generator=probe)
        self._tiled = TiledGenerator(self.vae.decode, self.vae, z.to(device), characters.to(device))

    def background(self) -> tuple[int, int, int]:
        return (222, 217, 203)

    def read(self, prompt: str) -> Reading:
        line, ignored = prompts.read_line(prompt, self.vae.config.alphabet)
        if not line:
            raise PromptError(f"{self.card['title']} writes {self.card['knows']}")
        return Reading(understood=(line,), ignored=tuple(ignored))

    @torch.inference_mode()
    def generate(self, z_BZ: Tensor, characters_B: Tensor) -> Tensor:
        """Ink in [0, 1], ``(B, 1, 28, 28)``: each character in its hand, the mean of p(x | z, y)."""
        return torch.sigmoid(self._tiled(z_BZ.to(self.device), characters_B.to(self.device))).cpu()

    def draw(self, queries: Sequence[PictureQuery]) -> list[DrawnPicture]:
        """All characters of all lines of all queries in one pass of the decoder."""
        texts = [self.read(query.prompt).understood[0] for query in queries]
        size, alphabet = self.vae.config.latent_dim, self.vae.config.alphabet
        hands = [query.truncation * latent(query.seed, query.variations, size) for query in queries]
        letters = [[alphabet.index(c) for c in text if c != " "] for text in texts]
        z = torch.cat([hand.expand(len(line), -1) for hand, line in zip(hands, letters, strict=True)])
        inks = self.generate(z, torch.tensor([c for line in letters for c in line])).split([len(line) for line in letters])
        return [DrawnPicture(render=partial(_render, text, ink), alt=f"“{text}” written by hand") for text, ink in zip(texts, inks, strict=True)]


def _render(text: str, ink_NCHW: Tensor) -> Image.Image:
    return _on_paper(_compose(text, ink_NCHW))


def _compose(text: str, ink_NCHW: Tensor) -> Tensor:
    """Set characters in lines: ``(H, W)`` of ink. Each keeps its height in the line; its width is where its ink is."""
    glyphs = iter(ink_NCHW[:, 0])
    lines = []
    for line in textwrap.wrap(text, LINE_CHARACTERS, break_on_hyphens=False):
        parts = [torch.zeros(IMAGE_SIZE, SPACE) if c == " " else _trim(next(glyphs)) for c in line]
        gap = torch.zeros(IMAGE_SIZE, GAP)
        lines.append(torch.cat([piece for part in parts for piece in (part, gap)][:-1], dim=1))
        # textwrap drops the space at which it breaks; spaces have no glyph, so the order of glyphs is kept.
    width = max(line.shape[1] for line in lines)
    padded = [torch.nn.functional.pad(line, (MARGIN, MARGIN + width - line.shape[1])) for line in lines]
    return torch.nn.functional.pad(torch.cat(padded), (0, 0, MARGIN, MARGIN))


def _trim(ink_HW: Tensor) -> Tensor:
    """The columns from the first to the last with visible ink (at least two)."""
    columns = (ink_HW.amax(0) > VISIBLE).nonzero().flatten()
    if len(columns) == 0:
        return ink_HW[:, IMAGE_SIZE // 2 - 1 : IMAGE_SIZE // 2 + 1]
    return ink_HW[:, int(columns[0]) : int(columns[-1]) + 1]


def _on_paper(ink_HW: Tensor) -> Image.Image:
    """Blue ink on cream paper."""
    mask = images.crisp(images.to_pil(2 * ink_HW.unsqueeze(0) - 1), ENLARGEMENT)
    return Image.composite(Image.new("RGB", mask.size, INK), Image.new("RGB", mask.size, PAPER), mask)
