"""What characters say: lines of speech in old adventure books and fairy tales, with who says them, in which mood, and what of.

The labels are the books' own: ``"Stand back!" cried the old king angrily.`` is a line of a king, and angry.
"""

from __future__ import annotations

import json
import lzma
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from aigc_core.data.corpus import Document
from aigc_core.data.sources import locate
from aigc_core.data.stories import FAIRY_TALES, about_words, common_words

LICENCE = "public domain"
CREDIT = "adventure books and fairy tales of before 1930"
ADVENTURE = replace(
    FAIRY_TALES, path="books-pd/adventure.jsonl.xz", credit=CREDIT, prepared="the adventure books as JSON lines",
    sha256=("75088a8c9b7f64736a391f324f54318e5a93cb2ace1dd830895dabc869d932a3",),
)  # fmt: skip

VERBS = {
    "": "said replied answered returned remarked observed declared continued added repeated",
    "asking": "asked inquired demanded",
    "loud": "cried exclaimed shouted called screamed shrieked",
    "quiet": "whispered murmured muttered",
    "angry": "growled snarled roared thundered snapped retorted stormed",
    "merry": "laughed chuckled",
    "sad": "sobbed sighed groaned moaned",
    "afraid": "gasped stammered faltered",
}
ADVERBS = {
    "grave": "gravely quietly calmly slowly solemnly seriously thoughtfully firmly coldly coolly",
    "quiet": "softly gently faintly soothingly",
    "angry": "angrily fiercely sharply sternly severely indignantly scornfully furiously impatiently grimly savagely",
    "merry": "gaily merrily cheerfully heartily briskly gleefully joyfully",
    "sad": "sadly bitterly sorrowfully mournfully gloomily wearily wistfully",
    "afraid": "anxiously timidly hoarsely breathlessly nervously",
    "loud": "loudly eagerly excitedly passionately",
}
MOOD_WORDS = {
    "plain": ("plain",),
    "grave": ("grave", "calm", "serious", "solemn"),
    "asking": ("asking", "curious"),
    "loud": ("loud", "shouting", "excited"),
    "quiet": ("quiet", "whispering", "soft", "gentle"),
    "angry": ("angry", "furious", "grim"),
    "merry": ("merry", "happy", "cheerful", "laughing"),
    "sad": ("sad", "weeping", "bitter"),
    "afraid": ("afraid", "scared", "frightened", "anxious"),
}
"""Moods, the usual one first, each with the words of a prompt that ask for it."""
NOT_ROLES = frozenset(
    ["other", "others", "latter", "former", "voice", "one", "first", "second", "third", "again", "speaker", "visitor", "companion", "shadow"]
)
UNFIT = re.compile(
    r"(?i)\b(nigg\w*|negro\w*|dark(y|ey|ie)s?|injuns?|squaws?|chinam[ae]n|coolies?|jews?|jewish|jewess|heathens?|savages?|redskins?|half-breeds?|blacks?)\b"
)
"""Lines that call people what nobody should be called are left out."""
SHORTEST, LONGEST, LINES, FEWEST, MOST_TOPICS = 12, 160, 4, 8, 1_500
"""Characters of a line; lines of a text; so many lines make a role or a topic; so many topics."""
HELD_OUT = 20
"""Every so many-th line is kept out of training."""

_ALL_VERBS = "|".join(verb for verbs in VERBS.values() for verb in verbs.split())
_WHO = r"(?:the|a|an|his|her|my|our) (?P<who>(?:[a-z-]+ ){0,2}?[a-z-]+)(?=[,.;]| [a-z]+ly\b| (?:in|with|to|as|who|and|from|at)\b)"
_NAMED = rf"(?P<verb>{_ALL_VERBS}) {_WHO}"
_UNNAMED = rf"(?P<verb2>{_ALL_VERBS}) (?:he|she|they|[A-Z][a-z]+)|(?:he|she) (?P<verb3>{_ALL_VERBS})"
_SPEECH = re.compile(rf'"(?P<line>[A-Z][^"\n]{{{SHORTEST - 2},{LONGEST - 2}}}[,.!?])" (?:{_NAMED}|{_UNNAMED})(?: (?P<adverb>[a-z]+ly))?\b')


@dataclass(frozen=True, kw_only=True)
class Line:
    """What somebody says; ``role`` is "" where the book says only he, she, or a name."""

    text: str
    role: str
    mood: str


def load_npc() -> tuple[list[Document], list[Document], tuple[str, ...], frozenset[str]]:
    """Texts of a few lines in one mood that share who speaks or what of, for training and for validation (other lines); the
    roles; and the common words, which say nothing of a text.

    Raises:
        DataError: a file cannot be had or is damaged.
    """
    lines = list({line.text: line for line in speech(_paragraphs())}.values())
    roles = frequent(line.role for line in lines if line.role and line.role.isalpha() and line.role not in NOT_ROLES and not UNFIT.search(line.role))
    common = common_words([line.text for line in lines])
    train, held = [line for i, line in enumerate(lines) if i % HELD_OUT], lines[::HELD_OUT]
    topics = frozenset(word for word, count in _topics(train, common).most_common(MOST_TOPICS) if count >= FEWEST)
    return _documents(train, roles, topics, common), _documents(held, roles, topics, common), tuple(sorted(roles)), common - roles


def speech(paragraphs: Iterator[str]) -> Iterator[Line]:
    """All lines of speech whose speaker and verb can be told."""
    verbs = {verb: mood for mood, all_of in VERBS.items() for verb in all_of.split()}
    adverbs = {adverb: mood for mood, all_of in ADVERBS.items() for adverb in all_of.split()}
    for paragraph in paragraphs:
        for found in _SPEECH.finditer(paragraph):
            text = found["line"]
            if UNFIT.search(text):
                continue
            mood = adverbs.get(found["adverb"] or "", "") or verbs[found["verb"] or found["verb2"] or found["verb3"]]
            mood = mood or ("asking" if text.endswith("?") else "plain")
            yield Line(text=f"{text[:-1]}." if text.endswith(",") else text, role=(found["who"] or "").split(" ")[-1], mood=mood)


def frequent(words: Iterator[str], fewest: int = FEWEST) -> frozenset[str]:
    """Those that occur often enough to be learned."""
    return frozenset(word for word, count in Counter(words).items() if count >= fewest)


def _topics(lines: Sequence[Line], common: frozenset[str]) -> Counter[str]:
    return Counter(word for line in lines for word in about_words(line.text, common))


def _documents(lines: Sequence[Line], roles: frozenset[str], topics: frozenset[str], common: frozenset[str]) -> list[Document]:
    """Each line stands once with those of its speaker, and once with those on one of its topics, if it has one."""
    groups: dict[tuple[str, str], list[Line]] = defaultdict(list)
    rng = np.random.default_rng(0)
    for line in lines:
        groups[line.role if line.role in roles else "", line.mood].append(line)
        said = [word for word in about_words(line.text, common) if word in topics]
        if said:
            topic = said[int(rng.integers(len(said)))]
            groups[f"{line.role} {topic}" if line.role in roles else topic, line.mood].append(line)
    documents = []
    for (about, mood), members in groups.items():
        order = rng.permutation(len(members))
        for start in range(0, len(members), LINES):
            text = "\n".join(members[index].text for index in order[start : start + LINES])
            documents.append(Document(text=text, controls=(mood,), about=about))
    return [documents[index] for index in rng.permutation(len(documents))]


def _paragraphs() -> Iterator[str]:
    for source in (FAIRY_TALES, ADVENTURE):
        with lzma.open(locate(source), "rt", encoding="utf-8") as file:
            for row in file:
                text = json.loads(row)["text"].replace("“", '"').replace("”", '"').replace("_", "")
                yield from (" ".join(part.split()) for part in text.split("\n\n"))
