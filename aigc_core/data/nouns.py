"""Nouns (nounsDAO, CC0): parts of 32x32 cartoon characters, each with a name, which compose into 50 million exactly labelled pictures."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from aigc_core.data.sources import DataError, Source, locate

LICENCE = "CC0"
CREDIT = "Nouns artwork by the Nouns DAO and its contributors"
SIZE = 32
SLOTS = ("background", "body", "accessory", "head", "glasses")
"""From the back to the front."""
_HOME = "https://raw.githubusercontent.com/nounsDAO/nouns-monorepo/86a781ecf199cd26825c047c94b9b4946b73ff04/packages/nouns-assets/src/image-data.json"
_PLURALS = {"body": "bodies", "accessory": "accessories", "head": "heads", "glasses": "glasses"}
_BACKGROUNDS = ("cool", "warm")
PARTS = Source(
    path="nouns/nouns-parts.npz",
    url=_HOME,
    sha256=("9e8c56d878250f8291b6e9e3520d4cbbd30b030b5ffa30f13cbca398b920f6f5",),
    licence=LICENCE,
    credit=CREDIT,
)
NAMES = Source(
    path="nouns/names.json",
    url=_HOME,
    sha256=("80fc33ffa03b67197a6eaefd4208c8051c1a6059f46994e5e489c14d17c49bd3",),
    licence=LICENCE,
    credit=CREDIT,
)


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


def load_nouns() -> Nouns:
    """All parts.

    Raises:
        DataError: the files cannot be had or do not fit each other.
    """
    raw = json.loads(locate(NAMES).read_text(encoding="utf-8"))
    with np.load(locate(PARTS)) as arrays:
        palette = torch.from_numpy(arrays["palette"]).float() / 255
        layers = {slot: _coloured(torch.from_numpy(arrays[plural]), palette) for slot, plural in _PLURALS.items()}
        layers["background"] = _plain(torch.from_numpy(arrays["backgrounds"]))
    names = {slot: clean_names(raw[plural]) for slot, plural in _PLURALS.items()} | {"background": _BACKGROUNDS}
    if any(len(layers[slot]) != len(names[slot]) for slot in SLOTS):
        raise DataError(f"{PARTS.path} and {NAMES.path} do not belong together")
    return Nouns(layers=layers, names=names)


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
