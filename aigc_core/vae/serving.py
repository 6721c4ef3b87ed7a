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
from aigc_core.serving import DrawnPicture, ImageModel, PictureQuery, Point, PromptError, Reading, TiledGenerator
from aigc_core.vae.copying import cut_characters
from aigc_core.vae.model import IMAGE_SIZE, HandwritingVae

PAPER, INK = (250, 247, 238), (28, 40, 92)
ENLARGEMENT = 5
LINE_CHARACTERS = 24
GAP, SPACE, MARGIN = 3, 9, 6
VISIBLE = 0.25


class HandwritingModel(ImageModel):
    """Writes a text. One z is one hand: it writes every character of the line."""

    def __init__(self, vae: HandwritingVae, card: dict[str, Any], device: str) -> None:
        super().__init__(card, device)
        self.vae = vae.to(device).eval()
        probe = torch.Generator().manual_seed(0)
        u = torch.randn(PROBED_ROWS, vae.config.latent_dim, generator=probe)
        characters = torch.randint(len(vae.config.alphabet), (PROBED_ROWS,), generator=probe)
        self._tiled = TiledGenerator(self._logits, self.vae, u.to(device), characters.to(device))

    def background(self) -> tuple[int, int, int]:
        return (222, 217, 203)

    def read(self, prompt: str) -> Reading:
        line, ignored = prompts.read_line(prompt, self.vae.config.alphabet)
        if not line:
            raise PromptError(f"{self.card['title']} writes {self.card['knows']}")
        return Reading(understood=(line,), ignored=tuple(ignored))

    def _logits(self, u_BZ: Tensor, characters_B: Tensor) -> Tensor:
        return self.vae.decode(self.vae.prior.invert(u_BZ), characters_B)

    @torch.inference_mode()
    def generate(self, u_BZ: Tensor, characters_B: Tensor) -> Tensor:
        """Ink in [0, 1], ``(B, 1, 28, 28)``: each character in its hand, the mean of p(x | z, y); u is standard normal under the prior."""
        return torch.sigmoid(self._tiled(u_BZ.to(self.device), characters_B.to(self.device))).cpu()

    @torch.inference_mode()
    def copy_hand(self, sample: Image.Image, text: str) -> Tensor:
        """The hand ``(Z,)`` that wrote ``text`` in a picture of a line: a noise for :class:`~aigc_core.serving.Point`.

        The posteriors of the characters are multiplied (a mean weighted by precision), because each of them saw the same hand.

        Raises:
            PromptError: the picture cannot be read as that text.
        """
        written = [c for c in self.read(text).understood[0] if c != " "]
        x = cut_characters(sample, written).to(self.device)
        characters = torch.tensor([self.vae.config.alphabet.index(c) for c in written], device=self.device)
        mu, logvar = self.vae.encode(x, characters)
        precision = (-logvar).exp()
        z = (mu * precision).sum(0) / precision.sum(0)
        return self.vae.prior(z[None])[0][0].cpu()

    def points(self, queries: Sequence[PictureQuery]) -> list[Point]:
        """The hand is the noise; the condition are the text's characters as code points."""
        size = self.vae.config.latent_dim
        points = []
        for query in queries:
            text = self.read(query.prompt).understood[0]
            hand = query.truncation * latent(query.seed, query.variations, size)
            points.append(Point(noise=hand, condition=torch.tensor([ord(c) for c in text]), alt=_alt(text)))
        return points

    def blend_conditions(self, first: Tensor, second: Tensor, share: float) -> Tensor:
        """A text between two texts there is none: the first one, in the hand between both."""
        return first

    def decode(self, points: Sequence[Point]) -> list[Tensor]:
        """Lines of ink, ``(1, H, W)`` each, in [-1, 1]."""
        texts = ["".join(chr(int(code)) for code in point.condition) for point in points]
        return [2 * _compose(text, ink).unsqueeze(0) - 1 for text, ink in zip(texts, self._inks(texts, [p.noise for p in points]), strict=True)]

    def show(self, x_CHW: Tensor) -> Image.Image:
        return _on_paper((x_CHW[0] + 1) / 2)

    def _inks(self, texts: Sequence[str], hands: Sequence[Tensor]) -> Sequence[Tensor]:
        """The characters of each line, ``(N, 1, 28, 28)``: all lines in one pass of the decoder."""
        alphabet = self.vae.config.alphabet
        letters = [[alphabet.index(c) for c in text if c != " "] for text in texts]
        u = torch.cat([hand.expand(len(line), -1) for hand, line in zip(hands, letters, strict=True)])
        return self.generate(u, torch.tensor([c for line in letters for c in line])).split([len(line) for line in letters])

    def draw(self, queries: Sequence[PictureQuery]) -> list[DrawnPicture]:
        """All characters of all lines of all queries in one pass of the decoder."""
        texts = [self.read(query.prompt).understood[0] for query in queries]
        size = self.vae.config.latent_dim
        inks = self._inks(texts, [query.truncation * latent(query.seed, query.variations, size) for query in queries])
        return [DrawnPicture(render=partial(_render, text, ink), alt=_alt(text)) for text, ink in zip(texts, inks, strict=True)]


def _alt(text: str) -> str:
    return f"“{text}” written by hand"


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
