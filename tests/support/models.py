"""Small models with known behaviour, and shelves of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from aigc_core.data.corpus import END, START, TEXT
from aigc_core.rnn.hawk import Hawk, HawkConfig
from aigc_core.rnn.openings import PlainOpening
from aigc_core.rnn.tokenizer import BytePairTokenizer, CharacterTokenizer
from aigc_core.serving import DrawnPicture, ImageModel, PictureQuery, PromptError, Reading, TextModel
from tests.support.jobs import card
from workers.shelf import Shelf

ALPHABET = "\nabcdefghijklmnopqrstuvwxyzTB ."


class CountingModel(ImageModel):
    """Draws a grey square of its seed; remembers how many pictures each pass had. A pass can be held up, or made to fail."""

    def __init__(self) -> None:
        super().__init__({"version": "abcd1234", "title": "Digits", "knows": "digits"}, "cpu")
        self.passes: list[int] = []
        self.hold = threading.Event()
        self.hold.set()
        self.error: Exception | None = None
        self.pause_seconds = 0.0

    def read(self, prompt: str) -> Reading:
        if prompt == "nothing":
            raise PromptError("Digits draws digits")
        return Reading(understood=(prompt,), ignored=())

    def draw(self, queries: Sequence[PictureQuery]) -> list[DrawnPicture]:
        self.hold.wait(10)
        time.sleep(self.pause_seconds)
        self.passes.append(len(queries))
        if self.error:
            raise self.error
        return [DrawnPicture(render=partial(Image.new, "L", (4, 4), query.seed % 256), alt=query.prompt) for query in queries]


def text_model() -> TextModel:
    torch.manual_seed(0)
    network = Hawk(HawkConfig(vocab_size=len(ALPHABET), width=16, num_layers=2))
    return TextModel(network, CharacterTokenizer(ALPHABET), {"version": "abcd1234"}, "cpu")


def ending_model() -> TextModel:
    """A model of documents: it reads bytes, and says by chance that a text is at its end."""
    torch.manual_seed(0)
    tokenizer = BytePairTokenizer((), (START, TEXT, END))
    network = Hawk(HawkConfig(vocab_size=tokenizer.vocab_size, width=16, num_layers=2))
    network.embedding.weight.data *= 0.1
    return TextModel(network, tokenizer, {"version": "abcd1234"}, "cpu", PlainOpening(tokenizer, (START, TEXT)))


class FakeShelf(Shelf):
    """A shelf whose models are given."""

    def __init__(self, **models: Any) -> None:
        self.folders = {name: Path() for name in models}
        self.device, self.memory_mib = "cpu", 0.0
        self.cards = {name: card(name, "image" if isinstance(model, ImageModel) else "text") for name, model in models.items()}
        self._loaded = dict(models)
