from __future__ import annotations

import math

import pytest
import torch

from aigc_core.data.mnist import DigitPictures, Digits
from aigc_core.gan.condition import WordsConfig
from aigc_core.gan.losses import NonSaturating, Relativistic, adversarial_loss, gradient_penalty
from aigc_core.gan.picture_networks import PictureDiscriminator, PictureGanConfig, PictureGenerator
from aigc_core.gan.picture_training import PictureGanTrainer, PictureRecipe

WORDS = WordsConfig(slots=("words",), vocabulary=("0", "1", "one", "zero"), num_buckets=16, word_dim=8, slot_dim=8)
SMALL = PictureGanConfig(image_size=28, image_channels=1, condition_dim=8, slice_dim=4, widths=(16, 16, 8), critic_widths=(16, 16, 8))
REAL, FAKE = torch.tensor([1.0, 2.0]), torch.tensor([0.5, -1.0])


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def test_relativistic_loss_pairs_real_and_generated() -> None:
    """R3GAN eq. 2 by hand: softplus of the negative margin for D, of the margin for G."""
    expected_d = (softplus(-0.5) + softplus(-3.0)) / 2
    expected_g = (softplus(0.5) + softplus(3.0)) / 2
    assert Relativistic().discriminator(REAL, FAKE).item() == pytest.approx(expected_d, abs=1e-6)
    assert Relativistic().generator(REAL, FAKE).item() == pytest.approx(expected_g, abs=1e-6)


def test_non_saturating_loss_is_goodfellows() -> None:
    """-log sigmoid(real) - log(1 - sigmoid(fake)) for D, -log sigmoid(fake) for G."""
    d = -(torch.sigmoid(REAL).log().mean() + (1 - torch.sigmoid(FAKE)).log().mean())
    g = -torch.sigmoid(FAKE).log().mean()
    torch.testing.assert_close(NonSaturating().discriminator(REAL, FAKE), d)
    torch.testing.assert_close(NonSaturating().generator(REAL, FAKE), g)


def test_an_unknown_loss_is_named() -> None:
    with pytest.raises(ValueError, match="relativistic"):
        adversarial_loss("hinge")


def test_gradient_penalty_of_a_linear_critic_is_its_squared_norm() -> None:
    """For D(x) = <w, x> the penalty is |w|^2, summed over pixels, at every x."""
    w = torch.randn(1, 3, 3, generator=torch.Generator().manual_seed(0))
    x = torch.randn(5, 1, 3, 3, requires_grad=True)
    assert gradient_penalty((x * w).sum(dim=(1, 2, 3)), x).item() == pytest.approx(w.square().sum().item(), rel=1e-5)


def test_shapes_and_start() -> None:
    """New residual blocks are identities."""
    generator, discriminator = PictureGenerator(SMALL), PictureDiscriminator(SMALL)
    x = generator(torch.randn(2, 12), torch.randn(2, 8))
    assert x.shape == (2, 1, 28, 28)
    assert discriminator(x, torch.randn(2, 8)).shape == (2,)
    assert all(weights.abs().sum() == 0 for name, weights in generator.blocks.named_parameters() if "conv2" in name)


def test_sizes_that_cannot_be_halved_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be halved"):
        PictureGanConfig(image_size=30, image_channels=1, condition_dim=8)


def stripes() -> DigitPictures:
    """Two classes of pictures that differ clearly: ink on the left, ink on the right."""
    levels = torch.zeros(64, 28, 28, dtype=torch.uint8)
    labels = torch.arange(64) % 2
    levels[labels == 0, :, 4:12] = 255
    levels[labels == 1, :, 16:24] = 255
    return DigitPictures.of(Digits(levels_NHW=levels, labels_N=labels))


@pytest.mark.parametrize("loss", ["relativistic", "non_saturating"])
def test_the_game_keeps_classes_apart(loss: str) -> None:
    """After a warm start and some rounds of either game, each class has its ink on its own side, and nothing diverged."""
    torch.manual_seed(0)
    recipe = PictureRecipe(loss=loss, batch=16, warm_start=0.7, penalty_every=2, slot_dropout=0.0, all_dropout=0.0, typos=0.0)
    trainer = PictureGanTrainer(SMALL, WORDS, recipe, stripes(), {}, "cpu")
    for step in range(200):
        losses = trainer.step(step / 200)
    assert all(math.isfinite(value) for value in losses.values())
    x = trainer.ema.module(torch.randn(16, 12), [((str(index % 2),),) for index in range(16)]).clamp(-1, 1).detach()
    left, right = x[:, 0, :, 4:12].mean(dim=(1, 2)), x[:, 0, :, 16:24].mean(dim=(1, 2))
    assert (left[0::2] - right[0::2]).mean() > 0.5 and (right[1::2] - left[1::2]).mean() > 0.5
