"""Noto Emoji at 64x64 with names and tags; without skin tones, flags and keycaps."""

from __future__ import annotations

import csv
import io
import zipfile

import torch
from PIL import Image

from aigc_core.data.sources import Source, locate
from aigc_core.data.tagged import TaggedPictures, hold_out, premultiplied, split_words

LICENCE = "Apache-2.0 (pictures), MIT (names)"
CREDIT = "Noto Emoji by Google; names and tags of gemoji by GitHub"
_HOME = "https://github.com/googlefonts/noto-emoji"
ARCHIVE = Source(
    path="noto-emoji/noto-emoji-64.zip", url=f"{_HOME}/archive/b3e3051a088047d19fd4d49b1c3ac42fb8c3aaf8.zip",
    sha256=("2ba4ed0aceae468ba756adeae6caa3bd72116f63f89b83fc798aef3c8d35b512",), licence=LICENCE, credit=CREDIT,
    prepared="the pictures at 64 pixels as one archive",
)  # fmt: skip
NAMES = Source(
    path="noto-emoji/names.csv", url=_HOME,
    sha256=("11462402691e4e55b47c6b157d45b8e5bb1be40bd53ddeba4d073af835bde8fd",), licence=LICENCE, credit=CREDIT,
    prepared="the table of their names and tags",
)  # fmt: skip
_KINDS = ("Smileys & Emotion", "Animals & Nature", "Food & Drink", "People & Body", "Travel & Places", "Activities", "Objects")
_EMPTY = frozenset({"with", "of", "and", "the", "in", "on"})


def load_emoji(size: int = 64) -> TaggedPictures:
    """Things, animals, food, faces, RGBA at ``size`` pixels."""
    levels, names, tags = [], [], []
    with zipfile.ZipFile(locate(ARCHIVE)) as archive, locate(NAMES).open(encoding="utf-8", newline="") as file:
        present = set(archive.namelist())
        for row in csv.DictReader(file):
            if row["category"] not in _KINDS or row["skin_tones"] != "0" or row["is_flag"] != "0" or row["file"] not in present:
                continue
            levels.append(premultiplied(Image.open(io.BytesIO(archive.read(row["file"]))), size))
            name = tuple(word for word in split_words(row["name"]) if word not in _EMPTY)
            names.append(name)
            said = split_words(f"{row['tags']} {row['aliases'].replace('_', ' ')} {row['category']}")
            tags.append(tuple(word for word in said if word not in _EMPTY and word not in name))
    return TaggedPictures(levels_NCHW=torch.stack(levels), names=tuple(names), tags=tuple(tags), held_out_N=hold_out(names))
