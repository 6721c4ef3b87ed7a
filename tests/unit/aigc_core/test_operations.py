"""What can be done with pictures: every operation on every family of the zoo, and what a family cannot do it says."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import torch
from PIL import Image

from aigc_core import operations
from aigc_core.checkpoint import save_checkpoint
from aigc_core.models import load_model, zoo_folder
from aigc_core.seeding import noise, slerp
from aigc_core.serving import CannotDoError, ImageModel, PictureQuery, Point
from tests.unit.aigc_core.test_word_gan import toy_trainer

PROMPTS = {"toy": ("red square", "blue square"), "digits": ("3", "8"), "handwriting": ("2026", "2026")}


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> ImageModel:
    """A text-conditional GAN that has learned red and blue squares."""
    trainer = toy_trainer(posterior=False, warm_start=1.0)
    for step in range(200):
        trainer.step(step / 200)
    trainer.ema.module.load_state_dict(trainer.generator.state_dict())
    folder = Path(tmp_path_factory.mktemp("models")) / "toy"
    save_checkpoint(folder, trainer.checkpoint())
    model = load_model(folder)
    assert isinstance(model, ImageModel)
    return model


@pytest.fixture(params=list(PROMPTS))
def model(request: pytest.FixtureRequest, toy: ImageModel) -> ImageModel:
    if request.param == "toy":
        return toy
    loaded = load_model(zoo_folder() / request.param)
    assert isinstance(loaded, ImageModel)
    return loaded


def two(model: ImageModel) -> tuple[Point, Point]:
    prompts = PROMPTS[model.card["name"]]
    first, second = model.points([PictureQuery(prompt=prompt, seed=seed) for seed, prompt in enumerate(prompts)])
    return first, second


def shown(model: ImageModel, *points: Point) -> list[bytes]:
    return [picture.tobytes() for picture in operations.render(model, points)]


def test_a_point_is_the_picture_of_its_query(model: ImageModel) -> None:
    query = PictureQuery(prompt=PROMPTS[model.card["name"]][0], seed=5)
    drawn = model.draw([query])[0]
    assert shown(model, *model.points([query]))[0] == drawn.image.tobytes()
    assert model.points([query])[0].alt == drawn.alt


def test_vary_is_what_the_buttons_do(model: ImageModel) -> None:
    """The bot's Vary button sends a variation with the request; the operation gives the same picture."""
    if model.card["name"] == "toy":
        pytest.skip("its noise also chooses words, so a bare latent is not its whole noise")
    prompt = PROMPTS[model.card["name"]][0]
    plain, varied = model.points([PictureQuery(prompt=prompt, seed=1), PictureQuery(prompt=prompt, seed=1, variations=((9, 0.4),))])
    torch.testing.assert_close(operations.vary(plain, 9, 0.4).noise, varied.noise)


def test_vary_little_changes_little(model: ImageModel) -> None:
    first, _ = two(model)
    moves = [(operations.vary(first, 9, strength).noise - first.noise).norm().item() for strength in (0.0, 0.2, 0.6)]
    assert moves[0] == 0 and 0 < moves[1] < moves[2]


def test_a_blend_begins_and_ends_at_its_pictures(model: ImageModel) -> None:
    first, second = two(model)
    ends = [operations.blend(model, first, second, share) for share in (0.0, 1.0)]
    assert shown(model, ends[0]) == shown(model, first)
    torch.testing.assert_close(ends[1].noise, second.noise, atol=1e-5, rtol=1e-5)
    middle = operations.blend(model, first, second)
    assert middle.noise.norm() == pytest.approx((first.noise.norm() + second.noise.norm()).item() / 2, rel=1e-4)


@pytest.mark.parametrize(("kind", "form"), [("gif", "GIF"), ("webp", "WEBP"), ("apng", "PNG")])
def test_an_animation_loops_for_ever(model: ImageModel, kind: str, form: str) -> None:
    frames = operations.render(model, operations.walk(model, two(model), frames_per_leg=4))
    with Image.open(io.BytesIO(operations.animation(frames, kind))) as file:
        assert file.format == form and file.info["loop"] == 0
        assert 2 <= getattr(file, "n_frames", 1) <= 8


def test_an_animation_needs_two_pictures_and_a_known_kind(model: ImageModel) -> None:
    first, _ = two(model)
    with pytest.raises(ValueError, match="two pictures"):
        operations.walk(model, [first])
    with pytest.raises(ValueError, match="gif, webp, apng"):
        operations.animation(operations.render(model, [first]), "mp4")


def test_truncation_pulls_to_the_typical(model: ImageModel) -> None:
    first, second = two(model)
    near = [operations.truncate(point, 0.0) for point in (first, second)]
    torch.testing.assert_close(near[0].noise, near[1].noise)


def test_styles_are_mixed_by_stages_or_refused_with_a_reason(model: ImageModel) -> None:
    first, second = two(model)
    if model.num_stages == 0:
        with pytest.raises(CannotDoError, match="several"):
            operations.mix_styles(model, first, second, 1)
        return
    mixed = operations.mix_styles(model, first, second, 1)
    size = len(first.noise) // model.num_stages
    torch.testing.assert_close(mixed.noise[:size], first.noise[:size])
    torch.testing.assert_close(mixed.noise[size:], second.noise[size:])
    with pytest.raises(ValueError, match="between 1 and"):
        operations.mix_styles(model, first, second, model.num_stages)


def test_guidance_of_one_changes_nothing(model: ImageModel) -> None:
    first, _ = two(model)
    if model.card["name"] == "handwriting":
        with pytest.raises(CannotDoError, match="without one"):
            operations.guide(model, first, 2.0)
        return
    torch.testing.assert_close(operations.guide(model, first, 1.0).condition, first.condition)
    torch.testing.assert_close(operations.guide(model, first, 0.0).condition, model.nothing_said())


def test_a_picture_from_outside_is_taken_up(toy: ImageModel) -> None:
    first, second = two(toy)
    target = toy.decode([second])[0].detach()
    start_error = (toy.decode([first])[0] - target).abs().mean()
    found = operations.invert(toy, target, first, steps=60)
    assert (toy.decode([found])[0] - target).abs().mean() < 0.3 * start_error


def test_an_erased_part_is_filled_and_the_rest_stays(toy: ImageModel) -> None:
    first, second = two(toy)
    whole = toy.decode([second])[0].detach()
    mask = torch.ones(16, 16)
    mask[:, 8:] = 0
    filled = operations.fill(toy, whole * mask, mask, first, steps=80)
    torch.testing.assert_close(filled[:, :, :6], whole[:, :, :6])
    assert (filled[:, :, 10:] - whole[:, :, 10:]).abs().mean() < 0.5 * whole[:, :, 10:].abs().mean()


def test_restyling_goes_from_the_picture_to_the_words(toy: ImageModel) -> None:
    first, second = two(toy)
    target = toy.decode([second])[0].detach()
    kept, changed = (operations.restyle(toy, target, first, 3, strength, steps=60) for strength in (0.0, 1.0))
    assert (toy.decode([kept])[0] - target).abs().mean() < (toy.decode([changed])[0] - target).abs().mean()
    torch.testing.assert_close(changed.condition, first.condition)


def test_what_cannot_take_up_a_picture_says_so() -> None:
    handwriting = load_model(zoo_folder() / "handwriting")
    assert isinstance(handwriting, ImageModel)
    first, _ = two(handwriting)
    with pytest.raises(CannotDoError, match="cannot take up"):
        operations.invert(handwriting, torch.zeros(1, 28, 28), first, steps=1)


def test_slerp_keeps_the_length_and_survives_parallel_vectors() -> None:
    a, b = noise(1, 64), noise(2, 64)
    assert slerp(a, b, 0.5).norm() == pytest.approx(((a.norm() + b.norm()) / 2).item(), rel=1e-5)
    torch.testing.assert_close(slerp(a, 2 * a, 0.5), 1.5 * a)
    torch.testing.assert_close(slerp(a, -a, 0.25), 0.5 * a)
