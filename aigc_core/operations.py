"""What can be done with generated pictures, as functions of places in a model's latent space.

A picture is a :class:`~aigc_core.serving.Point`: noise and condition. Everything here makes points from points (vary, blend, mix, guide, truncate),
or finds the point of a picture that was not generated (invert), which makes filling, restyling and varying a photograph the same operations.
All of it depends on its arguments only, so a seed and a list of operations always give the same picture.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from aigc_core import seeding
from aigc_core.serving import CannotDoError, ImageModel, Point

FEATHER = 2
"""Width in pixels of the seam of a filled part."""


def vary(point: Point, seed: int, strength: float) -> Point:
    """A neighbour: the noise moved by ``strength`` in [0, 1] towards that of ``seed``."""
    return replace(point, noise=seeding.vary(point.noise, seeding.noise(seed, len(point.noise)), strength))


def truncate(point: Point, psi: float) -> Point:
    """Below 1 more typical, above 1 more daring (the truncation of Brock et al. 2019, section 3.1, by scaling instead of resampling)."""
    return replace(point, noise=psi * point.noise)


def blend(model: ImageModel, first: Point, second: Point, share: float = 0.5) -> Point:
    """The picture ``share`` of the way from the first to the second: noise on the sphere, condition as the model says."""
    return Point(
        noise=seeding.slerp(first.noise, second.noise, share),
        condition=model.blend_conditions(first.condition, second.condition, share),
        alt=f"{first.alt}, blended with {second.alt}",
    )


def mix_styles(model: ImageModel, coarse: Point, fine: Point, stage: int) -> Point:
    """Coarse stages below ``stage`` from one, the rest from the other (style mixing, Karras et al. 2019, section 3.1); the condition is coarse's.

    Raises:
        CannotDoError: the model has no stages.
    """
    if model.num_stages < 2:
        raise CannotDoError(f"{model.card['title']} draws a picture in one stage; mixing styles works with models that have several")
    if not 0 < stage < model.num_stages:
        raise ValueError(f"the stage lies between 1 and {model.num_stages - 1}, not {stage}")
    cut = stage * (len(coarse.noise) // model.num_stages)
    return replace(coarse, noise=torch.cat([coarse.noise[:cut], fine.noise[cut:]]), alt=f"{coarse.alt}, with the details of {fine.alt}")


def guide(model: ImageModel, point: Point, strength: float) -> Point:
    """More (above 1) or less of what was asked for: ``c_0 + g (c - c_0)``, with c_0 the condition of saying nothing.

    Raises:
        CannotDoError: the model never learned to draw without a description.
    """
    nothing = model.nothing_said()
    return replace(point, condition=nothing + strength * (point.condition - nothing))


def walk(model: ImageModel, stops: Sequence[Point], frames_per_leg: int = 12) -> list[Point]:
    """A closed walk through all stops: the frames of an animation that loops."""
    if len(stops) < 2:
        raise ValueError("an animation needs at least two pictures")
    legs = zip(stops, [*stops[1:], stops[0]], strict=True)
    return [blend(model, a, b, _ease(step / frames_per_leg)) for a, b in legs for step in range(frames_per_leg)]


def _ease(share: float) -> float:
    """Slow at the stops (a cubic)."""
    return share * share * (3 - 2 * share)


@torch.inference_mode()
def render(model: ImageModel, points: Sequence[Point]) -> list[Image.Image]:
    """The pictures of points, in one pass."""
    return [model.show(x) for x in model.decode(points)]


def animation(frames: Sequence[Image.Image], kind: str = "gif", milliseconds: int = 60) -> bytes:
    """A looping GIF, WebP or APNG (``gif``, ``webp``, ``apng``) of frames."""
    buffer = io.BytesIO()
    first, *rest = _same_size([frame if kind != "gif" or frame.mode != "RGBA" else _on_plain(frame) for frame in frames])
    formats = {"gif": "GIF", "webp": "WEBP", "apng": "PNG"}
    if kind not in formats:
        raise ValueError(f"an animation is one of {', '.join(formats)}, not {kind!r}")
    extra = {"disposal": 1} if kind == "gif" else {"lossless": True} if kind == "webp" else {}
    first.save(buffer, format=formats[kind], save_all=True, append_images=rest, duration=milliseconds, loop=0, **extra)
    return buffer.getvalue()


def _same_size(frames: list[Image.Image]) -> list[Image.Image]:
    """Lines in different hands differ in length: all frames as wide and high as the largest, the rest like its corner."""
    width, height = max(frame.width for frame in frames), max(frame.height for frame in frames)
    return [frame if frame.size == (width, height) else _extended(frame, width, height) for frame in frames]


def _extended(frame: Image.Image, width: int, height: int) -> Image.Image:
    whole = Image.new(frame.mode, (width, height), frame.getpixel((0, 0)))
    whole.paste(frame, ((width - frame.width) // 2, (height - frame.height) // 2))
    return whole


def _on_plain(frame: Image.Image) -> Image.Image:
    """GIF knows no half opacity: on the dark grey of a chat."""
    plain = Image.new("RGB", frame.size, (49, 51, 56))
    plain.paste(frame, mask=frame.getchannel("A"))
    return plain


def invert(model: ImageModel, x_CHW: Tensor, start: Point, *, mask_HW: Tensor | None = None, steps: int = 150, rate: float = 0.05) -> Point:
    """The point whose picture is nearest to ``x_CHW``: Adam on noise and condition from ``start``.

    The distance is the mean absolute error at full, half and quarter size, with a weak pull of the noise to its prior (after the projection of
    Karras et al. 2020, appendix D, without its features). ``mask_HW`` is 1 where the picture is known.
    """
    if not start.condition.is_floating_point():
        raise CannotDoError(f"{model.card['title']} cannot take up a picture from outside")
    first = model.encode(x_CHW, start) if mask_HW is None else start.noise
    noise, condition = first.clone().requires_grad_(), start.condition.clone().requires_grad_()
    optimiser = torch.optim.Adam([noise, condition], lr=rate)
    known = torch.ones(x_CHW.shape[1:]) if mask_HW is None else mask_HW
    target, pull = x_CHW.detach()[None], 1e-4
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = rate * min(1.0, 4 * (1 - step / steps))
        optimiser.zero_grad()
        drawn = model.decode([Point(noise=noise, condition=condition, alt="")])[0][None].cpu()
        loss = sum((_masked_error(drawn, target, known, scale) for scale in (1, 2, 4)), torch.zeros(()))
        (loss + pull * noise.square().sum() / len(noise)).backward()
        optimiser.step()
    return Point(noise=noise.detach(), condition=condition.detach(), alt=start.alt)


def _masked_error(drawn_BCHW: Tensor, target_BCHW: Tensor, known_HW: Tensor, scale: int) -> Tensor:
    """Mean absolute error at ``1 / scale`` of the size, over what is known there."""
    weight = F.avg_pool2d(known_HW[None, None], scale)
    error = F.avg_pool2d((drawn_BCHW - target_BCHW) * known_HW, scale).abs().mean(1, keepdim=True)
    return error.sum() / weight.sum().clamp(min=1)


def fill(model: ImageModel, x_CHW: Tensor, mask_HW: Tensor, start: Point, *, steps: int = 150) -> Tensor:
    """``x_CHW`` with what is unknown (0 in ``mask_HW``) drawn by the model; what is known stays, but for a feathered seam."""
    point = invert(model, x_CHW, start, mask_HW=mask_HW, steps=steps)
    with torch.inference_mode():
        drawn = model.decode([point])[0]
    soft = F.avg_pool2d(F.pad(mask_HW[None, None], (FEATHER,) * 4, mode="replicate"), 2 * FEATHER + 1, stride=1)[0, 0]
    share = torch.minimum(mask_HW, soft)
    return share * x_CHW + (1 - share) * drawn


def restyle(model: ImageModel, x_CHW: Tensor, start: Point, seed: int, strength: float, *, steps: int = 150) -> Point:
    """Picture to picture: taken up by :func:`invert`, then moved ``strength`` of the way towards ``start``'s words and a seed's noise."""
    found = invert(model, x_CHW, start, steps=steps)
    moved = vary(found, seed, strength)
    return replace(moved, condition=model.blend_conditions(found.condition, start.condition, strength))
