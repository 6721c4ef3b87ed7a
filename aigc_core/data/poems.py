"""Chinese verse in fixed forms: quatrains and regulated verse of five and seven characters, and song lyrics to well-known tunes.

What a form is, is read off the poems: its skeleton (places for characters between marks) is the one that most poems of its name have, and the
places that rhyme are those at which its poems do. Which characters rhyme is learned from the verses too, as nobody's ear is asked.
"""

from __future__ import annotations

import lzma
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aigc_core.data.corpus import Document
from aigc_core.data.sources import Source, locate

LICENCE = "public domain (poems), MIT (collection)"
CREDIT = "the poets of Tang, Song and later; collection by chinese-poetry (Jackey Gao)"
_HOME = "https://github.com/chinese-poetry/chinese-poetry"
SOURCES = (
    Source(
        path="chinese-poems/poems-tang-ci-other.tsv.xz", url=_HOME, licence=LICENCE, credit=CREDIT,
        sha256=("a35e613a00712f6bbdd4e860bc4011742d216bfa38fcfabe755e7ce42519d144",), prepared="the poems of Tang and all song lyrics as a table",
    ),
    Source(
        path="chinese-poems/poems-song-regulated.tsv.xz", url=_HOME, licence=LICENCE, credit=CREDIT,
        sha256=("b9304f67465a19b354a1d98d9780e42e87e1b35d9cd3e2337674cdca54820ba6",), prepared="the quatrains and regulated verse of Song as a table",
    ),
)  # fmt: skip
PLACE = "□"
MOST_TITLE = 8
REGULATED = ("五绝", "七绝", "五律", "七律")
FEWEST_LYRICS, CLEAR_SHARE = 150, 0.6
"""A tune is a form if so many lyrics are known, and at least that share of them has one skeleton."""
RHYMING_SHARE = 0.6
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_STOP = re.compile(r"[，。！？；：、\n]")


@dataclass(frozen=True, kw_only=True)
class Poem:
    """A poem of a form, one couplet a line."""

    form: str
    title: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Form:
    """``skeleton``: a :data:`PLACE` for each character, marks and line ends as they are; ``rhymes``: the places that rhyme, by number."""

    name: str
    skeleton: str
    rhymes: tuple[int, ...]


def load_poems() -> tuple[list[Poem], list[Form], list[str]]:
    """The poems whose form is known, the forms, and the groups of characters that rhyme.

    Raises:
        DataError: a file cannot be had or is damaged.
    """
    poems = [poem for source in SOURCES for poem in _read(source)]
    skeletons = _skeletons(poems)
    kept = [poem for poem in poems if skeleton(poem.text) == skeletons.get(poem.form)]
    groups = rhyme_groups(_couplet_ends(kept))
    group_of = {character: number for number, group in enumerate(groups) for character in group}
    by_form: defaultdict[str, list[Poem]] = defaultdict(list)
    for poem in kept:
        by_form[poem.form].append(poem)
    forms = [Form(name=name, skeleton=skeletons[name], rhymes=rhyming_places(by_form[name], group_of)) for name in sorted(by_form)]
    return kept, forms, groups


def poem_documents(poems: Sequence[Poem]) -> list[Document]:
    """Each poem with its form and the first characters of its title as what it is about."""
    return [Document(text=poem.text, controls=(poem.form,), about=poem.title[:MOST_TITLE]) for poem in poems]


def skeleton(text: str) -> str:
    """The form of a text: its characters replaced by places."""
    return _HAN.sub(PLACE, text)


def line_ends(form: str) -> list[int]:
    """The numbers of the places before a mark or a line's end."""
    ends, number = [], -1
    for place, sign in enumerate(form):
        number += sign == PLACE
        if sign == PLACE and (place + 1 == len(form) or _STOP.match(form[place + 1])):
            ends.append(number)
    return ends


def rhyming_places(poems: Sequence[Poem], group_of: dict[str, int]) -> tuple[int, ...]:
    """The line ends of a form that rhyme with its most rhyming one in most poems (of which the first thousand are asked)."""
    ends = line_ends(skeleton(poems[0].text))
    rows = [[group_of.get(characters[end], -1 - end) for end in ends] for poem in poems[:1000] for characters in [_HAN.findall(poem.text)]]
    shares = [[sum(row[i] == row[j] for row in rows) / len(rows) for j in range(len(ends))] for i in range(len(ends))]
    anchor = max(range(len(ends)), key=lambda i: sum(share for share in shares[i] if share >= RHYMING_SHARE))
    found = tuple(ends[j] for j in range(len(ends)) if shares[anchor][j] >= RHYMING_SHARE)
    return found if len(found) > 1 else ()


def rhyme_groups(pairs: Counter[tuple[str, str]], fewest: int = 3, rounds: int = 12) -> list[str]:
    """Groups of characters that stand at rhyming places together, by label propagation (Raghavan et al. 2007, arXiv 0709.2938).

    Each character takes on the group to which most of its ties, weighted by how often they are met beside chance, lead; the most frequent
    characters go first, so that the result is the same every time.
    """
    ties: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for (first, second), count in pairs.items():
        if count >= fewest and first != second:
            ties[first][second] += count
            ties[second][first] += count
    frequency = {character: sum(row.values()) for character, row in ties.items()}
    label = {character: character for character in ties}
    order = sorted(ties, key=lambda character: (-frequency[character], character))
    for _ in range(rounds):
        changed = 0
        for character in order:
            votes: Counter[str] = Counter()
            for other, count in ties[character].items():
                votes[label[other]] += count / frequency[other] ** 0.5  # type: ignore[assignment]  # votes are parts of ties
            best = max(votes.items(), key=lambda vote: (vote[1], vote[0]))[0]
            changed += best != label[character]
            label[character] = best
        if not changed:
            break
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for character in order:
        groups[label[character]].append(character)
    return sorted(("".join(group) for group in groups.values() if len(group) > 1), key=lambda group: (-len(group), group))


def _couplet_ends(poems: Sequence[Poem]) -> Counter[tuple[str, str]]:
    """Pairs of characters at the ends of even lines of one regulated poem."""
    pairs: Counter[tuple[str, str]] = Counter()
    for poem in poems:
        if poem.form in REGULATED:
            last = [line[-2] for line in poem.text.split("\n")]
            pairs.update((a, b) if a < b else (b, a) for place, a in enumerate(last) for b in last[place + 1 :])
    return pairs


def _skeletons(poems: Sequence[Poem]) -> dict[str, str]:
    """The skeleton of each form that is clear enough."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for poem in poems:
        counts[poem.form][skeleton(poem.text)] += 1
    found = {}
    for name, row in counts.items():
        most, number = row.most_common(1)[0]
        if sum(row.values()) >= FEWEST_LYRICS and number >= CLEAR_SHARE * sum(row.values()):
            found[name] = most
    return found


def _read(source: Source) -> Iterator[Poem]:
    with lzma.open(locate(source), "rt", encoding="utf-8") as file:
        next(file)
        for line in file:
            if not line.strip():
                continue
            _, kind, form, title, _, text = line.rstrip("\n").split("\t")
            name = title if kind == "词" else form
            text = re.sub(r"[！？；]", "。", text) if kind != "词" else text
            if name in REGULATED:  # one couplet a line, whatever marks an editor has chosen
                lines = [part for part in re.split(r"[，。：、/]+", text) if part]
                text = "\n".join(f"{a}，{b}。" for a, b in zip(lines[::2], lines[1::2], strict=False))
            if name and _HAN.search(text):
                yield Poem(form=name, title="" if kind == "词" else title, text=text.replace("/", "\n"))
