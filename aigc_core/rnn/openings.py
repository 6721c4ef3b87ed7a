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


class Opening(Protocol):
    """Turns a prompt into the tokens that a text begins with."""

    @property
    def end(self) -> int | None:
        """The token with which the model says that a text is at its end; only models of documents know it."""

    def open(self, prompt: str, length: int, continues: bool) -> Opened:
        """What to read before writing a text of about ``length`` characters; ``continues``: the prompt is the end of an earlier text."""


class PlainOpening:
    """The text goes on from the prompt. ``controls`` come before it, where the model knows documents."""

    def __init__(self, tokenizer: Tokenizer, controls: tuple[str, ...] = ()) -> None:
        self.tokenizer, self.controls = tokenizer, control_tokens(tokenizer, controls)

    @property
    def end(self) -> int | None:
        """The token with which the model says that a text is at its end; only models of documents know it."""
        return self.tokenizer.control(END) if self.controls else None

    def open(self, prompt: str, length: int, continues: bool) -> Opened:
        """There is always a token to begin with. A text that ``continues`` another is not opened: it may begin in the middle."""
        head = [] if continues else self.controls
        tokens = [*head, *self.tokenizer.encode(prompt)] or self.tokenizer.encode("\n") or [0]
        return Opened(tokens=tokens, ignored=self.tokenizer.unknown(prompt))


class AboutOpening:
    """The prompt says what the text is about: its telling words stand in a head, with the kind and the length of the text."""

    def __init__(self, tokenizer: Tokenizer, kind: str, common: frozenset[str]) -> None:
        self.tokenizer, self.kind, self.common = tokenizer, kind, common

    @property
    def end(self) -> int | None:
        """The token with which the model says that a text is at its end."""
        return self.tokenizer.control(END)

    def open(self, prompt: str, length: int, continues: bool) -> Opened:
        """A text that ``continues`` another has its end read after an empty head."""
        words = [] if continues else about_words(prompt, self.common)
        about, rest = words[:MOST_ABOUT], words[MOST_ABOUT:]
        start = control_tokens(self.tokenizer, (START, self.kind, length_control(length)))
        body = self.tokenizer.encode(prompt) if continues else []
        tokens = [*start, *self.tokenizer.encode(" ".join(about)), *control_tokens(self.tokenizer, (TEXT,)), *body]
        return Opened(tokens=tokens, ignored=tuple(rest), titled=True)


class VerseOpening:
    """The prompt names a form (else the first one), and says what the poem is about; or is its first line, if it ends with a comma."""

    def __init__(self, tokenizer: Tokenizer, forms: Sequence[Form], groups: Sequence[str]) -> None:
        self.tokenizer, self.forms, self.groups = tokenizer, forms, groups
        self.tables = VerseTables(tokenizer, groups)

    @property
    def end(self) -> int | None:
        """The token behind the last line."""
        return self.tokenizer.control(END)

    def open(self, prompt: str, length: int, continues: bool) -> Opened:
        """A poem is whole; what ``continues`` one is another of its form that takes its last characters for a theme."""
        named = next((form for form in self.forms if form.name in prompt), None)
        rest = prompt.replace(named.name, "") if named else prompt
        theme = "".join(HAN.findall(rest))
        first = _first_line(rest)
        fitting = [form for form in self.forms if _begins(form, first)]
        form = named or (fitting or self.forms)[0]
        first = first if form in fitting else ""
        about = "" if first else theme[-MOST_THEME:] if continues else theme[:MOST_THEME]
        guide = VerseGuide(self.tables, form)
        body = self.tokenizer.encode(first)
        for token in body:
            guide.take(token)
        head = control_tokens(self.tokenizer, (START, form.name))
        tokens = [*head, *self.tokenizer.encode(about), *control_tokens(self.tokenizer, (TEXT,)), *body]
        return Opened(tokens=tokens, ignored=tuple(dict.fromkeys(NO_HAN.findall(rest))), titled=not first, guide=guide)


def _first_line(prompt: str) -> str:
    """The characters of a prompt that is one line with a comma at its end, else nothing."""
    found = re.fullmatch(r"\s*([\u3400-\u4dbf\u4e00-\u9fff]+)[，,]\s*", prompt)
    return found.group(1) if found else ""


def _begins(form: Form, first: str) -> bool:
    """Whether ``first`` fills a form's first line."""
    return bool(first) and form.skeleton.startswith(PLACE * len(first) + "，")


def read_opening(config: Mapping[str, Any], tokenizer: Tokenizer) -> Opening:
    """The opening that a model's configuration names."""
    if "verse" in config:
        forms = [Form(name=form["name"], skeleton=form["skeleton"], rhymes=tuple(form["rhymes"])) for form in config["verse"]["forms"]]
        return VerseOpening(tokenizer, forms, config["verse"]["groups"])
    if "about" in config:
        return AboutOpening(tokenizer, config["about"]["kind"], frozenset(config["about"]["common"]))
    return PlainOpening(tokenizer, tuple(config.get("opens", ())))
