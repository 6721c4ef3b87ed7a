"""From what people type to descriptions: slots named or guessed, misspelt words read as their neighbours, the rest reported as ignored."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aigc_core.gan.condition import Description

SIMILAR = 0.5
"""A word is read as a known one if they share at least this part of their pairs of letters (Jaccard): one slip of the finger in a short word."""
EMPTY_WORDS = frozenset(["a", "an", "the", "of", "one", "some", "my", "please"])
JOINTS = frozenset(["with", "and", "in", "on", "wearing", "has", "having", "plus"])
SLOT_WORDS: Mapping[str, tuple[str, ...]] = {
    "head": ("head", "face"),
    "glasses": ("glasses", "shades", "goggles", "spectacles", "eyewear", "frames"),
    "body": ("body", "skin"),
    "accessory": ("accessory", "accessories", "shirt", "chest", "clothes", "jewellery", "print"),
    "background": ("background", "backdrop"),
}


@dataclass(frozen=True, kw_only=True)
class WordReading:
    """What was made of a prompt: the words of each slot, and those that mean nothing."""

    description: Description
    ignored: tuple[str, ...]


@dataclass
class WordReader:
    """Reads prompts for a model. ``phrases`` are the known phrases of each slot; with ``closed``, a slot takes one of these and nothing else."""

    slots: Sequence[str]
    phrases: Sequence[Sequence[tuple[str, ...]]]
    vocabulary: Sequence[str]
    closed: bool
    _grams: dict[str, frozenset[str]] = field(init=False)

    def __post_init__(self) -> None:
        self._grams = {word: pairs(word) for word in self.vocabulary}

    def read(self, prompt: str) -> WordReading:
        """The description, with () for a slot that the prompt leaves open."""
        segments = read_segments(prompt)
        return self._slotted(segments) if self.closed else self._free([word for segment in segments for word in segment])

    def neighbour(self, word: str, among: Sequence[str] | None = None) -> str | None:
        """The known word that ``word`` is, or looks most like; None where none does."""
        candidates = self._grams if among is None else {known: self._grams[known] for known in among}
        if word in candidates:
            return word
        for singular in _singulars(word):
            if singular in candidates:
                return singular
        grams = pairs(word)
        scored = ((len(grams & known) / len(grams | known), name) for name, known in candidates.items())
        score, name = max(scored, default=(0.0, ""))
        return name if score >= SIMILAR else None

    def _free(self, words: Sequence[str]) -> WordReading:
        read = [(word, self.neighbour(word)) for word in words]
        known = tuple(dict.fromkeys(name for _, name in read if name))
        return WordReading(description=(known,), ignored=tuple(dict.fromkeys(word for word, name in read if not name)))

    def _slotted(self, segments: Sequence[Sequence[str]]) -> WordReading:
        said: dict[str, list[str]] = {slot: [] for slot in self.slots}
        ignored: list[str] = []
        unnamed = [self._take_named(segment, said) for segment in segments]
        for words in unnamed:  # after all that is named, so that "red, blue glasses" is not red glasses
            ignored += self._guess(words, said, spare=None)
        chosen: list[tuple[str, ...]] = []
        for index, slot in enumerate(self.slots):
            phrase = self._phrase(index, said[slot])
            ignored += [] if phrase or not said[slot] else said[slot]
            chosen.append(phrase)
        return WordReading(description=tuple(chosen), ignored=tuple(dict.fromkeys(ignored)))

    def _take_named(self, segment: Sequence[str], said: dict[str, list[str]]) -> list[str]:
        """Give the words before a slot's name to that slot; returns the rest."""
        pending: list[str] = []
        for word in segment:
            slot = self._named_slot(word)
            if slot is None:
                pending.append(word)
            else:
                others, own = self._nearest_words(pending, slot)
                said[slot] += own
                self._guess(others, said, spare=slot)
                pending = []
        return pending

    def _nearest_words(self, pending: list[str], slot: str) -> tuple[list[str], list[str]]:
        """Split what stands before a slot's word into what belongs to another slot and what to this one (the longest known tail)."""
        index = list(self.slots).index(slot)
        among = sorted({word for phrase in self.phrases[index] for word in phrase})
        cut = len(pending)
        while cut and self.neighbour(pending[cut - 1], among):
            cut -= 1
        return pending[:cut], pending[cut:]

    def _named_slot(self, word: str) -> str | None:
        """The slot that ``word`` names, unless it is a known word of its own."""
        named = next((slot for slot in self.slots if word in SLOT_WORDS.get(slot, (slot,))), None)
        if named or word in self._grams:
            return named
        likely = (slot for slot in self.slots if any(_likeness(word, name) >= SIMILAR for name in SLOT_WORDS.get(slot, (slot,))))
        return next(likely, None)

    def _guess(self, words: list[str], said: dict[str, list[str]], spare: str | None) -> list[str]:
        """Words without a slot's name go to the slot of which they are the best part, open ones and heads first; returns those of none."""
        left: list[str] = []
        order = sorted((slot for slot in self.slots if slot != spare), key=lambda slot: list(SLOT_WORDS).index(slot) if slot in SLOT_WORDS else 99)
        for word in words:
            scores = [(self._part(word, slot), not said[slot], -place, slot) for place, slot in enumerate(order)]
            score, _, _, slot = max(scores)
            if score > 0:
                said[slot].append(word)
            else:
                left.append(word)
        return left

    def _part(self, word: str, slot: str) -> float:
        """How much of a phrase of the slot ``word`` says: 1 for "red" where there is a "red", 1/2 for a "diamond red"; a likeness counts half."""
        phrases = self.phrases[list(self.slots).index(slot)]
        known = self.neighbour(word, sorted({name for phrase in phrases for name in phrase}))
        lengths = [len(phrase) for phrase in phrases if known in phrase]
        return (1.0 if known == word else 0.5) / min(lengths) if lengths else 0.0

    def _phrase(self, index: int, words: Sequence[str]) -> tuple[str, ...]:
        """The known phrase of a slot with most of ``words`` and least besides; () if none shares a word."""
        among = sorted({word for phrase in self.phrases[index] for word in phrase})
        meant = {name for word in words if (name := self.neighbour(word, among))}
        if not meant:
            return ()
        return max(self.phrases[index], key=lambda phrase: (len(meant & set(phrase)) / len(meant | set(phrase)), phrase))


def pairs(word: str) -> frozenset[str]:
    """The pairs of neighbouring letters of "<word>"."""
    marked = f"<{word}>"
    return frozenset(marked[place : place + 2] for place in range(len(marked) - 1))


def _likeness(first: str, second: str) -> float:
    return len(pairs(first) & pairs(second)) / len(pairs(first) | pairs(second))


def read_segments(text: str) -> list[list[str]]:
    """The words of a prompt in order, cut at signs and at words such as "with" and "and", which are left out."""
    segments: list[list[str]] = [[]]
    for part in re.findall(r"[^\W_]+|[,;:.+&/|]", text.lower()):
        if part in JOINTS or not part[0].isalnum():
            segments.append([])
        elif part not in EMPTY_WORDS:
            segments[-1].append(part)
    return [segment for segment in segments if segment]


def _singulars(word: str) -> list[str]:
    return [word[: -len(ending)] + new for ending, new in (("ies", "y"), ("es", ""), ("s", "")) if word.endswith(ending) and len(word) > 4]
