"""Generator and discriminator of the picture GANs: any size, any condition vector, a latent slice for every stage.

After R3GAN (Huang et al. 2024, section 3 and supplement): no normalisation, leaky ReLU, bilinear resampling, fix-up initialisation. Unlike it,
the blocks use plain 3x3 convolutions (a grouped inverted bottleneck trains two to three times slower on a CPU), and every stage is modulated by
its own slice of the latent beside the condition, so that two seeds can be mixed by stages (style mixing, Karras et al. 2019, section 3.1).
The lowest resolution is a full linear map of latent and condition: parameters there cost next to no time, and hold what words mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aigc_core.gan.blocks import LEAK, BiasedLeakyReLU, Modulation, ResidualBlock, block_gain, fixup_conv


@dataclass(frozen=True, kw_only=True)
class PictureGanConfig:
    """Sizes. ``widths`` are the generator's channels from the lowest resolution to the highest, ``critic_widths`` the discriminator's likewise."""

    image_size: int
    image_channels: int
    condition_dim: int
    slice_dim: int = 16
    widths: tuple[int, ...] = (128, 64, 32)
    critic_widths: tuple[int, ...] = (128, 64, 32)
    blocks: int = 1

    @property
    def num_stages(self) -> int:
        """Resolutions of the generator; also the number of slices of a latent."""
        return len(self.widths)

    @property
    def latent_dim(self) -> int:
        """Length of a latent with all its slices."""
        return self.num_stages * self.slice_dim

    @property
    def base_size(self) -> int:
        """Side of the generator's lowest resolution, in pixels."""
        return self.image_size >> (self.num_stages - 1)

    @property
    def critic_base_size(self) -> int:
        """Side of the discriminator's lowest resolution, in pixels."""
        return self.image_size >> (len(self.critic_widths) - 1)

    def __post_init__(self) -> None:
        for size, stages in ((self.base_size, self.num_stages), (self.critic_base_size, len(self.critic_widths))):
            if size << (stages - 1) != self.image_size:
                raise ValueError(f"image_size {self.image_size} cannot be halved {stages - 1} times")


class PictureGenerator(nn.Module):
    """G(z, c): pictures ``x_BCHW`` from latents ``z_BZ`` and conditions ``c_BC``; no final squashing."""

    def __init__(self, config: PictureGanConfig) -> None:
        super().__init__()
        self.config = config
        style_dim, widths = config.slice_dim + config.condition_dim, config.widths
        gain = block_gain(len(widths) * config.blocks)
        self.project = nn.Linear(style_dim, widths[0] * config.base_size**2)
        nn.init.normal_(self.project.weight, std=1 / math.sqrt(style_dim))
        nn.init.normal_(self.project.bias)
        self.modulations = nn.ModuleList([Modulation(style_dim, width) for width in widths])
        self.blocks = nn.ModuleList([nn.Sequential(*(ResidualBlock(width, gain) for _ in range(config.blocks))) for width in widths])
        self.widen = nn.ModuleList([fixup_conv(a, b, 1, 1.0) for a, b in pairwise(widths)])
        self.to_image = fixup_conv(widths[-1], config.image_channels, 3, 1.0)

    def forward(self, z_BZ: Tensor, c_BC: Tensor, halved: bool = False) -> Tensor:
        """``halved`` leaves out the last doubling: the same picture at half its size, for a quarter of the last stage's time."""
        config = self.config
        styles = [torch.cat([z_BK, c_BC], dim=1) for z_BK in z_BZ.split(config.slice_dim, dim=1)]
        x = self.project(styles[0]).unflatten(1, (config.widths[0], config.base_size, config.base_size))
        x = x.contiguous(memory_format=torch.channels_last)
        for stage, (modulation, block) in enumerate(zip(self.modulations, self.blocks, strict=True)):
            if stage:
                x = self.widen[stage - 1](x)
            if stage and not (halved and stage == config.num_stages - 1):
                x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = block(modulation(x, styles[stage]))
        return self.to_image(F.leaky_relu(x, LEAK))


class PictureDiscriminator(nn.Module):
    """D(x, c): one number per picture, ``psi(phi(x)) + <W c, phi(x)> / sqrt(dim)`` (projection, Miyato & Koyama 2018, eq. 4)."""

    def __init__(self, config: PictureGanConfig) -> None:
        super().__init__()
        widths = config.critic_widths[::-1]
        gain = block_gain(len(widths))
        self.from_image = fixup_conv(config.image_channels, widths[0], 3, 1.0)
        self.blocks = nn.ModuleList([ResidualBlock(width, gain) for width in widths])
        self.widen = nn.ModuleList([fixup_conv(a, b, 1, 1.0) for a, b in pairwise(widths)])
        self.activation = BiasedLeakyReLU(widths[-1])
        self.pool = nn.Linear(widths[-1] * config.critic_base_size**2, 2 * widths[-1])
        self.unconditional = nn.Linear(2 * widths[-1], 1)
        self.project = nn.Linear(config.condition_dim, 2 * widths[-1], bias=False)

    def features(self, x_BCHW: Tensor) -> Tensor:
        """phi(x): ``(B, 2 * critic_widths[0])``."""
        x = self.from_image(x_BCHW)
        for stage, block in enumerate(self.blocks):
            x = block(self.widen[stage - 1](F.avg_pool2d(x, 2)) if stage else x)  # the same as widening first, at a quarter of the cost
        return F.leaky_relu(self.pool(self.activation(x).flatten(1)), LEAK)

    def forward(self, x_BCHW: Tensor, c_BC: Tensor) -> Tensor:
        return self.judge(self.features(x_BCHW), c_BC)

    def judge(self, phi: Tensor, c_BC: Tensor) -> Tensor:
        """The number for features and a condition: one picture can be judged against several conditions."""
        aligned = (self.project(c_BC) * phi).sum(1) / math.sqrt(phi.shape[1])
        return self.unconditional(phi).squeeze(1) + aligned


class PictureEncoder(nn.Module):
    """q(z | x, c): ``mu_BZ`` and ``logvar_BZ``; makes the generator the decoder of a conditional VAE for its warm start."""

    def __init__(self, config: PictureGanConfig) -> None:
        super().__init__()
        widths = config.critic_widths[::-1]
        self.from_image = fixup_conv(config.image_channels, widths[0], 3, 1.0)
        self.blocks = nn.ModuleList([ResidualBlock(width, 1.0) for width in widths])
        self.widen = nn.ModuleList([fixup_conv(a, b, 1, 1.0) for a, b in pairwise(widths)])
        self.activation = BiasedLeakyReLU(widths[-1])
        self.posterior = nn.Linear(widths[-1] * config.critic_base_size**2 + config.condition_dim, 2 * config.latent_dim)

    def forward(self, x_BCHW: Tensor, c_BC: Tensor, halved: bool = False) -> tuple[Tensor, Tensor]:
        """``halved`` says that the pictures are at half their size: the first halving is left out."""
        x = self.from_image(x_BCHW)
        for stage, block in enumerate(self.blocks):
            x = F.avg_pool2d(x, 2) if stage > int(halved) else x
            x = block(self.widen[stage - 1](x) if stage else x)
        mu, logvar = self.posterior(torch.cat([self.activation(x).flatten(1), c_BC], dim=1)).float().chunk(2, dim=1)
        return mu, logvar.clamp(-8, 4)
