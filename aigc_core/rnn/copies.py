"""Does a text copy? The longest span of it that stands word for word in what was trained on."""

from __future__ import annotations


def longest_copied_span(text: str, corpus: str) -> str:
    """The longest part of ``text`` that is a part of ``corpus`` too; the first of equals, "" if there is none.

    Grows a window over ``text``: it is lengthened while it is found, else moved on; ``len(text)`` searches in all.
    """
    longest, start = "", 0
    for end in range(1, len(text) + 1):
        while end - start > len(longest):
            if text[start:end] in corpus:
                longest = text[start:end]
            else:
                start += 1
    return longest


def repetition_rate(words: list[str], order: int = 4) -> float:
    """Share of a text's ``order``-grams of words that it has used before."""
    grams = [tuple(words[place : place + order]) for place in range(len(words) - order + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def distinct(texts: list[list[str]], order: int) -> float:
    """distinct-n (Li et al. 2016, arXiv 1510.03055, section 5): different ``order``-grams of words over all of them."""
    grams = [tuple(words[place : place + order]) for words in texts for place in range(len(words) - order + 1)]
    return len(set(grams)) / len(grams) if grams else 0.0
