"""Dungeon tiles: 32x32 pixel art of monsters and things, with names (Dungeon Crawl Stone Soup; the part that is surely CC0)."""

from __future__ import annotations

import csv
import io
import zipfile

import torch
from PIL import Image

from aigc_core.data.sources import DataError, Source, locate
from aigc_core.data.tagged import TaggedPictures, hold_out, premultiplied, split_words

LICENCE = "CC0"
CREDIT = "Dungeon Crawl Stone Soup tiles by their many artists (CC0 release of November 2015)"
SIZE = 32
_HOME = "https://github.com/crawl/tiles"
ARCHIVE = Source(
    path="dcss-tiles/dcss-tiles.zip", url=f"{_HOME}/archive/a6ea1655db5c044829d9eea19a232fa6fcac87b0.zip",
    sha256=("84f07b62a4ed6cbb92b2ec588f60af677eaa937947e0e4d9f0bd8f954e998247",), licence=LICENCE, credit=CREDIT,
    prepared="the tiles as one archive",
)  # fmt: skip
INDEX = Source(
    path="dcss-tiles/index.csv", url=_HOME,
    sha256=("c8b5b59c45d7e3394bbe63261fa25a092bbdc8eff4fe561b5aec1b5746d9fab4",), licence=LICENCE, credit=CREDIT,
    prepared="the table of their names and licences",
)  # fmt: skip
MIN_OPAQUE = 0.08
_KINDS = {"mon": "monster", "item": "item"}
_UNUSED = {"monsters": "monster", "weapons": "item", "armour": "item"}
_LEFT_OUT = ("segment", "tentacles", "brands", "runes", "tag", "sigils")
_SINGULAR = {"undead": "undead", "humanoids": "humanoid", "animals": "animal", "demons": "demon", "dragons": "dragon", "draco": "dragon"}


def load_sprites() -> TaggedPictures:
    """Monsters and things, RGBA.

    Raises:
        DataError: the files cannot be had or do not fit each other.
    """
    levels, names, tags = [], [], []
    with zipfile.ZipFile(locate(ARCHIVE)) as archive, locate(INDEX).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            words = _words(row)
            if words is None:
                continue
            try:
                levels.append(premultiplied(Image.open(io.BytesIO(archive.read(row["file"]))), SIZE))
            except KeyError as error:
                raise DataError(f"{ARCHIVE.path} and {INDEX.path} do not belong together: {error}") from error
            names.append(words[0])
            tags.append(words[1])
    return TaggedPictures(levels_NCHW=torch.stack(levels), names=tuple(names), tags=tuple(tags), held_out_N=hold_out(names))


def _words(row: dict[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Name and tags of a tile, or None for one that shows no whole thing."""
    group = row["subcategory"].split("/")
    kind = _UNUSED.get(group[0]) if row["category"] == "UNUSED" else _KINDS.get(row["category"])
    if kind is None or row["in_cc0_nov2015_release"] != "1" or row["duplicate_of"]:
        return None
    if any(part in row["file"] for part in _LEFT_OUT) or float(row["opaque_fraction"]) < MIN_OPAQUE:
        return None
    name = tuple(word for word in split_words(row["label"]) if not word.isdigit() and len(word) > 1)
    if kind == "item" and group[0] in ("potion", "scroll", "wand", "ring", "amulet", "staff", "book", "rod") and group[0] not in name:
        name = (*name, group[0])  # "golden" is a golden potion
    groups = tuple(_SINGULAR.get(part, part) for part in group if part and part not in ("misc", "vault", "unique"))
    return (name, (kind, *groups)) if name else None
