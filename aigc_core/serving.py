"""What a trained model offers to whoever serves it, whatever its family."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from aigc_core.batching import Tile, in_tiles, lay_out, measure_tile
from aigc_core.rnn.ending import has_ended
from aigc_core.rnn.forms import Guide
from aigc_core.rnn.language_model import RecurrentLanguageModel
from aigc_core.rnn.openings import ListOpening, Opening, PlainOpening
from aigc_core.rnn.sampling import Recency, SamplerRows, SamplerSettings, Uniforms, sample
from aigc_core.rnn.stepper import Stepper
from aigc_core.rnn.tokenizer import Tokenizer, Transcript

PREFILL_CHUNK = 128
"""Tokens of a prompt that are read in one pass; part of what a seed means, because sums depend on it."""
STEPPED = 16
"""So many tokens, or fewer, are read a step at a time, along with the texts that are being written: as rows of their batch they cost less than
a pass of their own. Part of what a seed means, too."""


class PromptError(ValueError):
    """A prompt of which the model can make nothing; the message says what it knows."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a model made of a prompt: the parts that it follows, and those that mean nothing to it."""

    understood: tuple[str, ...]
    ignored: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PictureQuery:
    """One picture. ``index`` is its place in the request: a prompt that names several things gives them in turn.

    ``variations`` are ``(seed, strength)`` moves of the latent; ``truncation`` scales it (psi).
    """

    prompt: str
    seed: int
    index: int = 0
    variations: tuple[tuple[int, float], ...] = ()
    truncation: float = 1.0


@dataclass(frozen=True, kw_only=True)
class DrawnPicture:
    """A picture for a person, and its description in words; rendered when first asked for, by whoever asks, when the device is free again."""

    render: Callable[[], Image.Image]
    alt: str

    @cached_property
    def image(self) -> Image.Image:
        """The picture."""
        return self.render()


class CannotDoError(ValueError):
    """This kind of model cannot do this; the message says which can."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """A picture as a place in a model's latent space: standard normal noise ``(Z,)``, and the condition ``(C,)`` under which it is drawn."""

    noise: Tensor
    condition: Tensor
    alt: str


class ImageModel(ABC):
    """A generator of pictures."""

    num_stages = 0
    """Stages whose styles can be mixed: equal slices of the noise, coarse to fine. 0: this model has no such stages."""

    def __init__(self, card: dict[str, Any], device: str) -> None:
        self.card, self.device = card, device

    @abstractmethod
    def read(self, prompt: str) -> Reading:
        """What the model understands of a prompt.

        Raises:
            PromptError: nothing that it could draw.
        """

    @abstractmethod
    def draw(self, queries: Sequence[PictureQuery]) -> list[DrawnPicture]:
        """All pictures in one pass; each depends on its own query only."""

    def points(self, queries: Sequence[PictureQuery]) -> list[Point]:
        """Where these pictures lie in latent space."""
        raise CannotDoError(f"{self.card['title']} has no latent space to work in")

    def decode(self, points: Sequence[Point]) -> list[Tensor]:
        """``x_CHW`` of points in about [-1, 1], in one pass; gradients reach the points where their tensors ask for them."""
        raise CannotDoError(f"{self.card['title']} has no latent space to work in")

    def encode(self, x_CHW: Tensor, start: Point) -> Tensor:
        """A noise whose picture resembles ``x_CHW`` in one step, where a model has an encoder; else that of ``start``."""
        return start.noise

    def show(self, x_CHW: Tensor) -> Image.Image:
        """A decoded picture as people see it."""
        raise CannotDoError(f"{self.card['title']} has no latent space to work in")

    def blend_conditions(self, first: Tensor, second: Tensor, share: float) -> Tensor:
        """The condition between two: on the straight line, because a condition is a vector of words' meanings."""
        return torch.lerp(first, second, share)

    def nothing_said(self) -> Tensor:
        """The condition ``(C,)`` of an empty description: what guidance moves away from."""
        raise CannotDoError(f"{self.card['title']} always needs a description; guidance works with models that were trained without one too")

    def background(self) -> tuple[int, int, int]:
        """The colour between the pictures of a sheet."""
        return (24, 25, 28)


class TiledGenerator:
    """A generator as it is served: in tiles that keep every picture's bytes its own, whoever else is in the pass."""

    def __init__(self, generate: Callable[..., Tensor], network: nn.Module, *probes: Tensor) -> None:
        lay_out(network)
        self._generate = lambda *arguments: (generate(*arguments),)
        with torch.inference_mode():
            self.tile: Tile = measure_tile(self._generate, *probes)

    @torch.inference_mode()
    def __call__(self, *arguments: Tensor) -> Tensor:
        """``x_BCHW`` of B rows of arguments."""
        return in_tiles(self._generate, self.tile, *arguments)[0]


class TextModel:
    """A recurrent language model with its tokenizer."""

    def __init__(
        self,
        network: RecurrentLanguageModel,
        tokenizer: Tokenizer,
        card: dict[str, Any],
        device: str,
        opening: Opening | None = None,
        writing: Mapping[str, float] | None = None,
        start_1S: Tensor | None = None,
        fewest_lines: int = 1,
    ) -> None:
        """``start_1S``: the state from which every text begins, where that is not a blank one (see :mod:`aigc_core.rnn.persona`);
        ``fewest_lines``: a text does not end before it has so many."""
        self._start_1S, self.fewest_lines = start_1S, fewest_lines
        self.writing = dict(writing or {})
        self.network, self.tokenizer, self.card, self.device = network.to(device).eval(), tokenizer, card, device
        self.stepper, self.opening = Stepper(self.network, device), opening or PlainOpening(tokenizer)
        self.end = self.opening.end
        # No control but the end is ever written.
        self.banned = frozenset(token for token in range(tokenizer.vocab_size) if not tokenizer.piece(token) and token != self.end)
        ends_line = [token == self.end or tokenizer.piece(token).startswith(b"\n") for token in range(tokenizer.vocab_size)]
        self._inside_a_line = ~torch.tensor(ends_line)
        self._anything_but_end = torch.arange(tokenizer.vocab_size) != (-1 if self.end is None else self.end)

    @property
    def begins_otherwise(self) -> bool:
        """Whether this is a manner of writing of another model."""
        return self._start_1S is not None

    def start(self) -> Tensor:
        """The state ``(1, S)`` before any token of a new text."""
        return self.network.initial_state(1, self.device) if self._start_1S is None else self._start_1S.to(self.device)

    def settings(self, temperature: float, favoured: frozenset[int] = frozenset()) -> SamplerSettings:
        """How a text of this model is sampled; ``favoured`` tokens are those of what it shall be about."""
        return SamplerSettings(temperature=temperature, banned=self.banned, favoured=favoured, **self.writing)  # type: ignore[arg-type]  # numbers of the configuration

    def allowed(self, guide: Guide | None, written: str) -> Tensor | None:
        """``(V,)``: what a form allows next, or everything but the end while there are too few lines; None where everything may be written."""
        if guide is not None:
            return guide.allowed()
        if isinstance(self.opening, ListOpening) and self.opening.goes_on(written):
            return self._inside_a_line
        lines = written.strip().count("\n") + 1 if written.strip() else 0
        return self._anything_but_end if self.end is not None and lines < self.fewest_lines else None

    @torch.inference_mode()
    def prefill(self, tokens: Sequence[int], state_1S: Tensor) -> tuple[Tensor, Tensor]:
        """Read tokens in one parallel pass: ``logits_V`` after the last, and the state ``(1, S)``."""
        logits_BTV, state = self.network(torch.tensor([list(tokens)], device=self.device), state_1S)
        return logits_BTV[0, -1], state

    @torch.inference_mode()
    def step(self, tokens_B: Tensor, state_BS: Tensor) -> tuple[Tensor, Tensor]:
        """One token of each text: ``logits_BV`` and the next state."""
        logits_BV, state_BS = self.stepper(tokens_B, state_BS)
        return logits_BV, state_BS

    def write(self, prompt: str, length: int, settings: SamplerSettings, seed: int) -> str:
        """The ``length`` characters, and those to a decent end, that follow ``prompt``: the same as in a batch of many."""
        opened = self.opening.open(prompt, length, continues=False)
        tokens, guide = opened.tokens, opened.guide
        state = self.start()
        while len(tokens) > STEPPED:
            logits_V, state = self.prefill(tokens[:PREFILL_CHUNK], state)
            logits_BV, tokens = logits_V.unsqueeze(0), tokens[PREFILL_CHUNK:]
        for token in tokens:
            logits_BV, state = self.step(torch.tensor([token]), state)
        settings = replace(settings, favoured=settings.favoured | opened.favoured)
        rows, uniforms, transcript = SamplerRows([settings], self.network.vocab_size), Uniforms(seed), Transcript()
        transcript.add(opened.lead.encode())
        recency, sampled = Recency.none(1, self.network.vocab_size), torch.ones(1, dtype=torch.bool)
        while guide or not has_ended(transcript.text[len(opened.lead) :], length):
            allowed_V = self.allowed(guide, transcript.text)
            token_B = sample(logits_BV, rows, [uniforms.next()], recency, None if allowed_V is None else allowed_V.unsqueeze(0))
            if guide:
                guide.take(int(token_B))
            if int(token_B) == self.end:
                break
            recency.note(token_B, rows, sampled)
            transcript.add(self.tokenizer.piece(int(token_B)))
            logits_BV, state = self.step(token_B, state)
        return transcript.text


__all__ = ["DrawnPicture", "ImageModel", "PictureQuery", "PromptError", "Reading", "SamplerSettings", "TextModel"]
