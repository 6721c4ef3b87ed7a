"""The learned prior and the likelihood by importance sampling."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from aigc_core.checkpoint import CheckpointError
from aigc_core.data.mnist import Digits
from aigc_core.models import zoo_folder
from aigc_core.training.budget import Budget
from aigc_core.training.loop import train
from aigc_core.vae.density import DensityRecipe, DensityTrainer, held_out_nll, importance_nll, load_density
from aigc_core.vae.flow import RealNvp, gaussian_log_prob, standard_normal_log_prob
from aigc_core.vae.model import HandwritingVae, VaeConfig


def shaken(dim: int, couplings: int) -> RealNvp:
    """A flow that is not the identity."""
    torch.manual_seed(0)
    flow = RealNvp(dim, couplings, hidden=16).double()
    for parameter in flow.parameters():
        nn.init.normal_(parameter, std=0.3)
    return flow


def test_a_new_flow_is_the_standard_normal() -> None:
    z = torch.randn(5, 6)
    torch.testing.assert_close(RealNvp(6, 4).log_prob(z), standard_normal_log_prob(z))


def test_the_flow_is_invertible() -> None:
    flow, z = shaken(7, 5), torch.randn(4, 7, dtype=torch.float64)
    u, _ = flow(z)
    assert not torch.allclose(u, z)
    torch.testing.assert_close(flow.invert(u), z)


def test_the_log_determinant_is_that_of_the_jacobian() -> None:
    flow, z = shaken(5, 3), torch.randn(5, dtype=torch.float64)
    jacobian: Tensor = torch.autograd.functional.jacobian(lambda row: flow(row[None])[0][0], z)
    torch.testing.assert_close(flow(z[None])[1][0], jacobian.slogdet().logabsdet)


def test_the_density_integrates_to_one() -> None:
    flow = shaken(2, 3)
    axis = torch.linspace(-12, 12, 800, dtype=torch.float64)
    total = flow.log_prob(torch.cartesian_prod(axis, axis)).exp().sum() * (axis[1] - axis[0]) ** 2
    assert total.item() == pytest.approx(1, abs=0.01)


def test_gaussian_log_prob() -> None:
    z, mu, logvar = torch.randn(3, 4), torch.randn(3, 4), torch.randn(3, 4)
    expected = torch.distributions.Normal(mu, (0.5 * logvar).exp()).log_prob(z).sum(1)
    torch.testing.assert_close(gaussian_log_prob(z, mu, logvar), expected)


@pytest.mark.parametrize("dense", [0, 16])
def test_likelihood_where_it_is_known(dense: int) -> None:
    """A decoder that ignores z gives each pixel a fair coin: -log p(x) = 784 ln 2 whatever q is, exactly in the limit."""
    torch.manual_seed(0)
    vae = HandwritingVae(VaeConfig(alphabet="#", latent_dim=3, width=4, num_couplings=2, dense_width=dense))
    last = vae.decoder.to_logits
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    x = torch.bernoulli(torch.full((3, 1, 28, 28), 0.3))
    nll = importance_nll(vae, x, num_samples=2000, rng=torch.Generator().manual_seed(0))
    torch.testing.assert_close(nll, torch.full((3,), 784 * math.log(2)), atol=0.1, rtol=0)


def test_more_samples_bound_more_tightly() -> None:
    torch.manual_seed(0)
    vae = HandwritingVae(VaeConfig(alphabet="#", latent_dim=4, width=4, dense_width=16))
    for parameter in vae.decoder.parameters():
        nn.init.normal_(parameter, std=0.3)
    x = torch.bernoulli(torch.full((20, 1, 28, 28), 0.5))
    few, many = (importance_nll(vae, x, num, torch.Generator().manual_seed(1)).mean() for num in (1, 200))
    assert many < few


def test_a_density_is_trained_saved_and_measured(tmp_path: Path) -> None:
    levels = (torch.rand(64, 28, 28, generator=torch.Generator().manual_seed(0)) * 255).to(torch.uint8)
    digits = Digits(levels_NHW=levels, labels_N=torch.zeros(64, dtype=torch.long))
    config = VaeConfig(alphabet="#", latent_dim=4, dense_width=16, num_couplings=2)
    trainer = DensityTrainer(config, DensityRecipe(batch=16), digits, digits, {"name": "mnist-density"}, "cpu")
    before = held_out_nll(trainer.ema.module, digits, 8, 20)
    train(trainer, tmp_path / "density", Budget(num_steps=40))
    assert held_out_nll(load_density(tmp_path / "density"), digits, 8, 20) < before


def test_another_model_is_no_density() -> None:
    with pytest.raises(CheckpointError, match="no density"):
        load_density(zoo_folder() / "digits")
