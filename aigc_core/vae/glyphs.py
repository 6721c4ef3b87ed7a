"""Training of the glyph VAE: drawn characters of many alphabets, given the alphabet or not."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from aigc_core.checkpoint import Checkpoint
from aigc_core.config import to_dict
from aigc_core.data.omniglot import ALPHABETS, Glyphs
from aigc_core.training.ema import Ema
from aigc_core.vae.density import DensityRecipe, DensityTrainer, bound_parts
from aigc_core.vae.model import HandwritingVae, VaeConfig

ANY = len(ALPHABETS)
"""The label of a character whose alphabet is not told."""
UNTOLD = 0.3
"""Share of the training characters whose alphabet is not told."""


class GlyphTrainer(DensityTrainer):
    """The bound of :class:`DensityTrainer` with the alphabet as condition, and drawings turned, slanted, stretched and shifted a little."""

    def __init__(self, config: VaeConfig, recipe: DensityRecipe, train: Glyphs, test: Glyphs, card: dict[str, Any], device: str) -> None:
        self.train_glyphs, self.test_glyphs = train, test
        super().__init__(config, recipe, train, test, card, device)
        self.ema = Ema(self.model, recipe.ema_half_life)

    def _batch(self) -> tuple[Tensor, Tensor]:
        index = torch.randint(len(self.train_glyphs), (self.recipe.batch,), generator=self.rng)
        labels = self.train_glyphs.alphabets_N[index]
        untold = torch.rand(len(index), generator=self.rng) < UNTOLD
        ink = deform(self.train_glyphs.inks(index), self.rng)
        x = torch.bernoulli(ink, generator=self.rng).to(self.device)
        return x, torch.where(untold, torch.tensor(ANY), labels).to(self.device)

    def evaluate(self) -> dict[str, Any]:
        """-ELBO of drawings by people who drew none of the training's, one sample each."""
        return {"test_neg_elbo_nats": held_out_bound(self.ema.module, self.test_glyphs, torch.device(self.device))}

    def checkpoint(self) -> Checkpoint:
        config = {"family": "vae", "glyphs": list(ALPHABETS), "network": to_dict(self.config)}
        training = {**self.card.get("training", {}), "recipe": to_dict(self.recipe), "pictures_seen": self.ema.num_seen}
        return Checkpoint(config=config, card={**self.card, "training": training}, weights=self.ema.module.state_dict())


@torch.no_grad()
def held_out_bound(model: HandwritingVae, test: Glyphs, device: torch.device) -> float:
    """Mean -ELBO in nats of ``test``, one sample each, pixels drawn once with a fixed seed."""
    rng = torch.Generator().manual_seed(1)
    totals = []
    for index in torch.arange(len(test)).split(500):
        x = torch.bernoulli(test.inks(index), generator=rng).to(device)
        reconstruction, kl = bound_parts(model, x, rng, test.alphabets_N[index].to(device))
        totals.append(reconstruction + kl)
    return torch.cat(totals).mean().item()


def deform(ink_BCHW: Tensor, rng: torch.Generator) -> Tensor:
    """A random affine map for each picture: about 6 degrees, 8 % of size, 10 % of slant, a pixel of shift."""
    noise = torch.randn(6, len(ink_BCHW), generator=rng)
    angle, size, slant = 0.1 * noise[0], 1 + 0.08 * noise[1], 0.1 * noise[2]
    stretch, right, down = 1 + 0.06 * noise[3], noise[4] / 14, noise[5] / 14
    first = torch.stack([angle.cos() * size * stretch, slant - angle.sin() * size, right], dim=1)
    second = torch.stack([angle.sin() * size, angle.cos() * size, down], dim=1)
    grid = F.affine_grid(torch.stack([first, second], dim=1), list(ink_BCHW.shape), align_corners=False)
    return F.grid_sample(ink_BCHW, grid, align_corners=False).clamp(0, 1)
