"""Generator and discriminator of a small class-conditional GAN.

After R3GAN (Huang et al. 2024, section 3 and supplement): residual networks without any normalisation, leaky ReLU, bilinear resampling, a
learned basis at the lowest resolution, fix-up initialisation. Unlike it, the blocks use plain 3x3 convolutions: at these widths a grouped
inverted bottleneck trains two to three times slower on a CPU. The discriminator's head is the projection of Miyato & Koyama 2018 (arXiv 1802.05637).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEAK = 0.2


@dataclass(frozen=True, kw_only=True)
class GanConfig:
    """Sizes of a GAN. ``generator_widths`` are channels from the lowest to the highest resolution; the discriminator's run the other way."""

    num_classes: int = 10
    image_size: int = 28
    image_channels: int = 1
    latent_dim: int = 64
    condition_dim: int = 32
    generator_widths: tuple[int, ...] = (96, 64, 32)
    discriminator_widths: tuple[int, ...] = (32, 64, 96)

    @property
    def base_size(self) -> int:
        """Side of the lowest resolution, in pixels."""
        return self.image_size // 2 ** (len(self.generator_widths) - 1)

    def __post_init__(self) -> None:
        if self.base_size * 2 ** (len(self.generator_widths) - 1) != self.image_size:
            raise ValueError(f"image_size {self.image_size} cannot be halved {len(self.generator_widths) - 1} times")
        if len(self.discriminator_widths) != len(self.generator_widths):
            raise ValueError("generator and discriminator need the same number of stages")


def fixup_conv(fan_in_channels: int, out_channels: int, kernel: int, gain: float) -> nn.Conv2d:
    """A convolution without bias whose weights have standard deviation ``gain / sqrt(fan_in)``."""
    conv = nn.Conv2d(fan_in_channels, out_channels, kernel, padding=kernel // 2, bias=False)
    std = gain / math.sqrt(fan_in_channels * kernel * kernel)
    nn.init.normal_(conv.weight, std=std)
    return conv


def block_gain(num_blocks: int) -> float:
    """Gain of the first convolution of each block so that ``num_blocks`` residuals keep unit scale (fix-up, Zhang et al. 2019)."""
    return math.sqrt(2.0 / (1.0 + LEAK**2)) * num_blocks**-0.25


class BiasedLeakyReLU(nn.Module):
    """A per-channel bias, then a leaky ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return F.leaky_relu(x_BCHW + self.bias[:, None, None], LEAK)


class ResidualBlock(nn.Module):
    """``x + conv(act(conv(act(x))))``; the last convolution starts at zero, so a new block is the identity."""

    def __init__(self, channels: int, gain: float) -> None:
        super().__init__()
        self.activation1 = BiasedLeakyReLU(channels)
        self.conv1 = fixup_conv(channels, channels, 3, gain)
        self.activation2 = BiasedLeakyReLU(channels)
        self.conv2 = fixup_conv(channels, channels, 3, 0.0)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        hidden = self.conv1(self.activation1(x_BCHW))
        return x_BCHW + self.conv2(self.activation2(hidden))


class Modulation(nn.Module):
    """``x * (1 + scale) + shift`` with scale and shift linear in the style; zero at the start, so R3GAN's own start is kept."""

    def __init__(self, style_dim: int, channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(style_dim, 2 * channels)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x_BCHW: Tensor, style: Tensor) -> Tensor:
        scale, shift = self.linear(style)[:, :, None, None].chunk(2, dim=1)
        return x_BCHW * (1 + scale) + shift


class Generator(nn.Module):
    """G(z, y): ``z_BZ`` standard normal and ``labels_B`` class numbers to ``x_BCHW`` in about [-1, 1] (there is no tanh)."""

    def __init__(self, config: GanConfig) -> None:
        super().__init__()
        self.config = config
        widths, size = config.generator_widths, config.base_size
        style_dim = config.latent_dim + config.condition_dim
        gain = block_gain(len(widths))
        self.embedding = nn.Embedding(config.num_classes, config.condition_dim)
        self.basis = nn.Parameter(torch.randn(widths[0], size, size))
        self.project = nn.Linear(style_dim, widths[0])
        nn.init.normal_(self.project.weight, std=1 / math.sqrt(style_dim))
        self.modulations = nn.ModuleList([Modulation(style_dim, width) for width in widths])
        self.blocks = nn.ModuleList([ResidualBlock(width, gain) for width in widths])
        self.widen = nn.ModuleList([fixup_conv(a, b, 1, 1.0) for a, b in pairwise(widths)])
        self.to_image = fixup_conv(widths[-1], config.image_channels, 3, 1.0)

    def forward(self, z_BZ: Tensor, labels_B: Tensor) -> Tensor:
        return self.draw(z_BZ, self.embedding(labels_B))

    def draw(self, z_BZ: Tensor, c_BC: Tensor) -> Tensor:
        """:meth:`forward` with the condition as a vector, so that it may lie between two classes."""
        style = torch.cat([z_BZ, c_BC], dim=1)
        x = self.basis * self.project(style)[:, :, None, None]
        for stage, (modulation, block) in enumerate(zip(self.modulations, self.blocks, strict=True)):
            if stage:
                x = F.interpolate(self.widen[stage - 1](x), scale_factor=2, mode="bilinear", align_corners=False)
            x = block(modulation(x, style))
        return self.to_image(F.leaky_relu(x, LEAK))


class Discriminator(nn.Module):
    """D(x, y): one number per picture, ``psi(phi(x)) + <W e_y, phi(x)> / sqrt(dim)`` (projection, Miyato & Koyama 2018, eq. 4)."""

    def __init__(self, config: GanConfig) -> None:
        super().__init__()
        widths, gain = config.discriminator_widths, block_gain(len(config.discriminator_widths))
        self.from_image = fixup_conv(config.image_channels, widths[0], 3, 1.0)
        self.blocks = nn.ModuleList([ResidualBlock(width, gain) for width in widths])
        self.widen = nn.ModuleList([fixup_conv(a, b, 1, 1.0) for a, b in pairwise(widths)])
        self.activation = BiasedLeakyReLU(widths[-1])
        self.pool = nn.Conv2d(widths[-1], widths[-1], config.base_size, groups=widths[-1], bias=False)
        nn.init.normal_(self.pool.weight, std=1 / config.base_size)
        self.unconditional = nn.Linear(widths[-1], 1)
        self.embedding = nn.Embedding(config.num_classes, widths[-1])

    def features(self, x_BCHW: Tensor) -> Tensor:
        """phi(x): ``(B, widths[-1])``."""
        x = self.from_image(x_BCHW)
        for stage, block in enumerate(self.blocks):
            if stage:
                x = F.avg_pool2d(self.widen[stage - 1](x), 2)
            x = block(x)
        return self.pool(self.activation(x)).flatten(1)

    def forward(self, x_BCHW: Tensor, labels_B: Tensor) -> Tensor:
        phi = self.features(x_BCHW)
        aligned = (self.embedding(labels_B) * phi).sum(1) / math.sqrt(phi.shape[1])
        return self.unconditional(phi).squeeze(1) + aligned
