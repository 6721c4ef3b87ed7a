"""The Nouns artwork: decoding its published form, composing, naming, keeping combinations out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from aigc_core.data.avatars import Avatars
from aigc_core.data.nouns import SLOTS, Nouns, clean_names, load_nouns, read_artwork
from aigc_core.data.sources import DataError


def encode_runs(picture: np.ndarray) -> str:
    """The published form of a picture, by its description."""
    rows, columns = np.nonzero(picture)
    top, bottom, left, right = rows.min(), rows.max(), columns.min(), columns.max() + 1
    flat = picture[top : bottom + 1, left:right].ravel().tolist()
    runs: list[int] = []
    for number in flat:
        if runs and runs[-1] == number and runs[-2] < 255:
            runs[-2] += 1
        else:
            runs += [1, number]
    return "0x" + bytes([0, top, right, bottom, left, *runs]).hex()


def test_published_pictures_are_decoded() -> None:
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 4, (3, 32, 32)).astype(np.uint8)
    pictures[0, :5] = pictures[1, :, :9] = 0
    groups = {plural: [{"filename": f"x-{i}", "data": encode_runs(p)} for i, p in enumerate(pictures)]
              for plural in ("bodies", "accessories", "heads", "glasses")}  # fmt: skip
    artwork = read_artwork({"bgcolors": ["d5d7e1", "e1d7d5"], "palette": ["", "ff0000", "00ff00", "0000ff"], "images": groups})
    np.testing.assert_array_equal(artwork.numbers["head"], pictures)
    assert artwork.palette_P4.tolist() == [[0, 0, 0, 0], [255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255]]
    assert artwork.backgrounds_N3.tolist()[0] == [0xD5, 0xD7, 0xE1]


def test_names_lose_what_only_tells_files_apart() -> None:
    assert clean_names(["head-cat", "head-green-snake", "body-peachy-B", "body-peachy-a", "glasses-square-red"]) == (
        "cat", "green snake", "peachy b", "peachy a", "square red",
    )  # fmt: skip


def nouns() -> Nouns:
    try:
        return load_nouns()
    except DataError as error:
        pytest.skip(f"the Nouns artwork is not here: {error}")


def test_later_parts_cover_earlier_ones() -> None:
    parts = nouns()
    choices = parts.sample(6, torch.Generator().manual_seed(0))
    x = parts.compose(choices)
    assert x.shape == (6, 3, 32, 32) and x.abs().max() <= 1
    for picture, choice in zip(x, choices, strict=True):
        glasses = parts.layers["glasses"][choice[SLOTS.index("glasses")]]
        seen = glasses[3] == 1
        torch.testing.assert_close(picture[:, seen], (2 * glasses[:3] - 1)[:, seen])


def test_a_tenth_of_the_pairs_of_head_and_glasses_is_never_trained_on() -> None:
    avatars = Avatars(nouns=nouns())
    rng = torch.Generator().manual_seed(0)
    everything = avatars.nouns.sample(4000, rng)
    share = sum(avatars.is_held_out(choice) for choice in everything) / 4000
    assert share == pytest.approx(0.1, abs=0.02)
    assert not any(avatars.is_held_out(choice) for choice in avatars.choices(200, rng, held_out=False))
    assert all(avatars.is_held_out(choice) for choice in avatars.choices(50, rng, held_out=True))


def test_pictures_come_with_their_words() -> None:
    avatars = Avatars(nouns=nouns())
    x, descriptions = avatars.batch(3, torch.Generator().manual_seed(0))
    assert x.shape == (3, 3, 32, 32)
    assert all(len(description) == len(SLOTS) and all(description) for description in descriptions)
    assert {word for description in descriptions for phrase in description for word in phrase} <= set(avatars.vocabulary)
