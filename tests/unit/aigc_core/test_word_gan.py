"""The text-conditional picture GAN: its words, its networks, its training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from aigc_core.data.tagged import SLOTS, TaggedPictures, hold_out, premultiplied, split_words
from aigc_core.gan.augment import Augment
from aigc_core.gan.condition import WordEncoder, WordsConfig, ngrams
from aigc_core.gan.half_said import half_said, misspelt, slip
from aigc_core.gan.picture_networks import PictureDiscriminator, PictureGanConfig, PictureGenerator
from aigc_core.gan.picture_training import PictureGanTrainer, PictureRecipe
from aigc_core.training.budget import Budget
from aigc_core.training.loop import train

WORDS = WordsConfig(slots=("head", "body"), vocabulary=("cat", "gold", "red"), num_buckets=64, word_dim=8, slot_dim=6)
SMALL = PictureGanConfig(image_size=16, image_channels=4, condition_dim=12, slice_dim=4, widths=(12, 8), critic_widths=(12, 8, 6))


def test_ngrams_mark_the_ends_of_a_word() -> None:
    assert ngrams("ox") == ["<ox", "ox>", "<ox>"]
    assert "<re" in ngrams("red") and "ed>" in ngrams("red")


def test_a_slot_is_not_another_slot() -> None:
    encoder = WordEncoder(WORDS)
    swapped = encoder([(("red",), ("gold",)), (("gold",), ("red",))])
    assert swapped.shape == (2, 12)
    assert not torch.allclose(swapped[0], swapped[1])


def test_an_open_slot_has_its_own_vector_and_order_of_words_does_not_matter() -> None:
    encoder = WordEncoder(WORDS)
    torch.nn.init.normal_(encoder.open)
    c = encoder([((), ("red", "gold")), (("cat",), ("gold", "red")), ((), ())])
    torch.testing.assert_close(c[0, :6], encoder.open[0])
    torch.testing.assert_close(c[2], encoder.open.flatten())
    torch.testing.assert_close(c[0, 6:], c[1, 6:])


def test_rows_do_not_depend_on_their_neighbours() -> None:
    encoder = WordEncoder(WORDS)
    descriptions = [(("cat",), ("red",)), ((), ("gold", "unheard")), (("red", "cat"), ())]
    together = encoder(descriptions)
    for row, description in zip(together, descriptions, strict=True):
        torch.testing.assert_close(row, encoder([description])[0])


def test_an_anonymous_word_is_read_as_an_unknown_one() -> None:
    encoder = WordEncoder(WORDS)
    by_grams = encoder([(("red",), ())], anonymous=frozenset({"red"}))
    assert not torch.allclose(by_grams, encoder([(("red",), ())]))
    stranger = WordEncoder(WordsConfig(slots=WORDS.slots, vocabulary=("cat", "gold", "rod"), num_buckets=64, word_dim=8, slot_dim=6))
    stranger.load_state_dict(encoder.state_dict())
    torch.testing.assert_close(by_grams, stranger([(("red",), ())]))


def test_strangers_words_are_not_kept_in_memory() -> None:
    encoder = WordEncoder(WORDS)
    encoder([(("cat", "somebody's secret"), ())])
    assert set(encoder._hashed) == {"cat"}


def test_half_said_leaves_open_the_share_that_was_asked_for() -> None:
    rng = torch.Generator().manual_seed(0)
    left = half_said([(("a",), ("b",))] * 4000, rng, slot_dropout=0.2, all_dropout=0.1)
    open_slots = sum(not phrase for description in left for phrase in description) / 8000
    assert open_slots == pytest.approx(1 - 0.8 * 0.9, abs=0.02)
    nothing = sum(not any(description) for description in left) / 4000
    assert nothing == pytest.approx(0.1 + 0.9 * 0.04, abs=0.02)


def test_a_slip_changes_one_place_and_short_words_are_spared() -> None:
    rng = torch.Generator().manual_seed(0)
    slips = {slip("dragon", rng) for _ in range(300)}
    assert {"dragn", "drragon", "rdagon"} & slips and all(5 <= len(word) <= 7 for word in slips)
    assert misspelt([(("red", "dragon"),)], rng, share=1.0)[0][0][0] == "red"


@pytest.mark.parametrize("size", [15, 20])
def test_sizes_that_cannot_be_halved_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match="cannot be halved"):
        PictureGanConfig(image_size=size, image_channels=3, condition_dim=4, widths=(8, 8, 8, 8))


def test_every_slice_of_the_latent_reaches_its_stage_only() -> None:
    """Style mixing is possible: a new generator's later stages ignore the latent until their modulation is trained."""
    generator = PictureGenerator(SMALL)
    z, c = torch.randn(1, SMALL.latent_dim), torch.randn(1, SMALL.condition_dim)
    changed = z.clone()
    changed[:, SMALL.slice_dim :] += 1
    torch.testing.assert_close(generator(z, c), generator(changed, c))
    torch.nn.init.normal_(generator.modulations[1].linear.weight)
    assert not torch.allclose(generator(z, c), generator(changed, c))


def test_the_critic_judges_one_picture_against_several_conditions() -> None:
    critic = PictureDiscriminator(SMALL)
    x, c = torch.randn(3, 4, 16, 16), torch.randn(3, 12)
    torch.testing.assert_close(critic(x, c), critic.judge(critic.features(x), c))
    assert not torch.allclose(critic(x, c), critic(x, c.roll(1, 0)))


def test_augmentation_is_off_at_first_follows_overfitting_and_keeps_gradients() -> None:
    augment = Augment(("flip", "shift", "colour", "cutout"))
    x = torch.rand(8, 4, 16, 16, requires_grad=True)
    assert augment(x) is x
    for _ in range(500):
        augment.adapt(train=2.0, held_out=-1.0, generated=-2.0, num_pictures=64)
    assert augment.probability == pytest.approx(0.8)
    augment(x).sum().backward()
    assert x.grad is not None and x.grad.abs().sum() > 0
    augment.adapt(train=2.0, held_out=1.9, generated=-2.0, num_pictures=64)
    assert augment.probability < 0.8


def test_an_unknown_augmentation_is_named() -> None:
    with pytest.raises(ValueError, match="flip, shift"):
        Augment(("blur",))


def toy_pictures(count: int = 80) -> TaggedPictures:
    """Squares, red or blue, on nothing: 16x16 with opacity."""
    levels = torch.zeros(count, 4, 16, 16, dtype=torch.uint8)
    names = tuple(("red" if row % 2 else "blue", "square") for row in range(count))
    for row in range(count):
        levels[row, 0 if row % 2 else 2, 4:12, 4:12] = 255
        levels[row, 3, 4:12, 4:12] = 255
    return TaggedPictures(levels_NCHW=levels, names=names, tags=(("shape",),) * count, held_out_N=hold_out(names))


def toy_trainer(posterior: bool = True, warm_start: float = 0.5) -> PictureGanTrainer:
    pictures = toy_pictures()
    words = WordsConfig(slots=SLOTS, vocabulary=pictures.vocabulary, num_buckets=64, word_dim=8, slot_dim=12)
    recipe = PictureRecipe(
        batch=16,
        warm_start=warm_start,
        posterior=posterior,
        slot_dropout=0.0,
        all_dropout=0.0,
        augment=("flip",),
        penalty_every=2,
        warm_lr=(1e-2, 1e-3),
        anonymous=0.0,
        typos=0.0,
    )
    card = {"name": "toy", "title": "Toy", "family": "gan", "kind": "image"}
    return PictureGanTrainer(SMALL, words, recipe, pictures, card, "cpu")


def test_words_are_learned_by_regression() -> None:
    trainer = toy_trainer(posterior=False, warm_start=1.0)
    for step in range(200):
        trainer.step(step / 200)
    z = torch.zeros(2, SMALL.latent_dim)
    drawn = trainer.generator(z, [(("red", "square"),), (("blue", "square"),)])
    middle = drawn[:, :, 6:10, 6:10].mean(dim=(2, 3))
    assert middle[0, 0] > 0.3 > -0.3 > middle[0, 2]
    assert middle[1, 2] > 0.3 > -0.3 > middle[1, 0]


@pytest.mark.parametrize("posterior", [False, True])
def test_both_phases_move_their_networks_and_a_resumed_training_goes_on_the_same(posterior: bool, tmp_path: Path) -> None:
    trainer = toy_trainer(posterior)
    train(trainer, tmp_path / "toy", Budget(num_steps=12))
    other = toy_trainer(posterior)
    train(other, tmp_path / "toy", Budget(num_steps=16), resume=True)
    assert other.num_steps == 16
    assert all(torch.isfinite(parameter).all() for parameter in other.generator.parameters())
    changed = [not torch.equal(a, b) for a, b in zip(trainer.critic.parameters(), other.critic.parameters(), strict=True)]
    assert any(changed)


def test_pictures_of_one_name_stay_on_one_side_unless_they_are_many() -> None:
    names = [("cat",)] * 3 + [(f"thing{row}",) for row in range(300)] + [("dog",)] * 40
    held_out = hold_out(names)
    assert len(set(held_out[:3].tolist())) == 1
    assert 0 < held_out[-40:].sum() < 40
    assert held_out.float().mean() == pytest.approx(0.1, abs=0.05)


def test_what_is_not_seen_is_not_learned() -> None:
    from PIL import Image

    invisible = Image.new("RGBA", (8, 4), (255, 0, 0, 0))
    fitted = premultiplied(invisible, 8)
    assert fitted.shape == (4, 8, 8) and fitted.sum() == 0


def test_words_of_a_label() -> None:
    assert split_words("Red-dragon_2 (RED), café") == ("red", "dragon", "2", "café")


def test_a_start_at_half_the_size_trains_the_same_networks() -> None:
    """Half of the warm start sees pictures of 8x8; what it learns serves at 16x16."""
    trainer = toy_trainer(warm_start=1.0)
    trainer.recipe = replace(trainer.recipe, halved=0.5)
    z, c = torch.randn(2, trainer.config.latent_dim), torch.randn(2, trainer.config.condition_dim)
    assert trainer.generator.generator(z, c, halved=True).shape == (2, 4, 8, 8)
    assert trainer.encoder(torch.randn(2, 4, 8, 8), c, halved=True)[0].shape == (2, trainer.config.latent_dim)
    before = trainer.evaluate()["held_out_l1"]
    for step in range(60):
        trainer.step(0.49 * step / 60)
    assert trainer.evaluate()["held_out_l1"] < 0.7 * before
