from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from aigc_core import images


@pytest.mark.parametrize("size", [(32, 32), (64, 64), (256, 256), (300, 100)])
def test_an_emoji_is_a_square_that_discord_takes(size: tuple[int, int]) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (size[1], size[0], 4), dtype=np.uint8), "RGBA")
    data = images.emoji_bytes(noise)
    shown = Image.open(io.BytesIO(data))
    assert shown.size == (128, 128) and len(data) <= 256 * 1024
    if size[0] != size[1]:
        assert shown.convert("RGBA").getpixel((64, 2))[3] == 0, "nothing above a wide picture"


def test_pixel_art_stays_pixel_art() -> None:
    art = Image.fromarray(np.random.default_rng(1).integers(0, 256, (32, 32, 4), dtype=np.uint8), "RGBA")
    shown = np.asarray(Image.open(io.BytesIO(images.emoji_bytes(art))).convert("RGBA"))
    opaque = shown[::4, ::4, 3] > 0
    assert opaque.any() and (shown[::4, ::4][opaque] == shown[3::4, 3::4][opaque]).all()


def test_grey_pictures_lie_on_a_coloured_sheet() -> None:
    """The colour between pictures is a model's own, whether its pictures have colours or not."""
    sheet = images.grid([Image.new("L", (4, 4), 255)] * 2, gap=2, background=(24, 25, 28))
    assert sheet.mode == "RGB" and sheet.getpixel((0, 0)) == (24, 25, 28) and sheet.getpixel((3, 3)) == (255, 255, 255)
