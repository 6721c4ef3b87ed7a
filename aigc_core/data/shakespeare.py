"""Tiny Shakespeare: 1,115,394 characters, the benchmark of char-rnn and nanoGPT with its 90/10 split."""

from __future__ import annotations

import torch

from aigc_core.data.corpus import Corpus
from aigc_core.data.sources import Source, locate
from aigc_core.rnn.tokenizer import CharacterTokenizer

LICENCE = "public domain"
CREDIT = "William Shakespeare; selection by Andrej Karpathy (char-rnn)"
SOURCE = Source(
    path="tinyshakespeare/input.txt",
    url="https://raw.githubusercontent.com/karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/input.txt",
    sha256=("86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",),
    licence=LICENCE,
    credit=CREDIT,
)


def load_shakespeare() -> Corpus:
    """The corpus with its sorted alphabet of 65 characters.

    Raises:
        DataError: the file cannot be had or is damaged.
    """
    return split_corpus(locate(SOURCE).read_text(encoding="utf-8"))


def split_corpus(text: str) -> Corpus:
    """Number the characters of ``text`` in sorted order and split it 90/10."""
    tokenizer = CharacterTokenizer("".join(sorted(set(text))))
    cut = int(0.9 * len(text))
    train, validation = (torch.tensor(tokenizer.encode(part), dtype=torch.long) for part in (text[:cut], text[cut:]))
    return Corpus(tokenizer=tokenizer, train_N=train, validation_N=validation, validation_bytes=len(text[cut:].encode()))
