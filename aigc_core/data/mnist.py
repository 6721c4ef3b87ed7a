"""MNIST (LeCun, Cortes & Burges): 60,000 training and 10,000 test digits of 28x28."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aigc_core.data.sources import DataError, Source, locate
from aigc_core.data.tagged import TaggedPictures, hold_out
from aigc_core.prompts import NUMBER_WORDS

LICENCE = "CC BY-SA 3.0"
CREDIT = "MNIST by Yann LeCun, Corinna Cortes and Christopher J. C. Burges"
HOME = "https://ossci-datasets.s3.amazonaws.com/mnist/"
# Two accepted checksums for each file: the copy in class order made from the PNG mirror, and the file of its original home.
CHECKSUMS = {
    "train-images-idx3-ubyte.gz": (
        "71524e2cd1ad2968737f7f2f2ff69cbfc32df8ccddff51593f7cb2d4e0eb5b64",
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    ),
    "train-labels-idx1-ubyte.gz": (
        "fe03b8bd7915f70bf5aa08be480aa413fbd85afcaa58b35d230d335f284fd88e",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    ),
    "t10k-images-idx3-ubyte.gz": (
        "5634745efa576a17e7d4cf5cd9d09123c75e6538e5114267c2d156edaf519341",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "ae18e77e031ccde52407f794d123116439864147d33ac992975f85dd4dc42af6",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Digits:
    """``levels_NHW`` are 8-bit grey levels (0 paper, 255 ink), ``labels_N`` the digits."""

    levels_NHW: Tensor
    labels_N: Tensor

    def __len__(self) -> int:
        return len(self.labels_N)

    def pictures(self, index: Tensor) -> Tensor:
        """``x_BCHW`` in [-1, 1] of the rows ``index``."""
        return self.levels_NHW[index].float().div(127.5).sub(1).unsqueeze(1)

    def inks(self, index: Tensor) -> Tensor:
        """``x_BCHW`` in [0, 1], the probability of ink, of the rows ``index``."""
        return self.levels_NHW[index].float().div(255).unsqueeze(1)


def load_mnist(split: str) -> Digits:
    """The ``train`` or ``test`` digits, in an order shuffled once and for all (copies of the set come sorted by class).

    Raises:
        DataError: the files cannot be had or do not hold what they should.
    """
    stem = {"train": "train", "test": "t10k"}[split]
    images = read_idx(locate(_source(f"{stem}-images-idx3-ubyte.gz")))
    labels = read_idx(locate(_source(f"{stem}-labels-idx1-ubyte.gz")))
    if images.ndim != 3 or images.shape[1:] != (28, 28) or len(images) != len(labels):
        raise DataError(f"MNIST {split}: unexpected shapes {images.shape} and {labels.shape}")
    order = np.random.default_rng(0).permutation(len(labels))
    return Digits(levels_NHW=torch.from_numpy(images[order]), labels_N=torch.from_numpy(labels[order]).long())


@dataclass(frozen=True, kw_only=True)
class DigitPictures(TaggedPictures):
    """Digits as pictures with words: the figure is the name, the number word a tag."""

    @classmethod
    def of(cls, digits: Digits) -> DigitPictures:
        """``digits`` with their words."""
        figures, words = tuple((str(label),) for label in digits.labels_N.tolist()), {value: word for word, value in NUMBER_WORDS.items()}
        tags = tuple((words[label],) for label in digits.labels_N.tolist())
        return cls(levels_NCHW=digits.levels_NHW.unsqueeze(1), names=figures, tags=tags, held_out_N=hold_out(figures))

    def lexicon(self) -> dict[str, Any]:
        """A prompt is read for its digits."""
        return {**super().lexicon(), "reads": "digits"}


def _source(name: str) -> Source:
    return Source(path=f"mnist/{name}", url=HOME + name, sha256=CHECKSUMS[name], licence=LICENCE, credit=CREDIT)


def read_idx(path: Path) -> np.ndarray:
    """Read a compressed IDX file of unsigned bytes: magic ``0 0 8 ndim``, big-endian sizes, data.

    Raises:
        DataError: it is something else.
    """
    raw = gzip.decompress(path.read_bytes())
    if raw[:3] != b"\x00\x00\x08":
        raise DataError(f"{path} is not an IDX file of unsigned bytes")
    ndim = raw[3]
    shape = np.frombuffer(raw, dtype=">i4", count=ndim, offset=4)
    return np.frombuffer(raw, dtype=np.uint8, offset=4 + 4 * ndim).reshape(shape)
