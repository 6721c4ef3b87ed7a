"""Short stories in plain English, each with what it is about: simple stories, picture books, fables and fairy tales."""

from __future__ import annotations

import json
import lzma
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from aigc_core.data.corpus import Document
from aigc_core.data.sources import Source, locate
from aigc_core.data.texts import clean

LICENCE = "public domain (fairy tales), CC BY 4.0 (picture books), CDLA-Sharing-1.0 (simple stories)"
CREDIT = "TinyStories by Ronen Eldan and Yuanzhi Li; African Storybook and StoryWeaver authors; fairy tales and fables of before 1930"
SIMPLE = Source(
    path="tinystories-sample/tinystories-sample.txt.xz", url="https://huggingface.co/datasets/roneneldan/TinyStories",
    sha256=("767f148db3762a2382aaed39d0de6af20c8c9a2e5903eb7621d39717da91b5fe",), licence="CDLA-Sharing-1.0", credit=CREDIT,
    prepared="a sample of 2,316 stories, compressed",
)  # fmt: skip
PICTURE_BOOKS = Source(
    path="storybooks-ccby/storybooks-en.jsonl.xz", url="https://github.com/global-asp/asp-source",
    sha256=("667f1e55db0d08e3117472c040a476871ef0feadbd9a1fe89d40dedb55bb00c9",), licence="CC BY 4.0", credit=CREDIT,
    prepared="the English stories under CC BY as JSON lines",
)  # fmt: skip
FAIRY_TALES = Source(
    path="books-pd/fairytales.jsonl.xz", url="https://github.com/mlschmitt/classic-books-markdown",
    sha256=("2647cf2b691c234dd0d6c37a23a05ee283379d77d851cc63e15a7f48b08b290e",), licence="public domain", credit=CREDIT,
    prepared="the fairy tales as JSON lines",
)  # fmt: skip

KINDS = ("simple", "book", "tale")
LENGTHS = (("short", 700), ("medium", 1500), ("long", 6000))
"""Controls for the length, each with the most characters it stands for."""
SHORTEST, LONGEST = 300, 6000
MOST_ABOUT = 4
_COMMON = 250
"""So many of the most frequent words say nothing about a story."""
_NOT_OWN = re.compile(r"(?i)\W*(the )?(chapter|book|stave|part|canto|preface|contents|introduction|note|[ivxlc]+\b\.?$|\d+\b)")
_WORD = re.compile(r"[a-z']+")


def load_stories() -> list[Document]:
    """Each story with its kind, its length and a few words of what it is about.

    Raises:
        DataError: a file cannot be had or is damaged.
    """
    found = [(kind, title, text) for kind, title, text in _all() if SHORTEST <= len(text) <= LONGEST]
    common = common_words(text for _, _, text in found)
    return [
        Document(text=text, controls=(kind, length_control(len(text))), about=" ".join(about_words(f"{title} {text}", common)[:MOST_ABOUT]))
        for kind, title, text in found
    ]


def length_control(characters: int) -> str:
    """The control for a text of so many characters."""
    return next((name for name, most in LENGTHS if characters <= most), LENGTHS[-1][0])


def about_words(text: str, common: frozenset[str]) -> list[str]:
    """The telling words of a text in their order, each once: not the most frequent ones of the corpus, nor short ones."""
    return list(dict.fromkeys(word for word in _WORD.findall(text.lower()) if len(word) > 2 and word not in common and "'" not in word))


def common_words(texts: Iterator[str] | Sequence[str]) -> frozenset[str]:
    """The most frequent words of a corpus."""
    counts = Counter(word for text in texts for word in _WORD.findall(text.lower()))
    return frozenset(word for word, _ in counts.most_common(_COMMON))


def _all() -> Iterator[tuple[str, str, str]]:
    """Kind, title and text of all stories."""
    with lzma.open(locate(SIMPLE), "rt", encoding="utf-8") as file:
        for part in file.read().split("<|endoftext|>"):
            yield "simple", "", clean(part)
    for book in _lines(PICTURE_BOOKS):
        pages = [" ".join(page.split()) for page in book["pages"]]
        yield "book", book["title"], clean("\n".join(pages))
    for book in _lines(FAIRY_TALES):
        parts = re.split(r"^#+ +(.*)$", book["text"], flags=re.MULTILINE)
        for title, text in zip(parts[1::2], parts[2::2], strict=True):
            if not _NOT_OWN.match(title):
                yield "tale", title, _plain(text)


def _lines(source: Source) -> Iterator[dict[str, Any]]:
    with lzma.open(locate(source), "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _plain(text: str) -> str:
    """Prose without Markdown and with its lines joined to paragraphs."""
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", re.sub(r"[*_#>\[\]]", "", text))]
    return clean("\n".join(part for part in paragraphs if part))
