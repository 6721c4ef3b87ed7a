"""An owner's texts: what is read, what is cleaned, what is left out, and how documents become tokens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from aigc_core.data import texts
from aigc_core.data.corpus import END, START, TEXT, Document, build_corpus, split_documents
from aigc_core.data.sources import DataError
from aigc_core.data.texts import clean, load_texts

LONG = "It was a dark and stormy night, and the owl had nothing to say.\n" * 400


def test_every_kind_of_file_is_read(tmp_path: Path) -> None:
    """Plain files in parts, JSON lines with titles, lists, and chats as plays."""
    (tmp_path / "a.txt").write_text(f"{LONG}\n\n\n\nThe second text.\n* * *\nThe third.", encoding="utf-8")
    (tmp_path / "b.jsonl").write_text('{"title": "Owl", "text": "An owl sat."}\n\n"A plain line."\n', encoding="utf-8")
    (tmp_path / "c.json").write_text(json.dumps(["One.", {"content": "Two.", "name": "N"}]), encoding="utf-8")
    messages = [{"author": {"name": "mia", "nickname": "Mia"}, "content": "hi  there"}, {"author": "bo", "content": "yo"}, {"content": "?"}]
    (tmp_path / "d.json").write_text(json.dumps({"messages": messages}), encoding="utf-8")
    (tmp_path / "picture.png").write_bytes(b"no text")
    documents, report = load_texts([tmp_path])
    assert [d.text for d in documents[1:]] == [
        "The second text.", "The third.", "An owl sat.", "A plain line.", "One.", "Two.", "Mia: hi there\nbo: yo",
    ]  # fmt: skip
    assert (documents[3].about, documents[6].about) == ("Owl", "N")
    assert (report.num_files, report.num_documents, report.broken) == (4, 8, ())


def test_copies_and_broken_files_are_named(tmp_path: Path) -> None:
    """A text that differs in blanks and case is a copy; what does not parse is said and loses nothing else."""
    (tmp_path / "a.txt").write_text(LONG, encoding="utf-8")
    (tmp_path / "b.txt").write_text(LONG.upper().replace(" ", "  "), encoding="utf-8")
    (tmp_path / "c.jsonl").write_text('{"text": "good"}\n{"text": \n{"words": 1}\n' + "1" * 5000 + "\n" + "[" * 99_999, encoding="utf-8")
    (tmp_path / "d.txt").write_bytes(b"\xff\xfe\xfa")
    documents, report = load_texts([tmp_path / "a.txt", tmp_path])
    assert [d.text for d in documents] == [LONG.strip(), "good"]
    assert report.num_duplicates == 2 and report.broken == ("c.jsonl:2", "c.jsonl:3", "c.jsonl:4", "c.jsonl:5", "d.txt")
    assert any("c.jsonl:2, c.jsonl:3, c.jsonl:4 and 2 more" in line for line in report.lines()) and "copies" in report.lines()[1]


def test_what_is_odd_in_a_file_costs_nothing_else(tmp_path: Path) -> None:
    """Half of a surrogate pair, a separator of lines within a text, an ending in capitals, one bad item of a list."""
    (tmp_path / "a.txt").write_text(LONG, encoding="utf-8")
    (tmp_path / "b.jsonl").write_text('{"text":"cut \\ud83d"}\n{"text":"one\u2028two"}', encoding="utf-8")
    (tmp_path / "EXPORT.JSON").write_text('["Good one.", {"id": 3}]', encoding="utf-8")
    documents, report = load_texts([tmp_path])
    assert [d.text for d in documents] == ["Good one.", LONG.strip(), "cut ?", "one\u2028two"] and report.broken == ("EXPORT.JSON:2",)


def test_too_little_is_refused_with_a_number(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A short note.", encoding="utf-8")
    with pytest.raises(DataError, match=r"13 characters .* 20,000"):
        load_texts([tmp_path])
    with pytest.raises(DataError, match="there is no"):
        load_texts([tmp_path / "nothing"])


def test_cleaning_keeps_words_and_lines() -> None:
    assert clean("a\tb \r\nc\x00\u200bd\n\n\n\n\ne\u0301 ") == "a b\ncd\n\né"


def test_a_fixed_part_is_for_validation() -> None:
    """Of many documents a twentieth, always the same; of few the end of each, cut at a line."""
    many = [Document(text=f"text {number}") for number in range(200)]
    train, validation = split_documents(many)
    assert len(validation) == 10 and {d.text for d in train}.isdisjoint(d.text for d in validation)
    assert split_documents(many) == (train, validation)
    (train_one,), (end,) = split_documents([Document(text=LONG, about="owl")])
    assert train_one.text + end.text == LONG and train_one.text.endswith("\n") and 0.04 < len(end.text) / len(LONG) < 0.06
    assert end.about == "owl"


def test_documents_become_tokens_between_controls() -> None:
    """start, controls, what is said of it, text, its words, end: decoded, the text is whole."""
    documents = [Document(text=f"The owl number {n} sat.", controls=("story",), about="owl") for n in range(80)]
    corpus = build_corpus(documents, 300)
    tokenizer, stream = corpus.tokenizer, torch.cat([corpus.train_N, corpus.validation_N]).tolist()
    start, text, end, story = (tokenizer.control(name) for name in (START, TEXT, END, "story"))
    assert stream.count(start) == stream.count(text) == stream.count(end) == stream.count(story) == 80
    first = corpus.train_N.tolist()[: corpus.train_N.tolist().index(end) + 1]
    assert first[:2] == [start, story] and first[2 : first.index(text)] == tokenizer.encode("owl")
    assert b"".join(map(tokenizer.piece, first[first.index(text) :])).decode() in {d.text for d in documents}
    assert corpus.validation_bytes == sum(len(d.text) for d in split_documents(documents)[1])
    assert corpus.counted_N is not None
    words = b"".join(map(tokenizer.piece, corpus.validation_N[corpus.counted_N].tolist())).decode()
    assert words == "".join(d.text for d in split_documents(documents)[1]), "what is counted are the words of the texts, not their heads"


def test_files_beyond_the_limit_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text(LONG, encoding="utf-8")
    (tmp_path / "b.txt").write_text(LONG + LONG, encoding="utf-8")
    monkeypatch.setattr(texts, "MAX_FILE_BYTES", len(LONG))
    report = load_texts([tmp_path])[1]
    assert report.num_files == 1 and report.broken == ("b.txt (over 0 MiB)",)
