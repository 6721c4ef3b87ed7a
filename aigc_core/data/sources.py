"""Finds a data file in ``AIGC_DATA_DIR`` or downloads it from its own home, checks it, and keeps it."""

from __future__ import annotations

import hashlib
import os
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

CHUNK = 1 << 16
TIMEOUT_SECONDS = 30


class DataError(RuntimeError):
    """A data file cannot be had, or is not what it should be; the message says what to do."""


class NotHereError(DataError):
    """A prepared file is in no data folder, and there is nowhere to download it from."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """One file of a data set.

    ``sha256`` lists every accepted checksum: the same pictures exist in two orders, compressed by different programs. ``prepared`` says how a
    file is made from what its home offers, where it is not offered as it is. Without any checksum, who reads the file checks its content.
    """

    path: str
    url: str
    sha256: tuple[str, ...]
    licence: str
    credit: str
    prepared: str = ""
    md5: str = ""
    """Accepted too, where the publishers give nothing better."""


def locate(source: Source) -> Path:
    """The path of a checked local copy, downloaded first if need be.

    Raises:
        DataError: not there and not to be downloaded, or damaged.
    """
    folders = [Path(folder) for folder in (os.environ.get("AIGC_DATA_DIR"),) if folder]
    folders.append(cache_folder())
    for folder in folders:
        path = folder / source.path
        if path.is_file():
            _check(path, source)
            return path
    target = cache_folder() / source.path
    if source.prepared:
        raise NotHereError(f"{source.path} is not there: it is {source.prepared}, made from {source.url}; put it at $AIGC_DATA_DIR/{source.path}")
    _download(source, target)
    return target


def cache_folder() -> Path:
    """Where downloads are kept: ``$XDG_CACHE_HOME/aigc`` or ``~/.cache/aigc``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aigc"


def _check(path: Path, source: Source) -> None:
    digest, weak = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            weak.update(chunk)
    known = digest.hexdigest() in source.sha256 or weak.hexdigest() == source.md5
    if (source.sha256 or source.md5) and not known:
        raise DataError(f"{path} is damaged (its SHA-256 is {digest.hexdigest()}); delete it and try again")


def _download(source: Source, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with urllib.request.urlopen(source.url, timeout=TIMEOUT_SECONDS) as response, temporary.open("wb") as file:  # noqa: S310 - https only, from the table
            total, done = int(response.headers.get("Content-Length") or 0), 0
            while chunk := response.read(CHUNK):
                file.write(chunk)
                done += len(chunk)
                _show(source.path, done, total)
        _check(temporary, source)
        temporary.replace(target)
    except (urllib.error.URLError, OSError) as error:
        raise DataError(f"cannot download {source.url} ({error}); put the file at $AIGC_DATA_DIR/{source.path} instead") from error
    finally:
        temporary.unlink(missing_ok=True)


def _show(name: str, done: int, total: int) -> None:
    if sys.stderr.isatty():
        share = f"{done / total:4.0%}" if total else f"{done >> 10} KiB"
        sys.stderr.write(f"\r{name}: {share}" + ("\n" if done == total else ""))
