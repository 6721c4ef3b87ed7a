"""Byte pairs and characters: nothing is lost, nothing is unknown, the most frequent pairs come first."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aigc_core.rnn.tokenizer import BytePairTokenizer, CharacterTokenizer, learn_merges, load_tokenizer, merge, split_words

TEXT = "the cat sat on the mat. the cat ate the rat!\n" * 5 + "床前明月光，疑是地上霜。" * 4
TRAINED = BytePairTokenizer(learn_merges([TEXT], 60), ("story", "end"))


def decoded(tokenizer: BytePairTokenizer, tokens: list[int]) -> str:
    return b"".join(tokenizer.piece(token) for token in tokens).decode()


@given(st.text())
def test_every_text_comes_back(text: str) -> None:
    """Any text of any language, emoji and control characters included, is the sum of its words and of its tokens."""
    text = text.encode("utf-8", "replace").decode()
    assert "".join(split_words(text)) == text
    assert decoded(TRAINED, TRAINED.encode(text)) == text
    assert next(TRAINED.encode_all([text])) == TRAINED.encode(text)


def test_what_is_frequent_is_one_token() -> None:
    """Words of the corpus with their blank, and common Chinese characters, are single tokens."""
    for word in (" the", " cat", "月"):
        assert len(TRAINED.encode(word)) == 1, word
    assert len(TRAINED.encode(TEXT)) < len(TEXT.encode()) / 3


def test_merges_are_those_of_the_plain_algorithm() -> None:
    """The table that is kept up to date gives what counting everything anew at each merge gives (Sennrich et al. 2016, algorithm 1)."""
    counts = Counter(split_words(TEXT))
    words = {word: list(word.encode()) for word in counts}
    expected = []
    for new in range(256, 316):
        pairs: Counter[tuple[int, int]] = Counter()
        for word, tokens in words.items():
            for pair in pairwise(tokens):
                pairs[pair] += counts[word]
        best = min(((-count, pair) for pair, count in pairs.items() if count >= 2), default=(0, None))[1]
        if best is None:
            break
        expected.append(best)
        words = {word: merge(tokens, best, new) for word, tokens in words.items()}
    assert len(expected) > 30 and learn_merges([TEXT], 60) == tuple(expected)


def test_no_text_encodes_to_a_control() -> None:
    """Whoever types a control's name gets its letters; the control itself stands for nothing."""
    story = TRAINED.control("story")
    assert story is not None and TRAINED.piece(story) == b"" and TRAINED.control("poem") is None
    assert TRAINED.vocab_size == 256 + len(TRAINED.merges) + 2 and TRAINED.control("end") == TRAINED.vocab_size - 1
    assert not {story, story + 1} & set(TRAINED.encode("story <story> end"))


def test_merging_goes_from_the_left() -> None:
    assert merge([1, 1, 1, 2, 1, 1], (1, 1), 9) == [9, 1, 2, 9]


def test_few_words_give_few_merges() -> None:
    """Pairs that come once are not worth a token."""
    assert learn_merges(["abc"], 10) == () and len(learn_merges(["abab"], 10)) == 1


@pytest.mark.parametrize("tokenizer", [TRAINED, CharacterTokenizer("abc \n")])
def test_a_tokenizer_is_its_configuration(tokenizer: BytePairTokenizer | CharacterTokenizer) -> None:
    assert load_tokenizer(json.loads(json.dumps(tokenizer.config()))) == tokenizer


def test_characters_outside_the_alphabet_are_named() -> None:
    """Typographers' quotes are read as plain ones; what is left is said, blanks excepted."""
    tokenizer = CharacterTokenizer("ab' ")
    assert tokenizer.encode("a“b€\u2003”") == [0, 2, 1, 2] and tokenizer.unknown("a“b€€ß\u2003") == ("€", "ß")
    assert tokenizer.piece(1) == b"b" and tokenizer.control("end") is None
