from __future__ import annotations

import pytest
import torch

from aigc_core import operations
from aigc_core.data.omniglot import ALPHABETS, Glyphs, load_omniglot
from aigc_core.serving import PictureQuery
from aigc_core.vae.density import DensityRecipe
from aigc_core.vae.glyph_serving import GlyphModel
from aigc_core.vae.glyphs import GlyphTrainer, deform
from aigc_core.vae.model import HandwritingVae, VaeConfig

CONFIG = VaeConfig(alphabet="abcdefgh?", latent_dim=4, condition_dim=8, dense_width=32, num_couplings=2, joined=True)


def model() -> GlyphModel:
    torch.manual_seed(0)
    vae = HandwritingVae(CONFIG)
    for block in vae.decoder.blocks:  # blocks start as the identity: let conditions count
        torch.nn.init.normal_(block.film.weight, std=0.5)
    return GlyphModel(vae, ALPHABETS, {"title": "Glyphs"}, "cpu")


def test_it_knows_alphabets_by_their_names() -> None:
    reading = model().read("runes of the Japanese and Sanskrit alphabet, purple")
    assert reading.understood == ("Katakana", "Sanskrit") and reading.ignored == ("purple",)
    assert model().read("").understood == ()


def test_the_alphabet_counts_and_the_seed_counts() -> None:
    drawn = model()
    queries = [PictureQuery(prompt=prompt, seed=seed) for prompt, seed in (("Greek", 1), ("Korean", 1), ("Greek", 2), ("Greek", 1))]
    with torch.inference_mode():
        greek, korean, other, again = drawn.decode(drawn.points(queries))
    assert torch.equal(greek, again) and not torch.allclose(greek, korean, atol=1e-3) and not torch.allclose(greek, other, atol=1e-3)


def test_between_two_alphabets_lies_a_mixture() -> None:
    drawn = model()
    first, second = drawn.points([PictureQuery(prompt="Greek", seed=1), PictureQuery(prompt="Korean", seed=1)])
    blend = operations.blend(drawn, first, second, 0.25)
    assert blend.condition[ALPHABETS.index("Greek")] == pytest.approx(0.75)
    assert torch.allclose(blend.noise, first.noise, atol=1e-5)


def test_a_drawn_character_is_taken_up_again() -> None:
    """What the model drew may be inverted as it is, and comes nearer than where the search began."""
    drawn = model()
    target, start = drawn.points([PictureQuery(prompt="Greek", seed=1), PictureQuery(prompt="Greek", seed=2)])
    x = drawn.decode([target])[0]
    assert not x.requires_grad
    found = operations.invert(drawn, x, start, steps=30)
    before, after = ((drawn.decode([point])[0] - x).abs().mean() for point in (start, found))
    assert after < before


def test_deformed_characters_stay_what_they_are() -> None:
    ink = torch.zeros(8, 1, 28, 28)
    ink[:, :, 8:20, 12:16] = 1
    moved = deform(ink, torch.Generator().manual_seed(0))
    assert moved.shape == ink.shape and moved.min() >= 0 and moved.max() <= 1
    mass = moved.sum(dim=(1, 2, 3)) / ink.sum(dim=(1, 2, 3))
    assert ((mass > 0.6) & (mass < 1.6)).all() and not torch.allclose(moved[0], moved[1], atol=0.1)


def test_it_learns() -> None:
    levels = torch.zeros(32, 28, 28, dtype=torch.uint8)
    levels[:, 8:20, 12:16] = 255
    glyphs = Glyphs(levels_NHW=levels, alphabets_N=torch.arange(32) % 8, characters_N=torch.arange(32))
    trainer = GlyphTrainer(CONFIG, DensityRecipe(batch=16, lr=(3e-3, 3e-3)), glyphs, glyphs, {}, "cpu")
    first = trainer.step(0.0)["neg_elbo"]
    for step in range(1, 60):
        last = trainer.step(step / 60)["neg_elbo"]
    assert last < 0.5 * first
    checkpoint = trainer.checkpoint()
    assert checkpoint.config["glyphs"] == list(ALPHABETS) and checkpoint.config["family"] == "vae"


def test_the_split_is_by_drawer(needs_data: None) -> None:
    train, test = load_omniglot("train"), load_omniglot("test")
    assert (len(train), len(test)) == (242 * 18, 242 * 2)
    assert torch.equal(train.characters_N.unique(), test.characters_N.unique())
