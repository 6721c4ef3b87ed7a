"""The sets of pictures with words, where they are: read, named, split."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
import torch

from aigc_core.data.emoji import load_emoji
from aigc_core.data.fashion import load_fashion
from aigc_core.data.sources import DataError
from aigc_core.data.sprites import load_sprites
from aigc_core.data.tagged import TaggedPictures
from aigc_core.evaluation.classes import classification_accuracy_score

LOADERS: dict[str, tuple[Callable[[], TaggedPictures], int, int]] = {
    "sprites": (load_sprites, 4, 32), "emoji": (load_emoji, 4, 64), "fashion": (lambda: load_fashion("train")[0], 1, 28),
}  # fmt: skip


@pytest.mark.parametrize("name", list(LOADERS))
def test_a_set_is_read_and_named(name: str) -> None:
    if not os.environ.get("AIGC_DATA_DIR"):
        pytest.skip("AIGC_DATA_DIR does not name a folder with the training data")
    load, channels, size = LOADERS[name]
    pictures = load()
    assert pictures.levels_NCHW.shape[1:] == (channels, size, size)
    assert len(pictures) == len(pictures.names) == len(pictures.tags) > 500
    assert all(pictures.names) and 0.05 < pictures.held_out_N.float().mean() < 0.15
    if channels == 4:
        levels = pictures.levels_NCHW.int()
        assert (levels[:, :3] <= levels[:, 3:] + 1).all(), "colours are premultiplied"
    x, descriptions = pictures.batch(16, torch.Generator().manual_seed(0))
    assert x.abs().max() <= 1 and all(words <= set(pictures.vocabulary) for words in (set(phrase) for (phrase,) in descriptions))


def test_a_prepared_set_that_is_missing_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("AIGC_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(DataError, match=r"put it at \$AIGC_DATA_DIR/dcss-tiles"):
        load_sprites()


def test_a_generator_without_variety_has_a_low_classification_accuracy_score() -> None:
    """Ten stripes as classes: copies of real pictures score like real ones, pictures of one class do not."""
    labels = torch.arange(400) % 10
    x = torch.full((400, 1, 8, 24), -1.0)
    for row, label in enumerate(labels.tolist()):
        x[row, 0, :, 2 * label + 2 : 2 * label + 4] = 1.0
    real = (x[:200], labels[:200])
    good = classification_accuracy_score((x[200:], labels[200:]), real, real, num_steps=60)
    poor = classification_accuracy_score((x[200:201].expand(200, -1, -1, -1), labels[:200]), real, real, num_steps=60)
    assert good["cas"] > 0.9 and good["real_cas"] > 0.9 and good["gan_test"] > 0.9
    assert poor["cas"] < 0.5
