from __future__ import annotations

import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from aigc_core.data.mnist import Digits
from aigc_core.vae.losses import bernoulli_reconstruction, gaussian_kl, reparameterise
from aigc_core.vae.marks import STROKES, draw_marks, measure_hand
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


def test_the_hand_is_measured_and_kept_in_the_marks() -> None:
    """A slanted, thick stroke is measured as slanted and thick, and its marks are drawn so."""
    upright = draw_marks(["/"], torch.tensor([0.0]), torch.tensor([2.0]), torch.zeros(1, 4))
    slanted = draw_marks(["/"], torch.tensor([0.5]), torch.tensor([4.0]), torch.zeros(1, 4))
    (slant1, width1), (slant2, width2) = measure_hand(upright), measure_hand(slanted)
    assert slant2 > slant1 and width2 > width1 + 1


def test_every_mark_has_ink_inside_the_picture() -> None:
    marks = list(STROKES)
    ink = draw_marks(marks, torch.zeros(len(marks)), torch.full((len(marks),), 2.0), torch.zeros(len(marks), 4))
    assert (ink.amax(dim=(1, 2, 3)) > 0.5).all()
    assert ink[:, :, [0, -1]].max() < 0.2


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
    trainer = VaeTrainer(VaeConfig(width=4, latent_dim=4), VaeRecipe(batch=16), digits, digits, {}, "cpu")
    first = trainer.step(0.0)
    for step in range(1, 40):
        last = trainer.step(step / 40)
    assert last["reconstruction"] < 0.3 * first["reconstruction"]
    assert last["marks"] < 0.5 * first["marks"]
    assert trainer.evaluate()["test_neg_elbo_nats"] == pytest.approx(
        trainer.evaluate()["test_reconstruction_nats"] + trainer.evaluate()["test_kl_nats"]
    )
