"""Text to numbers and back: by characters of a fixed alphabet, or by byte pairs, which know every text of every language.

Byte-pair encoding after Sennrich et al. 2016 (arXiv 1508.07909, algorithm 1), on UTF-8 bytes as in GPT-2 (Radford et al. 2019, section 2.2): the
256 bytes are the first tokens, so nothing is unknown. Chinese characters and kana are words of their own, so each becomes one token if it is
common, and its bytes if it is not.
"""

from __future__ import annotations

import codecs
import heapq
import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

NUM_BYTES = 256
_ALONE = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_ALONE}]| ?[^\W\d_{_ALONE}]{{1,40}}| ?\d| ?[^\w\s]+|\s+(?=\s\S)|\s+|_")
"""Words with the blank before them (very long ones in pieces), single figures, runs of signs, blanks. Every text is the sum of its matches."""
_TYPEWRITER = str.maketrans({"‘": "'", "’": "'", "“": "'", "”": "'", '"': "'", "–": "-", "—": "-", "…": ".", "\t": " "})

Pair = tuple[int, int]


class Tokenizer(Protocol):
    """What a language model reads and writes with."""

    @property
    def vocab_size(self) -> int:
        """Number of tokens, control tokens included."""

    def encode(self, text: str) -> list[int]:
        """The tokens of a text; what the tokenizer does not know is left out."""

    def piece(self, token: int) -> bytes:
        """The UTF-8 bytes that a token stands for; a control token stands for none."""

    def control(self, name: str) -> int | None:
        """The token of a control, or None if there is no such control. No text encodes to it."""

    def unknown(self, text: str) -> tuple[str, ...]:
        """The characters of a text that cannot be encoded."""

    def config(self) -> dict[str, Any]:
        """What :func:`load_tokenizer` makes this tokenizer of."""


@dataclass(frozen=True)
class CharacterTokenizer:
    """One token a character of ``alphabet``. Quotes and dashes of typographers are read as those of typewriters."""

    alphabet: str
    _number: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_number", {character: index for index, character in enumerate(self.alphabet)})

    @property
    def vocab_size(self) -> int:
        return len(self.alphabet)

    def encode(self, text: str) -> list[int]:
        return [self._number[c] for c in self._plain(text) if c in self._number]

    def piece(self, token: int) -> bytes:
        return self.alphabet[token].encode()

    def control(self, name: str) -> int | None:
        return None

    def unknown(self, text: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(c for c in self._plain(text) if c not in self._number and not c.isspace()))

    def config(self) -> dict[str, Any]:
        return {"alphabet": self.alphabet}

    def _plain(self, text: str) -> str:
        return text if all(c in self._number for c in text) else text.translate(_TYPEWRITER)


@dataclass(frozen=True)
class BytePairTokenizer:
    """The 256 bytes, then one token for each of ``merges`` (pairs of earlier tokens), then one for each of ``controls``."""

    merges: tuple[Pair, ...]
    controls: tuple[str, ...] = ()
    _pieces: tuple[bytes, ...] = field(init=False, repr=False, compare=False)
    _rank: dict[Pair, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        pieces = [bytes([value]) for value in range(NUM_BYTES)]
        for first, second in self.merges:
            pieces.append(pieces[first] + pieces[second])
        object.__setattr__(self, "_pieces", (*pieces, *(b"" for _ in self.controls)))
        object.__setattr__(self, "_rank", {pair: NUM_BYTES + rank for rank, pair in enumerate(self.merges)})

    @property
    def vocab_size(self) -> int:
        return len(self._pieces)

    def encode(self, text: str) -> list[int]:
        return [token for word in split_words(text) for token in self._merged(list(word.encode("utf-8", "replace")))]

    def piece(self, token: int) -> bytes:
        return self._pieces[token]

    def control(self, name: str) -> int | None:
        return NUM_BYTES + len(self.merges) + self.controls.index(name) if name in self.controls else None

    def unknown(self, text: str) -> tuple[str, ...]:
        return ()

    def config(self) -> dict[str, Any]:
        return {"merges": [list(pair) for pair in self.merges], "controls": list(self.controls)}

    def encode_all(self, texts: Iterable[str]) -> Iterator[list[int]]:
        """Many texts; each word is merged once. For training data: people's words are not kept."""
        known: dict[str, list[int]] = {}
        for text in texts:
            tokens: list[int] = []
            for word in split_words(text):
                if word not in known:
                    known[word] = self._merged(list(word.encode("utf-8", "replace")))
                tokens += known[word]
            yield tokens

    def _merged(self, tokens: list[int]) -> list[int]:
        """Merge the earliest learned pair, everywhere in the word, until none is left."""
        while len(tokens) > 1:
            rank, pair = min((self._rank.get(pair, len(self._pieces)), pair) for pair in itertools.pairwise(tokens))
            if rank == len(self._pieces):
                break
            tokens = merge(tokens, pair, rank)
        return tokens


def split_words(text: str) -> list[str]:
    """The words within which pairs are merged; their sum is the text."""
    return _WORD.findall(text)


def merge(tokens: Sequence[int], pair: Pair, new: int) -> list[int]:
    """``tokens`` with ``new`` for each occurrence of ``pair``, from the left."""
    merged: list[int] = []
    place = 0
    while place < len(tokens):
        if place + 1 < len(tokens) and (tokens[place], tokens[place + 1]) == pair:
            merged.append(new)
            place += 2
        else:
            merged.append(tokens[place])
            place += 1
    return merged


def learn_merges(texts: Iterable[str], num_merges: int, min_count: int = 2) -> tuple[Pair, ...]:
    """The ``num_merges`` most frequent pairs, one after the other; fewer where no pair comes ``min_count`` times any more."""
    counts = Counter(word for text in texts for word in split_words(text))
    words = [list(word.encode("utf-8", "replace")) for word in counts]
    weights = list(counts.values())
    table = _PairTable(words, weights)
    merges: list[Pair] = []
    while len(merges) < num_merges and (pair := table.most_frequent(min_count)) is not None:
        table.merge(pair, NUM_BYTES + len(merges))
        merges.append(pair)
    return tuple(merges)


class _PairTable:
    """How often each pair of neighbours stands in the words, kept up to date merge by merge."""

    def __init__(self, words: list[list[int]], weights: list[int]) -> None:
        self.words, self.weights = words, weights
        self.counts: Counter[Pair] = Counter()
        self.places: defaultdict[Pair, set[int]] = defaultdict(set)
        for index in range(len(words)):
            self._count(index, 1)
        self.heap = [(-count, pair) for pair, count in self.counts.items()]
        heapq.heapify(self.heap)

    def most_frequent(self, min_count: int) -> Pair | None:
        """The most frequent pair, of equals the smallest; entries of the heap whose count has changed are put right on the way."""
        while self.heap:
            negative, pair = heapq.heappop(self.heap)
            count = self.counts[pair]
            if count == -negative:
                return pair if count >= min_count else None
            if count:
                heapq.heappush(self.heap, (-count, pair))
        return None

    def merge(self, pair: Pair, new: int) -> None:
        """Make ``pair`` one token, everywhere."""
        before = {index: set(zip(self.words[index], self.words[index][1:], strict=False)) for index in self.places[pair]}
        touched: set[Pair] = set()
        for index, pairs in before.items():
            self._count(index, -1)
            self.words[index] = merge(self.words[index], pair, new)
            self._count(index, 1)
            touched |= pairs | set(zip(self.words[index], self.words[index][1:], strict=False))
        for other in touched:
            if self.counts[other]:
                heapq.heappush(self.heap, (-self.counts[other], other))

    def _count(self, index: int, sign: int) -> None:
        word, weight = self.words[index], self.weights[index]
        for pair in itertools.pairwise(word):
            self.counts[pair] += sign * weight
            if sign > 0:
                self.places[pair].add(index)
            else:
                self.places[pair].discard(index)


class Transcript:
    """A text that grows token by token; a character whose bytes are not all there yet is not shown yet."""

    def __init__(self) -> None:
        self.text = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    @property
    def whole(self) -> bool:
        """Whether no character is waiting for the rest of its bytes."""
        return not self._decoder.getstate()[0]

    def add(self, piece: bytes) -> None:
        """Take a token's bytes."""
        self.text += self._decoder.decode(piece)


def control_tokens(tokenizer: Tokenizer, names: Iterable[str]) -> list[int]:
    """The tokens of those controls that the tokenizer has."""
    return [token for name in names if (token := tokenizer.control(name)) is not None]


def load_tokenizer(config: dict[str, Any]) -> Tokenizer:
    """The tokenizer of a model's configuration.

    Raises:
        KeyError: the configuration has neither an alphabet nor merges.
    """
    if "alphabet" in config:
        return CharacterTokenizer(config["alphabet"])
    return BytePairTokenizer(tuple((first, second) for first, second in config["merges"]), tuple(config["controls"]))
