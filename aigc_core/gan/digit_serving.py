"""Serving the GAN of digits: prompts of figures and number words to digits, one a picture."""

from __future__ import annotations

from PIL import Image
from torch import Tensor

from aigc_core import images, prompts
from aigc_core.gan.condition import Description
from aigc_core.gan.word_serving import WordPictureModel
from aigc_core.serving import PictureQuery, Reading

ENLARGEMENT = 8


class DigitModel(WordPictureModel):
    """Draws one digit a picture. A prompt with several digits gives them in turn; without any, the seed chooses."""

    def read(self, prompt: str) -> Reading:
        digits, ignored = prompts.read_digits(prompt)
        return Reading(understood=tuple(str(digit) for digit in digits), ignored=tuple(ignored))

    def label(self, query: PictureQuery) -> int:
        """The digit of a picture."""
        digits, _ = prompts.read_digits(query.prompt)
        return digits[query.index % len(digits)] if digits else query.seed % 10

    def describe(self, query: PictureQuery) -> Description:
        return ((str(self.label(query)),),)

    def _noise_size(self) -> int:
        return self.config.latent_dim  # the seed chooses the digit itself

    def alt(self, query: PictureQuery) -> str:
        return f"A handwritten digit {self.label(query)}"

    def show(self, x_CHW: Tensor) -> Image.Image:
        return images.crisp(images.to_pil(x_CHW), ENLARGEMENT)
