from __future__ import annotations

import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from aigc_core.data.fonts import FontHands
from aigc_core.data.mnist import Digits
from aigc_core.vae.hands import PLAIN_FONT
from aigc_core.vae.losses import bernoulli_reconstruction, gaussian_kl, reparameterise
from aigc_core.vae.model import HandwritingVae, VaeConfig
from aigc_core.vae.training import VaeRecipe, VaeTrainer

RNG = torch.Generator()


def test_kl_is_that_of_two_gaussians() -> None:
    """Kingma & Welling, appendix B, against torch's own."""
    mu, logvar = torch.randn(4, 6, generator=RNG.manual_seed(0)), torch.randn(4, 6, generator=RNG)
    expected = kl_divergence(Normal(mu, (0.5 * logvar).exp()), Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(gaussian_kl(mu, logvar), expected, rtol=1e-4, atol=1e-4)


def test_reconstruction_is_the_bernoulli_likelihood() -> None:
    logits = torch.randn(3, 1, 4, 4, generator=RNG.manual_seed(1))
    x = torch.bernoulli(torch.full((3, 1, 4, 4), 0.5), generator=RNG)
    expected = -Bernoulli(logits=logits).log_prob(x).sum(dim=(1, 2, 3))
    torch.testing.assert_close(bernoulli_reconstruction(logits, x), expected, rtol=1e-4, atol=1e-4)


def test_reparameterisation_shifts_and_scales() -> None:
    z = reparameterise(torch.tensor([[1.0]]), torch.tensor([[0.0]]), torch.tensor([[2.0]]))
    assert z.item() == 3.0


def test_one_hand_writes_every_character() -> None:
    vae = HandwritingVae(VaeConfig(width=4))
    characters = torch.arange(len(vae.config.alphabet))
    assert vae.decode(torch.randn(1, 32).expand(len(characters), -1), characters).shape == (len(characters), 1, 28, 28)


def test_it_learns() -> None:
    """The bound falls on a handful of pictures, part by part."""
    levels = torch.zeros(32, 28, 28, dtype=torch.uint8)
    levels[:, 8:20, 12:16] = 255
    digits = Digits(levels_NHW=levels, labels_N=torch.arange(32) % 10)
    torch.manual_seed(0)
    alphabet = "0123456789ab"
    fields = torch.full((2, len(alphabet), 84, 84), 5.0)
    fields[:, :, 20:60, 38:46] = -1.0
    fonts = FontHands(names=(PLAIN_FONT, "Other"), alphabet=alphabet, fields_FAHW=fields)
    config = VaeConfig(alphabet=alphabet, latent_dim=4, dense_width=64, num_couplings=2, joined=True)
    trainer = VaeTrainer(config, VaeRecipe(batch=16, lr=(3e-3, 3e-3)), digits, digits, fonts, {}, "cpu")
    first = trainer.step(0.0)
    for step in range(1, 40):
        last = trainer.step(step / 40)
    assert last["digits_reconstruction"] < 0.5 * first["digits_reconstruction"]
    assert last["digits_copied"] < 0.5 * first["digits_copied"]
    assert last["letters_reconstruction"] < 0.5 * first["letters_reconstruction"]
    assert trainer.evaluate()["test_neg_elbo_nats"] == pytest.approx(
        trainer.evaluate()["test_reconstruction_nats"] + trainer.evaluate()["test_kl_nats"]
    )
