"""Verse that keeps its form: what may be written next is decided by the form, only which of it by the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from aigc_core.data.corpus import END
from aigc_core.data.poems import PLACE, Form
from aigc_core.rnn.tokenizer import Tokenizer

FEWEST_RHYMES = 8
"""Groups of fewer characters are not rhymed on: the model would have to say the same again."""


class Guide(Protocol):
    """Goes along with a text and says which tokens may come next."""

    def allowed(self) -> Tensor:
        """``(V,)``, true where a token may be written now."""

    def take(self, token: int) -> None:
        """A token was written."""


class VerseTables:
    """What guides of one model share: which tokens are one character, and which characters rhyme."""

    def __init__(self, tokenizer: Tokenizer, groups: Sequence[str]) -> None:
        self.tokenizer = tokenizer
        characters = [_character(tokenizer.piece(token)) for token in range(tokenizer.vocab_size)]
        self.character_V = torch.tensor([character is not None for character in characters])
        group_of = {character: number for number, group in enumerate(groups) for character in group}
        self.group_V = torch.tensor([-1 if character is None else group_of.get(character, -1) for character in characters])
        sizes = torch.bincount(self.group_V[self.group_V >= 0], minlength=len(groups))
        self.rhymes_V = (self.group_V >= 0) & (sizes >= FEWEST_RHYMES)[self.group_V.clamp(min=0)] if len(groups) else self.group_V >= 0

    def rhyming(self, group: int) -> Tensor:
        """``(V,)``: the characters of a group."""
        return self.group_V == group

    def only(self, token: int) -> Tensor:
        """``(V,)``: one token."""
        mask = torch.zeros(len(self.group_V), dtype=torch.bool)
        mask[token] = True
        return mask


class VerseGuide:
    """Keeps to a form: characters at its places, its marks where they stand, its rhymes, and the end at the end."""

    def __init__(self, tables: VerseTables, form: Form) -> None:
        self.tables, self.form = tables, form
        self._at, self._number, self._group = 0, 0, -1
        self._due: list[int] = []

    def allowed(self) -> Tensor:
        """As :class:`Guide`."""
        if not self._due and self._at < len(self.form.skeleton) and self.form.skeleton[self._at] == PLACE:
            return self._characters()
        if not self._due:
            self._due = self._marks()
        return self.tables.only(self._due[0])

    def take(self, token: int) -> None:
        """As :class:`Guide`. Marks may come in several tokens, a character in one."""
        if self._due:
            self._due.pop(0)
            return
        if self._at >= len(self.form.skeleton):
            return
        if self.form.skeleton[self._at] != PLACE:
            self._due = self._marks()
            self._due.pop(0)
            return
        if self._number in self.form.rhymes and self._group < 0:
            self._group = int(self.tables.group_V[token])
        self._at, self._number = self._at + 1, self._number + 1

    def _characters(self) -> Tensor:
        if self._number not in self.form.rhymes:
            return self.tables.character_V
        rhyming = self.tables.rhymes_V if self._group < 0 else self.tables.rhyming(self._group)
        return rhyming if bool(rhyming.any()) else self.tables.character_V

    def _marks(self) -> list[int]:
        """The tokens of the marks up to the next place; behind the last place, and then the end."""
        rest = self.form.skeleton[self._at :]
        marks = rest[: rest.index(PLACE)] if PLACE in rest else rest
        self._at += len(marks)
        end = self.tables.tokenizer.control(END)
        return [*self.tables.tokenizer.encode(marks), *([end] if PLACE not in rest and end is not None else [])]


def keeps_form(text: str, form: Form, groups: Sequence[str]) -> bool:
    """Whether a text has a form's skeleton and its rhyming places rhyme (as far as their characters' groups are known)."""
    from aigc_core.data.poems import skeleton

    if skeleton(text) != form.skeleton:
        return False
    group_of = {character: number for number, group in enumerate(groups) for character in group}
    characters = [sign for sign, place in zip(text, form.skeleton, strict=True) if place == PLACE]
    rhymes = {group_of[characters[number]] for number in form.rhymes if characters[number] in group_of}
    return len(rhymes) <= 1


def _character(piece: bytes) -> str | None:
    """The one Chinese character that a token's bytes are, or None."""
    from aigc_core.data.poems import skeleton

    try:
        text = piece.decode()
    except UnicodeDecodeError:
        return None
    return text if len(text) == 1 and skeleton(text) == PLACE else None
