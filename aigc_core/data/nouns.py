"""Nouns (nounsDAO, CC0): parts of 32x32 cartoon characters, each with a name, which compose into 50 million exactly labelled pictures."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aigc_core.data.sources import DataError, NotHereError, Source, locate

LICENCE = "CC0"
CREDIT = "Nouns artwork by the Nouns DAO and its contributors"
SIZE = 32
SLOTS = ("background", "body", "accessory", "head", "glasses")
"""From the back to the front."""
_HOME = "https://raw.githubusercontent.com/nounsDAO/nouns-monorepo/86a781ecf199cd26825c047c94b9b4946b73ff04/packages/nouns-assets/src/image-data.json"
_PLURALS = {"body": "bodies", "accessory": "accessories", "head": "heads", "glasses": "glasses"}
_BACKGROUNDS = ("cool", "warm")
PARTS = Source(
    path="nouns/nouns-parts.npz", url=_HOME, sha256=("9e8c56d878250f8291b6e9e3520d4cbbd30b030b5ffa30f13cbca398b920f6f5",),
    licence=LICENCE, credit=CREDIT, prepared="the parts as arrays",
)  # fmt: skip
NAMES = Source(
    path="nouns/names.json", url=_HOME, sha256=("80fc33ffa03b67197a6eaefd4208c8051c1a6059f46994e5e489c14d17c49bd3",),
    licence=LICENCE, credit=CREDIT, prepared="the parts' names",
)  # fmt: skip
ORIGINAL = Source(path="nouns/image-data.json", url=_HOME, sha256=(), licence=LICENCE, credit=CREDIT)
ARTWORK_SHA256 = "797396af1d97743186dec037ea255f9760e8df87854dbd3bf07e5c04075f5d1a"
"""Of the decoded artwork (:func:`artwork_digest`): the original file has been reformatted over time, its content has not."""


@dataclass(frozen=True, kw_only=True)
class Nouns:
    """The parts. ``layers[slot]`` is ``(N, 4, 32, 32)``, colours times opacity and opacity, in [0, 1]; ``names[slot]`` says what each is."""

    layers: dict[str, Tensor]
    names: dict[str, tuple[str, ...]]

    def num_parts(self, slot: str) -> int:
        """How many parts a slot has."""
        return len(self.names[slot])

    def compose(self, choices_BS: Tensor) -> Tensor:
        """``x_BCHW`` in [-1, 1], RGB: the parts with these numbers, one for each of :data:`SLOTS`, laid over each other."""
        x_BCHW = torch.zeros(len(choices_BS), 3, SIZE, SIZE)
        for index, slot in enumerate(SLOTS):
            layer = self.layers[slot][choices_BS[:, index]]
            x_BCHW = x_BCHW * (1 - layer[:, 3:]) + layer[:, :3]
        return 2 * x_BCHW - 1

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """``choices_BS``: random parts for ``count`` characters."""
        return torch.stack([torch.randint(self.num_parts(slot), (count,), generator=generator) for slot in SLOTS], dim=1)

    def describe(self, choice_S: Tensor) -> str:
        """The character in words: "pizza head, square red glasses, gold body, heart accessory, cool background"."""
        words = {slot: self.names[slot][number] for slot, number in zip(SLOTS, choice_S.tolist(), strict=True)}
        return ", ".join(f"{words[slot]} {slot}" for slot in ("head", "glasses", "body", "accessory", "background"))


@dataclass(frozen=True, kw_only=True)
class Artwork:
    """The parts as they come: ``palette_P4`` of 8-bit RGBA, ``backgrounds_N3``, and for each other slot its pictures of palette numbers and names."""

    palette_P4: np.ndarray
    backgrounds_N3: np.ndarray
    numbers: dict[str, np.ndarray]
    names: dict[str, list[str]]


def load_nouns() -> Nouns:
    """All parts: prepared arrays where they are, else the project's own file, downloaded and decoded.

    Raises:
        DataError: the files cannot be had or do not fit each other.
    """
    artwork = _prepared() or _original()
    if artwork_digest(artwork) != ARTWORK_SHA256:
        raise DataError("the Nouns artwork is not what it should be; delete its file and try again")
    palette = torch.from_numpy(artwork.palette_P4).float() / 255
    layers = {slot: _coloured(torch.from_numpy(numbers), palette) for slot, numbers in artwork.numbers.items()}
    layers["background"] = _plain(torch.from_numpy(artwork.backgrounds_N3))
    names = {slot: clean_names(raw) for slot, raw in artwork.names.items()} | {"background": _BACKGROUNDS}
    return Nouns(layers=layers, names=names)


def artwork_digest(artwork: Artwork) -> str:
    """SHA-256 over all arrays and names in a fixed order."""
    digest = hashlib.sha256(artwork.palette_P4.tobytes() + artwork.backgrounds_N3.tobytes())
    for slot in _PLURALS:
        digest.update(artwork.numbers[slot].tobytes())
        digest.update("\n".join(artwork.names[slot]).encode())
    return digest.hexdigest()


def _prepared() -> Artwork | None:
    try:
        parts, raw = locate(PARTS), json.loads(locate(NAMES).read_text(encoding="utf-8"))
    except NotHereError:
        return None  # the original will do
    with np.load(parts) as arrays:
        numbers = {slot: arrays[plural].astype(np.uint8) for slot, plural in _PLURALS.items()}
        palette, backgrounds = arrays["palette"].astype(np.uint8), arrays["backgrounds"].astype(np.uint8)
    return Artwork(palette_P4=palette, backgrounds_N3=backgrounds, numbers=numbers, names={slot: raw[plural] for slot, plural in _PLURALS.items()})


def _original() -> Artwork:
    return read_artwork(json.loads(locate(ORIGINAL).read_text(encoding="utf-8")))


def read_artwork(raw: dict[str, Any]) -> Artwork:
    """The artwork from the form in which the Nouns DAO publishes it: colours as hexadecimal words, pictures run-length encoded.

    A picture is ``0x``, a byte for the palette, four for its box (top, right, bottom, left), then pairs of bytes: run length and colour, row by row
    inside the box; colour 0 is nothing.
    """
    colours = [_hex_colour(word) for word in raw["palette"]]
    groups = {slot: raw["images"][plural] for slot, plural in _PLURALS.items()}
    return Artwork(
        palette_P4=np.array([(*rgb, 255 if word else 0) for word, rgb in zip(raw["palette"], colours, strict=True)], dtype=np.uint8),
        backgrounds_N3=np.array([_hex_colour(word) for word in raw["bgcolors"]], dtype=np.uint8),
        numbers={slot: np.stack([_decode_runs(item["data"]) for item in group]) for slot, group in groups.items()},
        names={slot: [item["filename"] for item in group] for slot, group in groups.items()},
    )


def _hex_colour(word: str) -> tuple[int, int, int]:
    return (int(word[0:2], 16), int(word[2:4], 16), int(word[4:6], 16)) if word else (0, 0, 0)


def _decode_runs(data: str) -> np.ndarray:
    """``(32, 32)`` palette numbers."""
    _, top, right, _bottom, left, *runs = bytes.fromhex(data.removeprefix("0x"))
    pixels = [number for length, number in zip(runs[::2], runs[1::2], strict=True) for _ in range(length)]
    picture = np.zeros((SIZE, SIZE), dtype=np.uint8)
    width = right - left
    height = -(-len(pixels) // width) if width else 0
    box = np.zeros(height * width, dtype=np.uint8)
    box[: len(pixels)] = pixels
    picture[top : top + height, left:right] = box.reshape(height, width)
    return picture


def _coloured(numbers_NHW: Tensor, palette_P4: Tensor) -> Tensor:
    colours = palette_P4[numbers_NHW.long()].permute(0, 3, 1, 2)
    return torch.cat([colours[:, :3] * colours[:, 3:], colours[:, 3:]], dim=1)


def _plain(colours_N3: Tensor) -> Tensor:
    opaque = torch.cat([colours_N3.float() / 255, torch.ones(len(colours_N3), 1)], dim=1)
    return opaque[:, :, None, None].expand(-1, -1, SIZE, SIZE)


def clean_names(raw: list[str]) -> tuple[str, ...]:
    """Words from file names: "glasses-square-red" is "square red". A variant's letter or number goes where the rest is still a name of its own."""
    worded = [re.sub(r"[-_]+", " ", name.split("-", 1)[1]).lower() for name in raw]
    bare = [re.sub(r"( [ab]| ?\d+)$", "", name) or name for name in worded]
    count = Counter(bare)
    return tuple(short if count[short] == 1 else name for short, name in zip(bare, worded, strict=True))
