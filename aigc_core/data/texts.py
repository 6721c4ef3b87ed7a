"""An owner's own texts: plain text, Markdown, JSON lines, or an export of a chat; cleaned and checked before anything is trained."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aigc_core.data.corpus import Document
from aigc_core.data.sources import DataError

SUFFIXES = frozenset([".txt", ".md", ".jsonl", ".json"])
MAX_FILE_BYTES = 512 << 20
FEWEST_CHARACTERS = 20_000
"""From less a model learns to spell, and then to copy."""
_TEXT_FIELDS, _TITLE_FIELDS = ("text", "content", "body", "story"), ("title", "name", "topic")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b\u2060\ufeff]")
_BREAK = re.compile(r"\n(?:[ \t]*\n){3,}|\n[ \t]*(?:\*[ \t]*){3,}\n|<\|endoftext\|>")
"""Where one text ends and another begins in a plain file: three empty lines, a row of stars, or the mark of published corpora."""


@dataclass(frozen=True, kw_only=True)
class TextsReport:
    """What was found, and what was left out."""

    num_files: int
    num_documents: int
    num_characters: int
    num_duplicates: int
    broken: tuple[str, ...]

    def lines(self) -> list[str]:
        """For the person who trains."""
        said = [f"{self.num_characters:,} characters in {self.num_documents:,} texts of {self.num_files} files"]
        if self.num_duplicates:
            said.append(f"{self.num_duplicates:,} texts are copies of others and are left out")
        if self.broken:
            more = f" and {len(self.broken) - 3} more" if len(self.broken) > 3 else ""
            said.append(f"{len(self.broken)} files or lines cannot be read and are left out: {', '.join(self.broken[:3])}{more}")
        return said


def load_texts(paths: Sequence[Path], fewest: int = FEWEST_CHARACTERS) -> tuple[list[Document], TextsReport]:
    """Read files and folders of texts, each text once.

    ``.txt`` and ``.md`` are one text or several (see ``_BREAK``); ``.jsonl`` has an object with a text a line; ``.json`` is a list of such
    objects, or a chat export with ``messages``, of which each says its author and content.

    Raises:
        DataError: nothing there that can be read, or too little.
    """
    broken: list[str] = []
    documents: list[Document] = []
    seen: set[bytes] = set()
    num_files = num_found = 0
    for path in _files(paths, broken):
        num_files += 1
        for document in _read(path, broken):
            num_found += 1
            digest = hashlib.sha256(" ".join(document.text.lower().split()).encode()).digest()
            if digest not in seen:
                seen.add(digest)
                documents.append(document)
    total = sum(len(document.text) for document in documents)
    if total < fewest:
        kinds = ", ".join(sorted(SUFFIXES))
        raise DataError(f"there are {total:,} characters in {num_files} files ({kinds}); from fewer than {fewest:,} a model learns copies. Add more")
    report = TextsReport(
        num_files=num_files, num_documents=len(documents), num_characters=total, num_duplicates=num_found - len(documents), broken=tuple(broken)
    )  # fmt: skip
    return documents, report


def clean(text: str) -> str:
    """Composed characters, plain line ends, no control characters, no blanks at the ends of lines, at most one empty line in a row."""
    text = text.encode("utf-8", "replace").decode()  # half of a pair of surrogates is no character
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    lines = [line.rstrip() for line in _CONTROL.sub("", text).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _files(paths: Sequence[Path], broken: list[str]) -> Iterator[Path]:
    for path in paths:
        if not path.exists():
            raise DataError(f"there is no {path}")
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in found:
            if file.suffix.lower() not in SUFFIXES or not file.is_file():
                continue
            if file.stat().st_size > MAX_FILE_BYTES:
                broken.append(f"{file.name} (over {MAX_FILE_BYTES >> 20} MiB)")
            else:
                yield file


def _read(path: Path, broken: list[str]) -> Iterator[Document]:
    """The cleaned documents of a file; what cannot be read is noted."""
    try:
        raw = path.read_text(encoding="utf-8-sig")
        found = READERS.get(path.suffix.lower(), _parts)(raw, path.name, broken)
    except (ValueError, RecursionError, DataError):
        broken.append(path.name)
        return
    for document in found:
        text = clean(document.text)
        if text:
            yield Document(text=text, controls=document.controls, about=clean(document.about))


def _parts(raw: str, _name: str, _broken: list[str]) -> list[Document]:
    return [Document(text=part) for part in _BREAK.split(raw)]


def _lines(raw: str, name: str, broken: list[str]) -> list[Document]:
    found = []
    for number, line in enumerate(raw.split("\n"), 1):  # not splitlines, which cuts at U+2028 too, where JSON does not
        if not line.strip():
            continue
        try:
            found.append(_document(json.loads(line)))
        except (ValueError, RecursionError, DataError):
            broken.append(f"{name}:{number}")
    return found


def _whole(raw: str, name: str, broken: list[str]) -> list[Document]:
    value = json.loads(raw)
    if isinstance(value, dict) and isinstance(value.get("messages"), list):
        return [_chat(value["messages"])]
    if isinstance(value, list):
        found = []
        for number, item in enumerate(value, 1):
            try:
                found.append(_document(item))
            except DataError:
                broken.append(f"{name}:{number}")
        return found
    raise DataError("neither a list nor a chat export")


READERS = {".jsonl": _lines, ".json": _whole}


def _document(value: Any) -> Document:
    if isinstance(value, str):
        return Document(text=value)
    if not isinstance(value, dict):
        raise DataError("a text is a string or an object")
    text = next((value[name] for name in _TEXT_FIELDS if isinstance(value.get(name), str)), None)
    if text is None:
        raise DataError(f"no field {' or '.join(_TEXT_FIELDS)}")
    return Document(text=text, about=next((value[name] for name in _TITLE_FIELDS if isinstance(value.get(name), str)), ""))


def _chat(messages: list[Any]) -> Document:
    """A chat as a play: who says what, a line each."""
    lines = []
    for message in messages:
        author = message.get("author") if isinstance(message, dict) else None
        name = (author.get("nickname") or author.get("name")) if isinstance(author, dict) else author
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(name, str) and isinstance(content, str) and content.strip():
            lines.append(f"{name}: {' '.join(content.split())}")
    return Document(text="\n".join(lines))
