"""What each text model of the zoo is measured on: texts that were kept out of its training, and prompts taken from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aigc_core.data.corpus import Corpus, Document, held_out, lay_out, split_documents
from aigc_core.rnn.tokenizer import BytePairTokenizer, CharacterTokenizer
from aigc_core.serving import TextModel

MOST_PROMPTS = 20
STORIES = (
    "A dragon who was afraid of the dark",
    "The fox and the moon",
    "A brave little boat",
    "The girl who found a key",
    "A cat and a dog",
    "The king who could not sleep",
    "A boy and his red ball",
    "The old tree by the river",
    "A mouse in the kitchen",
    "Two friends in the snow",
    "A bird that could not fly",
    "The lion and the hare",
    "A rainy day",
    "The princess and the frog",
    "A lost puppy",
    "The fisherman and his wife",
    "A bear who loved honey",
    "The magic hat",
    "A trip to the sea",
    "The star that fell from the sky",
)
POEMS = (
    "七绝 春雪",
    "五绝 秋夜",
    "七律 登高",
    "五律 山居",
    "七绝 送友人",
    "五绝 江上",
    "七律 怀古",
    "五律 夜雨",
    "七绝 梅花",
    "浣溪沙 春",
    "菩萨蛮",
    "西江月",
    "床前明月光，",
    "七绝 中秋",
    "五绝 孤舟",
    "七律 病中",
    "五律 早行",
    "清平乐",
    "七绝 荷花",
    "五绝 雪",
)
CHARACTERS = (
    "angry king",
    "a whispering sailor, gold",
    "scared boy",
    "merry priest",
    "sad queen",
    "captain, storm",
    "curious doctor",
    "old woman",
    "a furious soldier",
    "witch",
    "calm judge",
    "girl, letter",
    "shouting sergeant",
    "king, war",
    "gentle nurse",
    "scout, enemy",
    "hermit",
    "weeping mother",
    "cheerful landlord",
    "stranger, horse",
)
"""What a member might type; the same each time, and chosen before any text was seen."""


@dataclass(frozen=True, kw_only=True)
class TextTest:
    """The held-out part as a model reads it; ``prompts`` for samples; ``real`` texts beside them; ``train_text`` to look for copies in."""

    corpus: Corpus
    prompts: Sequence[str]
    real: Sequence[str]
    train_text: str


def text_test(model: TextModel) -> TextTest:
    """The test of a model of the zoo.

    Raises:
        DataError: its data are not here.
        TypeError: there is no held-out text for this model.
    """
    name, tokenizer = str(model.card["name"]), model.tokenizer
    if model.begins_otherwise:
        raise TypeError(f"{name} is a manner of writing: its card says what its own held-out texts cost")
    if name.startswith("bard") and isinstance(tokenizer, CharacterTokenizer):
        return _bard()
    sets = {"tales": _tales, "poems": _poems, "names": _names, "npc": _npc}
    if name not in sets or not isinstance(tokenizer, BytePairTokenizer):
        raise TypeError(f"there is no held-out text to measure {name} with")
    train, held, prompts = sets[name]()
    corpus = Corpus(tokenizer=tokenizer, train_N=lay_out([], tokenizer)[0], **held_out(held, tokenizer))
    return TextTest(
        corpus=corpus, prompts=prompts[:MOST_PROMPTS], real=[one.text for one in held[:MOST_PROMPTS]], train_text="\n".join(one.text for one in train)
    )


Parts = tuple[Sequence[Document], Sequence[Document], list[str]]


def _bard() -> TextTest:
    from aigc_core.data.shakespeare import load_shakespeare
    from aigc_core.evaluation.texts import pieces

    corpus = load_shakespeare()
    train, last = (b"".join(map(corpus.tokenizer.piece, side.tolist())).decode() for side in (corpus.train_N, corpus.validation_N))
    return TextTest(corpus=corpus, prompts=["\n"], real=pieces(last), train_text=train)


def _tales() -> Parts:
    from aigc_core.data.stories import load_stories

    train, held = split_documents(load_stories())
    return train, held, list(STORIES)


def _poems() -> Parts:
    from aigc_core.data.poems import load_poems, poem_documents

    train, held = split_documents(poem_documents(load_poems()[0]))
    return train, held, list(POEMS)


def _names() -> Parts:
    from aigc_core.data.names import KIND_WORDS, load_names

    train, held = load_names()
    return train, held, [words[0] for words in KIND_WORDS.values()]


def _npc() -> Parts:
    from aigc_core.data.npc import load_npc

    train, held, _, _ = load_npc()
    return train, held, list(CHARACTERS)
