"""Conditions in words without a text model: learned word vectors and hashed character n-grams, so that a misspelt word finds its neighbours.

A description has slots (head, glasses …), each filled with a few words or left open. A slot's vector is a small network of the mean of its
words' vectors, so "red glasses, gold body" is not "gold glasses, red body"; the condition is the slots' vectors side by side.
The n-gram half is that of fastText (Bojanowski et al. 2017, section 3.2): a word is the mean of its n-grams, hashed into a fixed table.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

NGRAM_SIZES = (3, 4, 5)

Description = tuple[tuple[str, ...], ...]
"""The words of each slot, in the order of :attr:`WordsConfig.slots`; an empty tuple leaves a slot open."""


@dataclass(frozen=True, kw_only=True)
class WordsConfig:
    """Sizes of a condition. ``vocabulary`` are the words with a vector of their own; ``slots`` the parts of a description."""

    slots: tuple[str, ...]
    vocabulary: tuple[str, ...]
    num_buckets: int = 4096
    word_dim: int = 64
    slot_dim: int = 64

    @property
    def condition_dim(self) -> int:
        """Length of the condition."""
        return len(self.slots) * self.slot_dim


def ngrams(word: str) -> list[str]:
    """The character n-grams of "<word>"; for a short word, that itself."""
    marked = f"<{word}>"
    grams = [marked[start : start + size] for size in NGRAM_SIZES for start in range(len(marked) - size + 1)]
    return grams or [marked]


class WordEncoder(nn.Module):
    """Descriptions to conditions ``c_BC``."""

    def __init__(self, config: WordsConfig) -> None:
        super().__init__()
        self.config = config
        self._number = {word: index for index, word in enumerate(config.vocabulary)}
        self._hashed: dict[str, list[int]] = {}
        self.words = nn.Embedding(len(config.vocabulary) + 1, config.word_dim)  # the last one: a word without a vector of its own
        self.grams = nn.EmbeddingBag(config.num_buckets, config.word_dim, mode="mean")
        self.open = nn.Parameter(torch.zeros(len(config.slots), config.slot_dim))
        hidden = 2 * config.slot_dim
        self.mix = nn.ModuleList(
            nn.Sequential(nn.Linear(config.word_dim, hidden), nn.SiLU(), nn.Linear(hidden, config.slot_dim)) for _ in config.slots
        )

    def forward(self, descriptions: Sequence[Description], anonymous: frozenset[str] = frozenset()) -> Tensor:
        """``c_BC``; the words in ``anonymous`` are read by their n-grams alone, as an unknown word would be."""
        num_slots = len(self.config.slots)
        phrases = [phrase for description in descriptions for phrase in description]
        words = [word for phrase in phrases for word in phrase]
        device = self.open.device
        vectors = self.open.repeat(len(descriptions), 1)
        if words:
            owner = torch.tensor([row for row, phrase in enumerate(phrases) for _ in phrase], device=device)
            lengths = torch.tensor([len(phrase) for phrase in phrases], device=device)
            sums = torch.zeros(len(phrases), self.config.word_dim, device=device).index_add(0, owner, self._vectors(words, anonymous))
            means = (sums / lengths.clamp(min=1).unsqueeze(1)).unflatten(0, (-1, num_slots))
            mixed = torch.stack([mix(means[:, slot]) for slot, mix in enumerate(self.mix)], dim=1).flatten(0, 1)
            vectors = torch.where((lengths > 0).unsqueeze(1), mixed, vectors)
        return vectors.reshape(len(descriptions), -1)

    def _vectors(self, words: Sequence[str], anonymous: frozenset[str]) -> Tensor:
        """``(N, word_dim)``: a word's own vector plus the mean of its n-grams'."""
        device, unknown = self.open.device, len(self._number)
        numbers = [unknown if word in anonymous else self._number.get(word, unknown) for word in words]
        hashed = [self._buckets(word) for word in words]
        offsets = torch.tensor([0, *map(len, hashed)], device=device).cumsum(0)[:-1]
        buckets = torch.tensor([bucket for row in hashed for bucket in row], device=device)
        return self.words(torch.tensor(numbers, device=device)) + self.grams(buckets, offsets)

    def _buckets(self, word: str) -> list[int]:
        known = self._hashed.get(word)
        if known is not None:
            return known
        hashed = [zlib.crc32(gram.encode()) % self.config.num_buckets for gram in ngrams(word)]
        if word in self._number:  # the words of strangers are not kept
            self._hashed[word] = hashed
        return hashed
