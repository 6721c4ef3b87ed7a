"""From tensors to pictures: PIL images, contact grids, PNG bytes that say what made them."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence

import torch
from PIL import Image, PngImagePlugin
from torch import Tensor

COMPRESS_LEVEL = 3
"""Two thirds of the default's time for at most a tenth more bytes, on the pictures of the zoo."""

EMOJI_SIZE = 128
"""The side that Discord asks of a server's own emoji; as many pixels with four levels each are 64 KiB, a quarter of what it takes."""

FAINTEST = 0.06
"""Less opacity than this is none."""


def to_pil(x_CHW: Tensor) -> Image.Image:
    """One picture in [-1, 1] with 1, 3 or 4 channels, as 8-bit grey, RGB or RGBA (the four: colours times opacity, and opacity)."""
    x_CHW = x_CHW.detach().float().clamp(-1, 1)
    if x_CHW.shape[0] == 4:
        x_CHW = _unpremultiplied(x_CHW)
    levels = ((x_CHW + 1) * 127.5).round().to(torch.uint8).cpu()
    if levels.shape[0] == 1:
        return Image.fromarray(levels[0].numpy(), mode="L")
    if levels.shape[0] == 4:
        return Image.fromarray(levels.permute(1, 2, 0).contiguous().numpy(), mode="RGBA")
    return Image.fromarray(levels.permute(1, 2, 0).contiguous().numpy(), mode="RGB")


def _unpremultiplied(x_CHW: Tensor) -> Tensor:
    """Colours divided by opacity; what is hardly there becomes nothing."""
    colours, opacity = (x_CHW[:3] + 1) / 2, (x_CHW[3:] + 1) / 2
    opacity = torch.where(opacity < FAINTEST, 0.0, opacity)
    return 2 * torch.cat([(colours / opacity.clamp(min=FAINTEST)).clamp(0, 1) * (opacity > 0), opacity]) - 1


def on_grey(x_CHW: Tensor, grey: float = -0.4) -> Tensor:
    """A picture with opacity (4 channels, colours premultiplied, all in [-1, 1]) laid on plain grey; others as they are."""
    if x_CHW.shape[0] != 4:
        return x_CHW
    clamped = x_CHW.clamp(-1, 1)
    colours, opacity = (clamped[:3] + 1) / 2, (clamped[3:] + 1) / 2
    return 2 * (colours + (1 - opacity) * (grey + 1) / 2).clamp(0, 1) - 1


def enlarge(image: Image.Image, factor: int, smooth: bool = True) -> Image.Image:
    """``factor`` times as large; by whole pixels if not ``smooth``."""
    resampling = Image.Resampling.BICUBIC if smooth else Image.Resampling.NEAREST
    return image.resize((image.width * factor, image.height * factor), resampling)


def grid(images: Sequence[Image.Image], gap: int = 8, background: int | tuple[int, int, int] = 255, num_columns: int | None = None) -> Image.Image:
    """The pictures on one sheet, in rows as square as their number allows.

    Raises:
        ValueError: there is no picture.
    """
    if not images:
        raise ValueError("a grid needs at least one picture")
    columns = num_columns or math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    width, height = max(i.width for i in images), max(i.height for i in images)
    mode = "RGB" if images[0].mode == "RGBA" or isinstance(background, tuple) else images[0].mode
    fill = (background,) * 3 if mode == "RGB" and isinstance(background, int) else background
    sheet = Image.new(mode, (columns * (width + gap) + gap, rows * (height + gap) + gap), fill)
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        x = gap + column * (width + gap) + (width - image.width) // 2
        y = gap + row * (height + gap) + (height - image.height) // 2
        sheet.paste(image, (x, y), image if image.mode == "RGBA" else None)
    return sheet


def png_bytes(image: Image.Image, metadata: Mapping[str, str] | None = None) -> bytes:
    """PNG data with text chunks; the same picture and metadata give the same bytes."""
    info = PngImagePlugin.PngInfo()
    for key, value in (metadata or {}).items():
        info.add_itxt(key, value)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", pnginfo=info, compress_level=COMPRESS_LEVEL)
    return buffer.getvalue()


def emoji_bytes(image: Image.Image) -> bytes:
    """PNG data that a server takes as its own emoji: a square of ``EMOJI_SIZE`` pixels with opacity, pixel art enlarged by whole pixels."""
    whole = EMOJI_SIZE % max(image.size) == 0
    scale = EMOJI_SIZE / max(image.size)
    size = (round(image.width * scale), round(image.height * scale))
    scaled = image.resize(size, Image.Resampling.NEAREST if whole else Image.Resampling.LANCZOS)
    square = Image.new("RGBA", (EMOJI_SIZE, EMOJI_SIZE))
    square.paste(scaled, ((EMOJI_SIZE - size[0]) // 2, (EMOJI_SIZE - size[1]) // 2))
    return png_bytes(square)


def crisp(image: Image.Image, factor: int, contrast: float = 3.0) -> Image.Image:
    """Enlarge a picture of grey strokes with sharp edges: bicubic, then a steeper tone curve around the middle grey."""
    large = enlarge(image, factor)
    curve = [round(255 / (1 + math.exp(-contrast * (level - 127.5) / 42.5))) for level in range(256)]
    low, high = curve[0], curve[255]
    return large.point([round(255 * (value - low) / (high - low)) for value in curve])
