"""From a picture of a written line to its characters as the encoder knows them: ink 28 pixels high, on the base line, each one alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from aigc_core.data.fonts import BASELINE, SIZE
from aigc_core.serving import PromptError

MAX_SIDE = 2000
INK = 0.35
"""Ink is what is so far from the paper's grey towards the darkest one."""
TOPS = {"tall": 5.0, "low": 11.0}
BOTTOMS = {"line": float(BASELINE), "tail": 28.0}
LOW, TAILED = set("acegmnopqrsuvwxyz"), set("gjpqy")
UNSURE = set("-.:,;='+/()&!?")
"""Marks, whose height says nothing about the line."""


def cut_characters(sample: Image.Image, written: list[str]) -> Tensor:
    """Ink ``(N, 1, 28, 28)`` in [0, 1] of the characters ``written`` from left to right in one line.

    Raises:
        PromptError: there are fewer separate characters in the picture than in the text.
    """
    ink = read_ink(sample)
    runs = _runs(ink, len(written))
    if len(runs) != len(written):
        raise PromptError(
            f"the picture shows {len(runs)} separate characters, the text has {len(written)}; write them on one line, apart from each other"
        )
    scale, shift = _fit_lines(ink, runs, written)
    return torch.stack([_place(ink, run, scale, shift) for run in runs])


def read_ink(sample: Image.Image) -> Tensor:
    """``(H, W)`` in [0, 1]: how much darker than the paper each pixel is; light ink on dark paper is turned round."""
    grey = sample.convert("L")
    grey.thumbnail((MAX_SIDE, MAX_SIDE))
    level = torch.from_numpy(np.asarray(grey).copy()).float() / 255
    paper = level.median()
    dark, light = paper - level.min(), level.max() - paper
    contrast, ink = (dark, paper - level) if dark >= light else (light, level - paper)
    if contrast < 0.1:
        raise PromptError("the picture shows no writing: ink and paper are of nearly the same grey")
    return (ink / contrast).clamp(0, 1)


def _runs(ink_HW: Tensor, count: int) -> list[tuple[int, int]]:
    """Stretches of columns with ink; where there are more than characters, the nearest ones belong together."""
    inked = (ink_HW.amax(0) > INK).int()
    edges = torch.diff(F.pad(inked, (1, 1))).nonzero().flatten().tolist()
    runs = list(zip(edges[::2], edges[1::2], strict=True))
    while len(runs) > count > 0:
        gaps = [second[0] - first[1] for first, second in pairwise(runs)]
        place = gaps.index(min(gaps))
        runs[place : place + 2] = [(runs[place][0], runs[place + 1][1])]
    return runs


def _fit_lines(ink_HW: Tensor, runs: list[tuple[int, int]], written: list[str]) -> tuple[float, float]:
    """Scale and shift of rows: least squares between where characters of a kind reach and where they should."""
    seen, wanted = [], []
    for (left, right), character in zip(runs, written, strict=True):
        if character in UNSURE:
            continue
        rows = (ink_HW[:, left:right].amax(1) > INK).nonzero().flatten()
        seen += [float(rows[0]), float(rows[-1]) + 1]
        wanted += [TOPS["low" if character in LOW else "tall"], BOTTOMS["tail" if character in TAILED else "line"]]
    if not seen:
        raise PromptError("the sample should have letters or digits, not marks alone")
    a, b = torch.tensor(seen), torch.tensor(wanted)
    scale = ((a - a.mean()) * (b - b.mean())).sum() / (a - a.mean()).square().sum().clamp(min=1e-6)
    return float(scale), float(b.mean() - scale * a.mean())


def _place(ink_HW: Tensor, run: tuple[int, int], scale: float, shift: float) -> Tensor:
    """One character on its canvas, ``(1, 28, 28)``; made smooth first where it is made smaller."""
    blur = max(1, round(1 / scale)) if scale < 1 else 1
    soft = F.avg_pool2d(ink_HW[None, None], 2 * (blur // 2) + 1, stride=1, padding=blur // 2, count_include_pad=False)
    height, width = ink_HW.shape
    mask = torch.zeros(width)
    mask[run[0] : run[1]] = 1
    rows = (torch.arange(SIZE) + 0.5 - shift) / scale
    columns = (run[0] + run[1]) / 2 + (torch.arange(SIZE) + 0.5 - SIZE / 2) / scale
    y, x = torch.meshgrid(2 * rows / height - 1, 2 * columns / width - 1, indexing="ij")
    return F.grid_sample(soft * mask, torch.stack([x, y], dim=2)[None], align_corners=False)[0]
