"""An owner's own pictures: any folder or ZIP archive, named by file, folder or a table, checked before anything is trained."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import torch
from PIL import Image, ImageOps

from aigc_core.data.sources import DataError
from aigc_core.data.tagged import TaggedPictures, hold_out, premultiplied, split_words

SUFFIXES = frozenset([".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp"])
MAX_FILE_BYTES = 32 << 20
MAX_PIXELS = 64_000_000
NEAR = 2.0
"""Two pictures whose 8x8 thumbnails differ by less on average, in levels of 255, count as the same."""


@dataclass(frozen=True, kw_only=True)
class FolderReport:
    """What was found: files used, and those left out with the reason."""

    num_used: int
    broken: tuple[str, ...]
    duplicates: tuple[str, ...]
    smallest: int
    num_words: int
    opaque: bool

    def lines(self) -> list[str]:
        """For the person who trains."""
        said = [f"{self.num_used} pictures, the smallest {self.smallest} pixels wide or high; {self.num_words} different words"]
        if self.broken:
            said.append(f"{len(self.broken)} files cannot be read as pictures and are left out: {_some(self.broken)}")
        if self.duplicates:
            said.append(f"{len(self.duplicates)} pictures are copies of others and are left out: {_some(self.duplicates)}")
        return said


def load_folder(data: Path, size: int, captions: Path | None = None) -> tuple[TaggedPictures, FolderReport]:
    """Read all pictures of a folder (with its folders) or a ZIP archive.

    A picture's words are those of its row in ``captions`` (CSV with the columns ``file`` and ``caption``), else those of its file's name, or of
    its folder's where the file's name holds none. ``size`` is the side in pixels.

    Raises:
        DataError: nothing there that can be read, or a table that does not fit.
    """
    table = _read_captions(captions) if captions else {}
    levels, names, tags, broken, duplicates = [], [], [], [], []
    seen: list[torch.Tensor] = []
    smallest, opaque = MAX_PIXELS, True
    for name, raw in _files(data):
        try:
            image = _decode(raw)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            broken.append(name)
            continue
        pixels = premultiplied(image, size)
        thumbnail = torch.nn.functional.adaptive_avg_pool2d(pixels.float(), 8)
        if seen and bool(((torch.stack(seen) - thumbnail).abs().mean(dim=(1, 2, 3)) < NEAR).any()):
            duplicates.append(name)
            continue
        seen.append(thumbnail)
        smallest, opaque = min(smallest, *image.size), opaque and bool((pixels[3] == 255).all())
        levels.append(pixels)
        words, more = _words(name, table)
        names.append(words)
        tags.append(more)
    if not levels:
        raise DataError(f"{data} holds no picture that can be read ({', '.join(sorted(SUFFIXES))})")
    if table and not any(PurePosixPath(name).name in table or name in table for name, _ in _files(data)):
        raise DataError(f"{captions} names none of the pictures in {data}; its column 'file' should hold their file names")
    stacked = torch.stack(levels)
    pictures = TaggedPictures(
        levels_NCHW=stacked[:, :3] if opaque else stacked, names=tuple(names), tags=tuple(tags), held_out_N=hold_out(names)
    )  # fmt: skip
    report = FolderReport(
        num_used=len(names), broken=tuple(broken), duplicates=tuple(duplicates), smallest=smallest,
        num_words=len(pictures.vocabulary), opaque=opaque,
    )  # fmt: skip
    return pictures, report


def _files(data: Path) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the picture files, in the order of their names."""
    if data.is_dir():
        for path in sorted(data.rglob("*")):
            if path.suffix.lower() in SUFFIXES and path.is_file() and path.stat().st_size <= MAX_FILE_BYTES:
                yield path.relative_to(data).as_posix(), path.read_bytes()
    elif zipfile.is_zipfile(data):
        with zipfile.ZipFile(data) as archive:
            for info in sorted(archive.infolist(), key=lambda info: info.filename):
                hidden = info.filename.startswith("__MACOSX")
                if PurePosixPath(info.filename).suffix.lower() in SUFFIXES and info.file_size <= MAX_FILE_BYTES and not hidden:
                    yield info.filename, archive.read(info)
    else:
        raise DataError(f"{data} is neither a folder nor a ZIP archive")


def _decode(raw: bytes) -> Image.Image:
    """The first frame, upright."""
    with Image.open(io.BytesIO(raw)) as image:
        if image.width * image.height > MAX_PIXELS:
            raise ValueError("too many pixels")
        image.load()
        return ImageOps.exif_transpose(image).copy()


def _read_captions(path: Path) -> dict[str, str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if not reader.fieldnames or not {"file", "caption"} <= set(reader.fieldnames):
            raise DataError(f"{path} needs a first row with the columns file and caption")
        return {row["file"]: row["caption"] for row in reader}


def _words(name: str, table: dict[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Name and tags of a picture."""
    path = PurePosixPath(name)
    folder = tuple(word for part in path.parts[:-1] for word in split_words(part) if not word.isdigit())
    caption = table.get(name, table.get(path.name))
    said = split_words(caption if caption is not None else path.stem)
    words = said if caption is not None else tuple(word for word in said if not any(sign.isdigit() for sign in word) and len(word) > 1)
    return (words or folder or ("picture",)), folder if words else ()


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
