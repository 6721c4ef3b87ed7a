"""How a text begins: with the prompt itself, or with a head that says what the text shall be about."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aigc_core.data.corpus import END, START, TEXT
from aigc_core.data.poems import PLACE, Form
from aigc_core.data.stories import MOST_ABOUT, about_words, length_control
from aigc_core.rnn.forms import Guide, VerseGuide, VerseTables
from aigc_core.rnn.tokenizer import Tokenizer, control_tokens

MOST_THEME = 8
FEWEST_TELLING, LONGEST_FIRST = 4, 200
SMALL = frozenset(["the", "my", "our", "his", "her", "their", "some", "two", "three", "how", "why", "when", "what", "who"])
ASKING = re.compile(
    r"(?i)^(please )?((write|tell|make)( me| us)?( an?)?|an?)( short| long| little)? (story|tale|fairy tale)( about| of)?:?(?: |[.!?]*$)"
)
BEGINNINGS = frozenset(
    ["once", "one", "long", "there", "it", "i", "we", "you", "he", "she", "they", "if", "to", "in", "on", "at", "as", "after", "before"]
)
FOREIGN = frozenset(
    ["der", "die", "das", "ein", "eine", "le", "la", "les", "un", "une", "el", "los", "las", "uno", "una", "il", "lo", "o", "os", "um", "uma"]
)

WORDS = re.compile(r"[^\W\d_]+")
LIST_WORDS = frozenset(["a", "an", "the", "of", "for", "with", "some", "new", "like", "begin", "beginning", "starting"])
HAN, NO_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]"), re.compile(r"[^\W\d_\u3400-\u4dbf\u4e00-\u9fff]+")


@dataclass(frozen=True, kw_only=True)
class Opened:
    """The tokens to read before writing, and the parts of the prompt that mean nothing to the model."""

    tokens: list[int]
    ignored: tuple[str, ...]
    titled: bool = False
    """The prompt is no part of the text but says what it is about."""
    guide: Guide | None = None
    """Says which tokens may be written, where the text has a form."""
    lead: str = ""
    """What the text begins with, where the model was given more than its head."""
    favoured: frozenset[int] = frozenset()
    """The first tokens of the words that the text shall be about."""


class Opening(Protocol):
    """Turns a prompt into the tokens that a text begins with."""

    @property
    def end(self) -> int | None:
        """The token with which the model says that a text is at its end; only models of documents know it."""

    def open(self, prompt: str, length: int, continues: bool, topic: str = "", wanted: Sequence[str] = ()) -> Opened:
        """What to read before writing a text of about ``length`` characters.

        ``continues``: the prompt is the end of an earlier text, and ``topic`` what that one was asked to be about. ``wanted``: kinds, moods or
        forms that were chosen beside the prompt; those that the model does not have change nothing.
        """


class PlainOpening:
    """The text goes on from the prompt. ``controls`` come before it, where the model knows documents."""

    def __init__(self, tokenizer: Tokenizer, controls: tuple[str, ...] = ()) -> None:
        self.tokenizer, self.controls = tokenizer, control_tokens(tokenizer, controls)

    @property
    def end(self) -> int | None:
        """The token with which the model says that a text is at its end; only models of documents know it."""
        return self.tokenizer.control(END) if self.controls else None

    def open(self, prompt: str, length: int, continues: bool, topic: str = "", wanted: Sequence[str] = ()) -> Opened:
        """There is always a token to begin with. A text that ``continues`` another is not opened: it may begin in the middle."""
        head = [] if continues else self.controls
        tokens = [*head, *self.tokenizer.encode(prompt)] or self.tokenizer.encode("\n") or [0]
        return Opened(tokens=tokens, ignored=self.tokenizer.unknown(prompt))


@dataclass(frozen=True, kw_only=True)
class About:
    """What a head says: one of ``controls`` (the usual one first, each with the words of a prompt that ask for it), the length where texts are
    ``sized``, and at most ``most`` telling words, of which the ``first`` ones stand before the others."""

    controls: Mapping[str, Sequence[str]]
    common: frozenset[str]
    sized: bool = True
    most: int = MOST_ABOUT
    first: frozenset[str] = frozenset()
    told: bool = False
    """Whether the first sentence says what the text is about too: a small model takes it more to heart than a head."""


class AboutOpening:
    """The prompt says what the text is about: its telling words stand in a head, with the kind or mood and the length of the text."""

    def __init__(self, tokenizer: Tokenizer, about: About) -> None:
        self.tokenizer, self.about = tokenizer, about
        self.asked = {word: control for control, words in about.controls.items() for word in words}

    @property
    def end(self) -> int | None:
        """The token with which the model says that a text is at its end."""
        return self.tokenizer.control(END)

    def open(self, prompt: str, length: int, continues: bool, topic: str = "", wanted: Sequence[str] = ()) -> Opened:
        """A text that ``continues`` another has its end read after the head of the first."""
        about = self.about
        words = list(dict.fromkeys(word.lower() for word in WORDS.findall(topic if continues else prompt)))
        chosen = [name for name in wanted if name in about.controls] or [self.asked[word] for word in words if word in self.asked]
        control = (chosen or list(about.controls))[0]
        rest = [word for word in words if word not in self.asked]
        told = [word for word in rest if word in about_words(word, about.common)]
        telling = sorted(told, key=lambda word: word not in about.first)[: about.most]
        ignored = [word for word in rest if word not in telling and word not in about.common and (len(word) > 2 or not word.isascii())]
        whole = length + (len(prompt) if continues else 0)
        start = control_tokens(self.tokenizer, (START, control, *((length_control(whole),) if about.sized else ())))
        lead = first_sentence(prompt) if about.told and not continues else ""
        body = self.tokenizer.encode(prompt if continues else lead)
        tokens = [*start, *self.tokenizer.encode(" ".join(telling)), *control_tokens(self.tokenizer, (TEXT,)), *body]
        return Opened(tokens=tokens, ignored=() if continues else tuple(ignored), titled=True, lead=lead, favoured=self._first_tokens(telling))

    def _first_tokens(self, words: Sequence[str]) -> frozenset[int]:
        """Of words in the middle of a sentence: the first token of each, if it tells more than a letter or two."""
        firsts = [self.tokenizer.encode(f" {word}")[0] for word in words]
        return frozenset(token for token in firsts if len(self.tokenizer.piece(token)) >= FEWEST_TELLING)


class VerseOpening:
    """The prompt names a form (else the first one), and says what the poem is about; or is its first line, if it ends with a comma."""

    def __init__(self, tokenizer: Tokenizer, forms: Sequence[Form], groups: Sequence[str]) -> None:
        self.tokenizer, self.forms, self.groups = tokenizer, forms, groups
        self.tables = VerseTables(tokenizer, groups)

    @property
    def end(self) -> int | None:
        """The token behind the last line."""
        return self.tokenizer.control(END)

    def open(self, prompt: str, length: int, continues: bool, topic: str = "", wanted: Sequence[str] = ()) -> Opened:
        """A poem is whole: what ``continues`` one is another of its form and theme."""
        said = topic if continues else prompt
        named = self._named(wanted) or self._named([said])
        rest = said.replace(named[1], "") if named else said
        first = "" if continues else _first_line(rest)
        fitting = [form for form in self.forms if self._begins(form, first)]
        form = named[0] if named else (fitting or self.forms)[0]
        line = self.tokenizer.encode(f"{first}，") if form in fitting else []
        about = "" if line else "".join(HAN.findall(rest))[:MOST_THEME]
        guide = VerseGuide(self.tables, form)
        for token in line:
            guide.take(token)
        head = control_tokens(self.tokenizer, (START, form.name))
        tokens = [*head, *self.tokenizer.encode(about), *control_tokens(self.tokenizer, (TEXT,)), *line]
        return Opened(tokens=tokens, ignored=tuple(dict.fromkeys(NO_HAN.findall(rest))), titled=not line, guide=guide)

    def _named(self, texts: Sequence[str]) -> tuple[Form, str] | None:
        """The form of which one of ``texts`` holds a name, and the name."""
        return next(((form, name) for form in self.forms for name in form.name.split("・") if any(name in text for text in texts)), None)

    def _begins(self, form: Form, first: str) -> bool:
        """Whether ``first`` fills a form's first line with characters of which each is one token."""
        known = all(len(tokens) == 1 and bool(self.tables.character_V[tokens[0]]) for tokens in map(self.tokenizer.encode, first))
        return bool(first) and known and form.skeleton.startswith(PLACE * len(first) + "，")


class ListOpening:
    """The prompt names a kind of names, by one of its words; what else it says is the beginning of the first one.

    ``known`` names are nothing new: a line that is one of them goes on.
    """

    def __init__(self, tokenizer: Tokenizer, kinds: Mapping[str, Sequence[str]], known: frozenset[str] = frozenset()) -> None:
        self.known = known
        self.tokenizer, self.kind_of = tokenizer, {word: kind for kind, words in kinds.items() for word in words}
        self.kinds, self.usual = tuple(kinds), next(iter(kinds))

    @property
    def end(self) -> int | None:
        """The token behind the last name of a list."""
        return self.tokenizer.control(END)

    def goes_on(self, written: str) -> bool:
        """Whether the last line is a name that is known already."""
        return written.rpartition("\n")[2] in self.known

    def open(self, prompt: str, length: int, continues: bool, topic: str = "", wanted: Sequence[str] = ()) -> Opened:
        """A list that ``continues`` another is a new one of its kind."""
        words = list(dict.fromkeys(WORDS.findall(topic if continues else prompt)))
        asked = [self.kind_of[word.lower()] for word in words if word.lower() in self.kind_of]
        kind = next((name for name in (*wanted, *asked) if name in self.kinds), self.usual)
        rest = [] if continues else [word for word in words if word.lower() not in self.kind_of and word.lower() not in LIST_WORDS]
        first = rest[0].capitalize() if rest else ""
        head = control_tokens(self.tokenizer, (START, kind, TEXT))
        return Opened(tokens=[*head, *self.tokenizer.encode(first)], ignored=tuple(rest[1:]), titled=True, lead=first)


def first_sentence(prompt: str) -> str:
    """A story's first sentence from what it shall be about: the prompt itself if it is a sentence or begins like one, else one that names it.

    "" for a few words without an article, and for what looks like no English.
    """
    typed = prompt.strip().replace("\u2019", "'")
    said = " ".join(ASKING.sub("", typed).split())
    said = said if said == " ".join(typed.split()) else said.rstrip(".!?")
    if not said or len(said) > LONGEST_FIRST or not said.isascii() or not said[0].isalpha():
        return ""
    if said[-1] in ".!?":
        return said[0].upper() + said[1:]
    first, small = said.split()[0].lower(), said[0].lower() + said[1:]
    if first in BEGINNINGS:
        return said[0].upper() + said[1:]
    if first in ("a", "an"):
        return f"Once upon a time there was {small}."
    if first in SMALL or (said[0].isupper() and first not in FOREIGN):
        return f"This is the story of {small if first in SMALL else said}."
    return ""


def _first_line(prompt: str) -> str:
    """The characters of a prompt that is one line with a comma at its end, else nothing."""
    found = re.fullmatch(r"\s*([\u3400-\u4dbf\u4e00-\u9fff]+)[，,]\s*", prompt)
    return found.group(1) if found else ""


def read_opening(config: Mapping[str, Any], tokenizer: Tokenizer) -> Opening:
    """The opening that a model's configuration names."""
    if "verse" in config:
        forms = [Form(name=form["name"], skeleton=form["skeleton"], rhymes=tuple(form["rhymes"])) for form in config["verse"]["forms"]]
        return VerseOpening(tokenizer, forms, config["verse"]["groups"])
    if "lists" in config:
        return ListOpening(tokenizer, config["lists"], frozenset(config.get("known", ())))
    if "about" in config:
        return AboutOpening(tokenizer, _about(config["about"]))
    return PlainOpening(tokenizer, tuple(config.get("opens", ())))


def _about(config: Mapping[str, Any]) -> About:
    """What the head says, as a model's configuration has it."""
    sets = {name: frozenset(config.get(name, ())) for name in ("common", "first")}
    return About(controls=config["controls"], sized=config["sized"], most=config["most"], told=config.get("told", False), **sets)
