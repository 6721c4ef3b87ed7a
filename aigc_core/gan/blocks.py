"""Layers that the generator, the discriminator and the encoder of a picture GAN share.

After R3GAN (Huang et al. 2024, section 3 and supplement): no normalisation, leaky ReLU, residual blocks with fix-up initialisation. Unlike there,
the blocks use plain 3x3 convolutions: at these widths a grouped inverted bottleneck trains two to three times slower on a CPU.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEAK = 0.2


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
        # In the dtype of x: a float32 bias would pull a bfloat16 pass back to float32.
        return F.leaky_relu(x_BCHW + self.bias.to(x_BCHW.dtype)[:, None, None], LEAK)


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
