"""Pictures with words: what every set of finished pictures becomes before a training."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

SLOTS = ("words",)
HELD_OUT_SHARE = 0.1
_SPLIT_SEED = 20_24


@dataclass(frozen=True, kw_only=True)
class TaggedPictures:
    """``levels_NCHW`` are 8-bit levels (colours premultiplied where there is a fourth channel, opacity); ``names`` and ``tags`` are words.

    A name is what the picture is called, its tags what else may be said of it. The rows ``held_out_N`` are kept out of training.
    """

    levels_NCHW: Tensor
    names: tuple[tuple[str, ...], ...]
    tags: tuple[tuple[str, ...], ...]
    held_out_N: Tensor

    def __len__(self) -> int:
        return len(self.names)

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """All words of all names and tags, sorted."""
        return tuple(sorted({word for words in (*self.names, *self.tags) for word in words}))

    def pictures(self, index: Tensor) -> Tensor:
        """``x_BCHW`` in [-1, 1] of these rows."""
        return self.levels_NCHW[index].float().div(127.5).sub(1)

    def batch(self, count: int, rng: torch.Generator) -> tuple[Tensor, list[tuple[tuple[str, ...], ...]]]:
        """Training pictures with half of the time their names, else some of their words in any number (Tanjim 2018 calls them bags of tags)."""
        rows = (~self.held_out_N).nonzero().flatten()
        index = rows[torch.randint(len(rows), (count,), generator=rng)]
        return self.pictures(index), [(self._some_words(row, rng),) for row in index.tolist()]

    def _some_words(self, row: int, rng: torch.Generator) -> tuple[str, ...]:
        words = tuple(dict.fromkeys((*self.names[row], *self.tags[row])))
        if not words or torch.rand((), generator=rng).item() < 0.5:
            return self.names[row]
        taken = 1 + int(torch.randint(min(4, len(words)), (), generator=rng))
        return tuple(words[place] for place in torch.randperm(len(words), generator=rng)[:taken].tolist())

    def training(self, count: int) -> tuple[Tensor, list[tuple[tuple[str, ...], ...]]]:
        """The first training pictures, by their names."""
        rows = (~self.held_out_N).nonzero().flatten()[:count]
        return self.pictures(rows), [(self.names[row],) for row in rows.tolist()]

    def held_out(self, count: int) -> tuple[Tensor, list[tuple[tuple[str, ...], ...]]]:
        """The first pictures kept out of training, by their names."""
        rows = self.held_out_N.nonzero().flatten()[:count]
        return self.pictures(rows), [(self.names[row],) for row in rows.tolist()]

    def lexicon(self) -> dict[str, Any]:
        """The names of the training pictures; words may be said in any number and order."""
        known = {" ".join(name) for name, out in zip(self.names, self.held_out_N.tolist(), strict=True) if name and not out}
        return {"phrases": [sorted(known)], "closed": False}


def split_words(text: str) -> tuple[str, ...]:
    """The words of a label, in lower case, without signs; of a word said twice, the first."""
    return tuple(dict.fromkeys(re.findall(r"[^\W_]+", text.lower())))


def hold_out(names: Sequence[tuple[str, ...]], share: float = HELD_OUT_SHARE) -> Tensor:
    """A fixed random ``share`` of the rows; pictures of one name stay on one side, unless they are more than a fiftieth of the whole."""
    count = Counter(names)
    keys = [name if count[name] <= len(names) / 50 else (*name, str(row)) for row, name in enumerate(names)]
    order = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    draw = np.random.default_rng(_SPLIT_SEED).random(len(order))
    return torch.tensor([bool(draw[order[key]] < share) for key in keys])


def premultiplied(image: Image.Image, size: int) -> Tensor:
    """``(4, size, size)`` levels of a picture of any mode: fitted into a square, colours times opacity, so that what is not seen is not learned."""
    rgba = image.convert("RGBA")
    levels = np.asarray(rgba, dtype=np.float32)
    levels = np.concatenate([levels[..., :3] * levels[..., 3:] / 255, levels[..., 3:]], axis=2).round().astype(np.uint8)
    fitted = Image.fromarray(levels, "RGBA")
    if fitted.size != (size, size):
        scale = size / max(fitted.size)
        new = tuple(max(1, round(side * scale)) for side in fitted.size)
        resampled = Image.merge("RGBA", [band.resize((new[0], new[1]), Image.Resampling.LANCZOS) for band in fitted.split()])
        fitted = Image.new("RGBA", (size, size))
        fitted.paste(resampled, ((size - new[0]) // 2, (size - new[1]) // 2))
    pixels = torch.from_numpy(np.array(fitted)).permute(2, 0, 1)
    return torch.cat([torch.minimum(pixels[:3], pixels[3:]), pixels[3:]])  # resampling overshoots
