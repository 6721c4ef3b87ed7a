"""Fashion-MNIST (Xiao, Rasul & Vollgraf 2017, arXiv 1708.07747): 70,000 pictures of clothes, 28x28, in ten classes, as pictures with words."""

from __future__ import annotations

import torch

from aigc_core.data.mnist import read_idx
from aigc_core.data.sources import DataError, Source, locate
from aigc_core.data.tagged import TaggedPictures, hold_out, split_words

LICENCE = "MIT"
CREDIT = "Fashion-MNIST by Zalando SE"
HOME = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
SIZE = 28
CLASSES = ("t-shirt top", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
ALSO = ("tee", "pants jeans", "sweater jumper", "gown", "jacket", "sandals heel", "blouse", "trainer shoe", "handbag purse", "boots bootie")
# SHA-256 of the copy whose pixels are restored (mean error 0.16 of 255), and the MD5 that the publishers' file has in the public tables.
CHECKSUMS = {
    "train-images-idx3-ubyte.gz": ("6fb43d6f73fd5967c9232f32314ac89aae72039ede42e73078d601077e163791", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
    "train-labels-idx1-ubyte.gz": ("a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", "25c81989df183df01b3e8a0aad5dffbe"),
    "t10k-images-idx3-ubyte.gz": ("07fa77d5a1767a40c2571e4eb8945542fa945074b7ecfc81c8bfbd353de7b4ae", "bef4ecab320f06d8554ea6380940ec79"),
    "t10k-labels-idx1-ubyte.gz": ("67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", "bb300cfdad3c16e7a12a480ee83cd310"),
}


def load_fashion(split: str) -> tuple[TaggedPictures, torch.Tensor]:
    """The ``train`` or ``test`` pictures and their class numbers ``(N,)``.

    Raises:
        DataError: the files cannot be had or do not hold what they should.
    """
    stem = {"train": "train", "test": "t10k"}[split]
    levels = torch.from_numpy(read_idx(locate(_source(f"{stem}-images-idx3-ubyte.gz"))).copy())
    labels = torch.from_numpy(read_idx(locate(_source(f"{stem}-labels-idx1-ubyte.gz"))).copy()).long()
    if levels.shape[1:] != (SIZE, SIZE) or len(levels) != len(labels):
        raise DataError(f"Fashion-MNIST {split}: unexpected shapes {tuple(levels.shape)} and {tuple(labels.shape)}")
    names = tuple(class_words(label) for label in labels.tolist())
    tags = tuple(split_words(ALSO[label]) for label in labels.tolist())
    return TaggedPictures(levels_NCHW=levels.unsqueeze(1), names=names, tags=tags, held_out_N=hold_out(names)), labels


def class_words(label: int) -> tuple[str, ...]:
    """The words of a class; "t shirt" is one word, so that a shirt is something else."""
    return split_words(CLASSES[label].replace("t-shirt", "tshirt"))


def _source(name: str) -> Source:
    sha256, md5 = CHECKSUMS[name]
    return Source(path=f"fashion-mnist/{name}", url=HOME + name, sha256=(sha256,), md5=md5, licence=LICENCE, credit=CREDIT)
