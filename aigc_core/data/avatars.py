"""Avatars: pictures composed of the Nouns parts with their exact words, some combinations of head and glasses kept out of training."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from aigc_core.data.nouns import SLOTS, Nouns

HELD_OUT_SHARE = 0.1
_PROBE_SEED = 20_24


@dataclass(frozen=True, kw_only=True)
class Avatars:
    """Endless labelled pictures. A combination of head and glasses is kept out by its names' hash, whatever the order of the parts."""

    nouns: Nouns
    words: dict[str, tuple[tuple[str, ...], ...]] = field(init=False)

    def __post_init__(self) -> None:
        words = {slot: tuple(tuple(name.split()) for name in self.nouns.names[slot]) for slot in SLOTS}
        object.__setattr__(self, "words", words)

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """All words of all parts, sorted."""
        return tuple(sorted({word for names in self.words.values() for name in names for word in name}))

    def is_held_out(self, choice_S: Tensor) -> bool:
        """Whether a training never shows this head with these glasses."""
        head, glasses = (self.nouns.names[slot][int(choice_S[SLOTS.index(slot)])] for slot in ("head", "glasses"))
        return zlib.crc32(f"{head}|{glasses}".encode()) % 1000 < 1000 * HELD_OUT_SHARE

    def describe(self, choices_BS: Tensor) -> list[tuple[tuple[str, ...], ...]]:
        """The words of each slot of each picture."""
        return [tuple(self.words[slot][number] for slot, number in zip(SLOTS, choice, strict=True)) for choice in choices_BS.tolist()]

    def choices(self, count: int, rng: torch.Generator, *, held_out: bool) -> Tensor:
        """``choices_BS`` of ``count`` random pictures on one side of the split."""
        kept: list[Tensor] = []
        while len(kept) < count:
            kept += [choice for choice in self.nouns.sample(count, rng) if self.is_held_out(choice) == held_out]
        return torch.stack(kept[:count])

    def batch(self, count: int, rng: torch.Generator) -> tuple[Tensor, list[tuple[tuple[str, ...], ...]]]:
        chosen = self.choices(count, rng, held_out=False)
        return self.nouns.compose(chosen), self.describe(chosen)

    def held_out(self, count: int) -> tuple[Tensor, list[tuple[tuple[str, ...], ...]]]:
        chosen = self.choices(count, torch.Generator().manual_seed(_PROBE_SEED), held_out=True)
        return self.nouns.compose(chosen), self.describe(chosen)

    def lexicon(self) -> dict[str, Any]:
        """All parts of all slots; a slot takes one of its parts."""
        return {"phrases": [list(self.nouns.names[slot]) for slot in SLOTS], "closed": True}
