"""Fast products: only inside, and near enough to float32 to learn from."""

from __future__ import annotations

import torch
from torch import nn

from aigc_core.gan.picture_networks import PictureDiscriminator, PictureGanConfig
from aigc_core.training.precision import fast_products, multiplies_bfloat16

CONFIG = PictureGanConfig(image_size=16, image_channels=3, condition_dim=4, slice_dim=4, widths=(16, 8), critic_widths=(16, 8))


def test_it_is_on_where_the_processor_can() -> None:
    """Inside, products are bfloat16 where there are instructions for them and float32 elsewhere; outside nothing has changed."""
    layer, x = nn.Linear(4, 4), torch.randn(2, 4)
    with fast_products("cpu"):
        inside = layer(x).dtype
    assert inside is (torch.bfloat16 if multiplies_bfloat16("cpu") else torch.float32)
    assert layer(x).dtype is torch.float32


def test_gradients_and_penalties_are_those_of_float32() -> None:
    """The direction of a critic's gradients, and of the gradients of their penalty, is kept to within a hundredth."""
    torch.manual_seed(0)
    critic = PictureDiscriminator(CONFIG)
    for parameter in critic.parameters():
        nn.init.normal_(parameter, std=0.2)
    directions = []
    for enabled in (True, False):
        x = torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(1)).requires_grad_()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            phi = critic.features(x).float()
        logits = critic.judge(phi, torch.ones(8, 4))
        (slope,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
        loss = logits.mean() + slope.square().sum() / 8
        directions.append(torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(critic.parameters()), allow_unused=True) if g is not None]))
    assert torch.nn.functional.cosine_similarity(directions[0], directions[1], dim=0) > 0.99
