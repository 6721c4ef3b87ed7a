"""Omniglot's two small background sets (Lake, Salakhutdinov & Tenenbaum 2015): 242 characters of 8 alphabets, each drawn by 20 people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from aigc_core.data.sources import DataError, Source, locate

LICENCE = "MIT"
CREDIT = "Omniglot by Brenden Lake, Ruslan Salakhutdinov and Joshua Tenenbaum"
ALPHABETS = ("Balinese", "Aramaic", "Greek", "Katakana", "Korean", "Latin", "Sanskrit", "Tagalog")
SIZE, DRAWERS = 28, 20
HELD_OUT_DRAWERS = 2
"""The last drawings of each character are kept out of training."""


@dataclass(frozen=True, kw_only=True)
class Glyphs:
    """``levels_NHW``: 8-bit grey levels, 255 ink; ``alphabets_N``: places in :data:`ALPHABETS`; ``characters_N``: 0 to 241."""

    levels_NHW: Tensor
    alphabets_N: Tensor
    characters_N: Tensor

    def __len__(self) -> int:
        return len(self.alphabets_N)

    def inks(self, index: Tensor) -> Tensor:
        """``x_BCHW`` in [0, 1] of the rows ``index``."""
        return self.levels_NHW[index].float().div(255).unsqueeze(1)


def load_omniglot(split: str) -> Glyphs:
    """The ``train`` drawings or the ``test`` ones of other people, in an order shuffled once and for all.

    Raises:
        DataError: the file is not there or does not hold what it should.
    """
    with np.load(locate(_source())) as file:
        images, characters, alphabets = file["images"], file["char"].astype(np.int64), file["char_alphabet"].astype(np.int64)
    if images.shape[1:] != (SIZE, SIZE) or len(images) != len(characters) or len(alphabets) != characters.max() + 1:
        raise DataError(f"Omniglot: unexpected shapes {images.shape}, {characters.shape} and {alphabets.shape}")
    if (images > 127).mean() > 0.5:
        images = 255 - images
    drawer = _places_within(characters)
    kept = drawer >= DRAWERS - HELD_OUT_DRAWERS if split == "test" else drawer < DRAWERS - HELD_OUT_DRAWERS
    order = np.random.default_rng(0).permutation(np.flatnonzero(kept))
    rows = torch.from_numpy(characters[order])
    return Glyphs(levels_NHW=torch.from_numpy(images[order]), alphabets_N=torch.from_numpy(alphabets)[rows], characters_N=rows)


def _places_within(characters_N: np.ndarray) -> np.ndarray:
    """For each drawing, how many of the same character come before it."""
    counts: dict[int, int] = {}
    places = []
    for character in characters_N.tolist():
        places.append(counts.get(character, 0))
        counts[character] = places[-1] + 1
    return np.array(places)


def _source() -> Source:
    return Source(
        path="omniglot/omniglot-small-28.npz",
        url="https://github.com/brendenlake/omniglot",
        sha256=("812c07165c63be1aebff898028d075104eda9a778f9fba3c31cc5c2af1ee0531",),
        licence=LICENCE,
        credit=CREDIT,
        prepared="images_background_small1.zip and small2.zip, scaled to 28x28, ink 255, as arrays images, char and char_alphabet",
    )
