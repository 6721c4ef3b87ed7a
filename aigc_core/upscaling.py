"""A learned upscaler: pictures with smooth edges at twice their size, sharper than interpolation.

Sub-pixel convolution (Shi et al. 2016, arXiv 1609.05158, section 3) over residual blocks without normalisation (Lim et al. 2017, arXiv
1707.02921); what is learned is the difference to bicubic interpolation. It learns from pictures at half their size, and is then used at their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aigc_core import images
from aigc_core.checkpoint import Checkpoint, CheckpointError, load_checkpoint
from aigc_core.data.tagged import TaggedPictures
from aigc_core.training.budget import cosine
from aigc_core.training.ema import Ema
from aigc_core.training.precision import fast_products
from aigc_core.training.steps import descend, load_model_state, model_state

CHANNELS = 4
"""Colours times opacity, and opacity."""


@dataclass(frozen=True, kw_only=True)
class UpscalerConfig:
    """Sizes: ``width`` channels in each of ``blocks`` residual blocks."""

    width: int = 32
    blocks: int = 4


class Upscaler(nn.Module):
    """``x_BCHW`` with four channels in [-1, 1] to the same at twice the height and width."""

    def __init__(self, config: UpscalerConfig) -> None:
        super().__init__()
        self.config, width = config, config.width
        self.first = nn.Conv2d(CHANNELS, width, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(width, width, 3, padding=1))
            for _ in range(config.blocks)
        )
        self.last = nn.Conv2d(width, 4 * CHANNELS, 3, padding=1)
        nn.init.zeros_(self.last.weight)  # so that it starts as bicubic interpolation
        nn.init.zeros_(self.last.bias)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        hidden = self.first(x_BCHW)
        for block in self.blocks:
            hidden = hidden + block(hidden)
        return bicubic(x_BCHW) + F.pixel_shuffle(self.last(hidden), 2).to(x_BCHW.dtype)

    @torch.inference_mode()
    def double(self, x_CHW: Tensor) -> Tensor:
        """One picture of 1, 3 or 4 channels at twice its size; without opacity of its own it has none after."""
        channels = x_CHW.shape[0]
        whole = x_CHW if channels == CHANNELS else torch.cat([x_CHW.expand(3, -1, -1), torch.ones_like(x_CHW[:1])])
        doubled = self(whole.clamp(-1, 1).unsqueeze(0).contiguous(memory_format=torch.channels_last))[0].clamp(-1, 1)
        return doubled if channels == CHANNELS else doubled[:channels]


def bicubic(x_BCHW: Tensor) -> Tensor:
    """Twice the size by bicubic interpolation: what a learned upscaler has to beat."""
    return F.interpolate(x_BCHW, scale_factor=2, mode="bicubic", align_corners=False)


def peak_signal_to_noise(first: Tensor, second: Tensor) -> float:
    """PSNR in decibels of pictures in [-1, 1]."""
    return (10 * torch.log10(4 / (first.clamp(-1, 1) - second).square().mean())).item()


@dataclass(frozen=True, kw_only=True)
class UpscalerRecipe:
    """Adam with a cosine on the mean absolute error."""

    batch: int = 16
    lr: tuple[float, float] = (1e-3, 1e-5)


class UpscalerTrainer:
    """Learns to double pictures from the same pictures at half their size."""

    def __init__(self, config: UpscalerConfig, recipe: UpscalerRecipe, pictures: TaggedPictures, card: dict[str, Any], device: str) -> None:
        self.config, self.recipe, self.pictures, self.card, self.device = config, recipe, pictures, card, device
        torch.manual_seed(0)
        self.rng = torch.Generator().manual_seed(0)
        self.model = Upscaler(config).to(device, memory_format=torch.channels_last)
        self.ema = Ema(self.model, half_life=2_000.0)
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=recipe.lr[0], betas=(0.9, 0.99))

    def step(self, fraction: float) -> dict[str, float]:
        for group in self.optimiser.param_groups:
            group["lr"] = cosine(*self.recipe.lr, fraction)
        x, _ = self.pictures.batch(self.recipe.batch, self.rng)
        turned = x if torch.rand((), generator=self.rng) < 0.5 else x.flip(3)
        turned = turned.to(self.device).contiguous(memory_format=torch.channels_last)
        with fast_products(self.device):
            drawn = self.model(F.avg_pool2d(turned, 2))
        loss = (drawn - turned).abs().mean()
        descend(self.optimiser, loss)
        self.ema.update(self.model, self.recipe.batch)
        return {"l1": loss.item()}

    @torch.no_grad()
    def evaluate(self) -> dict[str, Any]:
        """Mean absolute error and PSNR on pictures that were kept out, beside bicubic interpolation's."""
        x = self.pictures.held_out(200)[0]
        small = F.avg_pool2d(x, 2)
        found: dict[str, Any] = {"n_held_out_l1": len(x), "n_psnr_db": len(x)}
        for prefix, drawn in (("", self.ema.module(small.to(self.device)).cpu()), ("real_", bicubic(small))):
            found[f"{prefix}held_out_l1"] = (drawn.clamp(-1, 1) - x).abs().mean().item()
            found[f"{prefix}psnr_db"] = peak_signal_to_noise(drawn, x)
        return found

    @torch.no_grad()
    def preview(self, folder: Path) -> Path:
        """Rows of pictures kept out: as they are, by bicubic interpolation, by the upscaler."""
        x = self.pictures.held_out(8)[0]
        small = F.avg_pool2d(x, 2)
        rows = (x, bicubic(small), self.ema.module(small.to(self.device)).cpu())
        path = folder / "samples.png"
        images.grid([images.to_pil(images.on_grey(picture)) for row in rows for picture in row], gap=4, background=0, num_columns=len(x)).save(path)
        return path

    def state(self) -> dict[str, Any]:
        return model_state(self.model, self.ema, self.optimiser, self.rng)

    def load_state(self, state: dict[str, Any]) -> None:
        load_model_state(state, self.model, self.ema, self.optimiser, self.rng)

    def checkpoint(self) -> Checkpoint:
        config = {"family": "upscaler", "width": self.config.width, "blocks": self.config.blocks}
        training = {**self.card.get("training", {}), "pictures_seen": self.ema.num_seen}
        return Checkpoint(config=config, card={**self.card, "training": training}, weights=self.ema.module.state_dict())


def load_upscaler(folder: Path) -> Upscaler:
    """Read a trained upscaler.

    Raises:
        CheckpointError: the folder holds none.
    """
    checkpoint = load_checkpoint(folder)
    if checkpoint.config.get("family") != "upscaler":
        raise CheckpointError(f"{folder} is no upscaler")
    upscaler = Upscaler(UpscalerConfig(width=checkpoint.config["width"], blocks=checkpoint.config["blocks"]))
    upscaler.load_state_dict(checkpoint.weights)
    return upscaler.to(memory_format=torch.channels_last).eval()
