"""Descriptions as people type them: half said, and misspelt. Training sees these, so that serving need not fear them."""

from __future__ import annotations

import torch

from aigc_core.gan.condition import Description

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def half_said(descriptions: list[Description], rng: torch.Generator, slot_dropout: float, all_dropout: float) -> list[Description]:
    """Each slot is left open with probability ``slot_dropout``, the whole description with ``all_dropout``."""
    num_slots = len(descriptions[0])
    kept = torch.rand(len(descriptions), num_slots, generator=rng) >= slot_dropout
    kept &= torch.rand(len(descriptions), 1, generator=rng) >= all_dropout
    return [
        tuple(phrase if keep else () for phrase, keep in zip(description, row, strict=True))
        for description, row in zip(descriptions, kept.tolist(), strict=True)
    ]


def misspelt(descriptions: list[Description], rng: torch.Generator, share: float) -> list[Description]:
    """One letter of ``share`` of the words is lost, doubled, changed, or has changed places with the next."""

    def maybe(word: str) -> str:
        return slip(word, rng) if len(word) > 3 and torch.rand((), generator=rng).item() < share else word

    if share <= 0:
        return descriptions
    return [tuple(tuple(maybe(word) for word in phrase) for phrase in description) for description in descriptions]


def slip(word: str, rng: torch.Generator) -> str:
    """``word`` with one slip of the finger."""
    kind, place, letter = (int(torch.randint(limit, (), generator=rng)) for limit in (4, len(word) - 1, len(LETTERS)))
    head, tail = word[:place], word[place + 1 :]
    if kind == 0:
        return head + tail
    if kind == 1:
        return head + 2 * word[place] + tail
    if kind == 2:
        return head + LETTERS[letter] + tail
    return head + tail[:1] + word[place] + tail[1:]
