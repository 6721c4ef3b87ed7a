"""Documents to streams of tokens: what a recurrent language model is trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aigc_core.rnn.tokenizer import BytePairTokenizer, Tokenizer, learn_merges

START, TEXT, END = "start", "text", "end"
"""Controls around a document: ``start``, what is said of it, ``text``, its text, ``end``."""
MANY_DOCUMENTS = 50
VALIDATION_SHARE = 0.05
MOST_VALIDATION = 500
_SPLIT_SEED = 20_25


@dataclass(frozen=True, kw_only=True)
class Document:
    """A text, and what is said of it: ``controls`` by name (its kind, its length …), ``about`` in words."""

    text: str
    controls: tuple[str, ...] = ()
    about: str = ""


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A text as tokens: a part to train on, a part to validate; ``validation_bytes`` is the latter's length in UTF-8.

    ``counted_N`` marks the validation tokens that are words of the texts, not of their heads. ``train_text`` is there for corpora that must not be
    learned by heart: the text, to look copies up in.
    """

    tokenizer: Tokenizer
    train_N: Tensor
    validation_N: Tensor
    validation_bytes: int
    counted_N: Tensor | None = None
    train_text: str = ""
    opening: Mapping[str, Any] = field(default_factory=dict)
    """How a text begins, as a model's configuration says it; nothing where there were too few documents to learn what controls mean."""


def split_documents(documents: Sequence[Document]) -> tuple[list[Document], list[Document]]:
    """Training and validation: a fixed random twentieth of the documents; of few documents, the end of each."""
    if len(documents) >= 2 / VALIDATION_SHARE:
        order = np.random.default_rng(_SPLIT_SEED).permutation(len(documents))
        number = min(MOST_VALIDATION, int(len(documents) * VALIDATION_SHARE))
        held = set(order[:number].tolist())
        return [d for i, d in enumerate(documents) if i not in held], [documents[i] for i in sorted(held)]
    cuts = [_sentence_end(document.text, int(len(document.text) * (1 - VALIDATION_SHARE))) for document in documents]
    train = [Document(text=d.text[:cut], controls=d.controls, about=d.about) for d, cut in zip(documents, cuts, strict=True)]
    return train, [Document(text=d.text[cut:], controls=d.controls, about=d.about) for d, cut in zip(documents, cuts, strict=True)]


def _sentence_end(text: str, near: int) -> int:
    """Where a line ends at or after ``near``, so that no word is cut; ``near`` if none does."""
    end = text.find("\n", near)
    return end + 1 if 0 <= end < len(text) - 1 else near


def build_corpus(
    documents: Sequence[Document], vocab_size: int, tokenizer: BytePairTokenizer | None = None, validation: Sequence[Document] | None = None
) -> Corpus:
    """Learn the byte pairs on the training documents (unless a ``tokenizer`` is given) and lay all documents end to end.

    ``validation``: the documents to validate on, where a random part of ``documents`` would share what it says with the others.
    """
    train, validation = (documents, validation) if validation is not None else split_documents(documents)
    if tokenizer is None:
        controls = tuple(dict.fromkeys((START, TEXT, END, *(name for document in documents for name in document.controls))))
        tokenizer = BytePairTokenizer(learn_merges((d.text for d in train), vocab_size - 256 - len(controls)), controls)
    return Corpus(
        tokenizer=tokenizer, train_N=lay_out(train, tokenizer)[0], **held_out(validation, tokenizer),
        train_text="\n".join(d.text for d in train),
        opening={"opens": [START, TEXT]} if len(documents) >= MANY_DOCUMENTS else {},
    )  # fmt: skip


def held_out(documents: Sequence[Document], tokenizer: BytePairTokenizer) -> dict[str, Any]:
    """The validation part of a corpus."""
    tokens_N, counted_N = lay_out(documents, tokenizer)
    return {"validation_N": tokens_N, "counted_N": counted_N, "validation_bytes": sum(len(d.text.encode()) for d in documents)}


def lay_out(documents: Sequence[Document], tokenizer: BytePairTokenizer) -> tuple[Tensor, Tensor]:
    """All documents with their heads as one row of tokens ``(N,)``, and which of them are words of the texts."""
    start, text, end = (tokenizer.control(name) for name in (START, TEXT, END))
    assert start is not None and text is not None and end is not None
    rows: list[np.ndarray] = []
    counted: list[np.ndarray] = []
    encoded = zip(tokenizer.encode_all(d.text for d in documents), tokenizer.encode_all(d.about for d in documents), strict=True)
    for document, (body, about) in zip(documents, encoded, strict=True):
        controls = [token for name in document.controls if (token := tokenizer.control(name)) is not None]
        head = [start, *controls, *about, text]
        rows.append(np.array([*head, *body, end], dtype=np.int32))
        counted.append(np.arange(len(head) + len(body) + 1) >= len(head))
        counted[-1][-1] = False
    if not rows:
        return torch.empty(0, dtype=torch.long), torch.empty(0, dtype=torch.bool)
    return torch.from_numpy(np.concatenate(rows)).long(), torch.from_numpy(np.concatenate(counted))
