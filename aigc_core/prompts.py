"""Reading prompts: which characters and words of any script mean a digit or a mark."""

from __future__ import annotations

import re
import unicodedata

NUMBER_WORDS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
}  # fmt: skip
_MARKS = {"–": "-", "—": "-", "−": "-", "‐": "-", "，": ",", "：": ":", "．": ".", "／": "/", "。": ".", "＋": "+", "＝": "="}
_WORD = re.compile(r"[^\W\d_]+|\d|\S")


def digit_of(character: str) -> int | None:
    """The value of a decimal digit of any script (3, ３, ٣), or None."""
    value = unicodedata.decimal(character, None)
    return None if value is None else int(value)


def read_digits(prompt: str) -> tuple[list[int], list[str]]:
    """The digits that a prompt names, as figures or English words, and the parts that name none."""
    digits: list[int] = []
    ignored: dict[str, None] = {}
    for part in _WORD.findall(prompt):
        value = digit_of(part) if len(part) == 1 else None
        value = NUMBER_WORDS.get(part.lower()) if value is None else value
        if value is None:
            ignored[part] = None
        else:
            digits.append(value)
    return digits, list(ignored)


def read_line(prompt: str, alphabet: str) -> tuple[str, list[str]]:
    """The part of a prompt that can be written with ``alphabet`` (spaces kept single), and the parts that cannot."""
    written: list[str] = []
    ignored: dict[str, None] = {}
    for part in re.findall(r"[^\W\d_]+|\s+|.", prompt):
        value = digit_of(part) if len(part) == 1 else None
        characters = _MARKS.get(part, part) if value is None else str(value)
        plain = "".join(c for c in unicodedata.normalize("NFKD", characters) if not unicodedata.combining(c))
        if part.isspace():
            written.append(" ")
        elif all(character in alphabet for character in plain):
            written.append(plain)
        else:
            ignored[part] = None
    return " ".join("".join(written).split()), list(ignored)
