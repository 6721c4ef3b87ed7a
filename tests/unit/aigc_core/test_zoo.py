from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from aigc_core import images
from aigc_core.checkpoint import CheckpointError, weights_version
from aigc_core.data.avatars import Avatars
from aigc_core.data.nouns import load_nouns
from aigc_core.data.shakespeare import load_shakespeare
from aigc_core.evaluation.avatars import drawn
from aigc_core.evaluation.digits import recognised_share
from aigc_core.evaluation.judge import load_judge
from aigc_core.evaluation.parts_judge import judged_parts, load_parts_judge
from aigc_core.evaluation.records import figures
from aigc_core.gan.word_serving import WordPictureModel
from aigc_core.models import find_models, load_model, zoo_folder
from aigc_core.presets import presets
from aigc_core.rnn.training import validation_nats
from aigc_core.serving import ImageModel, PictureQuery, PromptError, TextModel

ZOO = find_models([zoo_folder()])
PROMPTS = {"digits": "7", "handwriting": "2026-11-23"}
SPOKEN = {**PROMPTS, "avatars": "shark head, red glasses", "sprites": "blue potion"}


def image_model(name: str) -> ImageModel:
    model = load_model(ZOO[name])
    assert isinstance(model, ImageModel)
    return model


def test_the_zoo_has_all_three_families() -> None:
    assert {json.loads((folder / "card.json").read_text())["family"] for folder in ZOO.values()} == {"gan", "vae", "rnn"}


@pytest.mark.parametrize("name", sorted(ZOO))
def test_cards_say_what_a_person_needs(name: str) -> None:
    """Name, data, licence, the command and time that made it, and a version that is that of the weights."""
    card = json.loads((ZOO[name] / "card.json").read_text())
    assert card["name"] == name and card["licence"] and card["data"]["credit"] and card["examples"]
    assert card["training"]["command"].startswith(f"aigc train {name}") and card["training"]["minutes"] > 0
    assert card["version"] == weights_version(ZOO[name])
    assert (ZOO[name] / "model.safetensors").stat().st_size <= 8 << 20


@pytest.mark.parametrize("name", sorted(SPOKEN))
def test_pictures_depend_on_their_own_seed_only(name: str) -> None:
    """Alone or among 31 random neighbours, at any place: the same bytes."""
    model = image_model(name)
    query = PictureQuery(prompt=SPOKEN[name], seed=123)
    alone = model.draw([query])[0].image.tobytes()
    rng = random.Random(0)
    for number in (1, 2, 3, 7, 31):
        neighbours = [PictureQuery(prompt=SPOKEN[name], seed=rng.randrange(2**32), truncation=rng.uniform(0.3, 1.2)) for _ in range(number)]
        place = rng.randrange(number + 1)
        together = model.draw([*neighbours[:place], query, *neighbours[place:]])
        assert together[place].image.tobytes() == alone
    assert model.draw([PictureQuery(prompt=SPOKEN[name], seed=124)])[0].image.tobytes() != alone


@pytest.mark.parametrize("name", sorted(PROMPTS))
def test_small_variations_stay_closer_than_other_seeds(name: str) -> None:
    model = image_model(name)

    def draw(seed: int, *moves: tuple[int, float]) -> np.ndarray:
        picture = model.draw([PictureQuery(prompt="1" if name == "handwriting" else "3", seed=seed, variations=moves)])[0]
        return np.asarray(picture.image.convert("L").resize((64, 64)), dtype=float)

    base = [draw(seed) for seed in range(6)]
    near = np.mean([np.abs(draw(seed, (99 + seed, 0.2)) - base[seed]).mean() for seed in range(6)])
    far = np.mean([np.abs(base[seed] - base[(seed + 1) % 6]).mean() for seed in range(6)])
    assert near < 0.7 * far


@pytest.mark.parametrize("name", sorted(PROMPTS))
def test_the_judge_recognises_what_was_asked_for(name: str) -> None:
    """Most of 1,000 samples are the digit asked for, by a classifier that saw people's digits only: of made hands it knows fewer."""
    judge = load_judge(zoo_folder() / "mnist-judge")
    assert recognised_share(image_model(name), judge, 1000) >= (0.95 if name == "digits" else 0.8)


def test_avatars_show_what_was_asked_for_even_in_combinations_never_seen(needs_data: None) -> None:
    """By a judge of parts that saw real pictures only: heads and glasses in at least 85 % of 300 pictures of combinations kept out of training."""
    avatars = Avatars(nouns=load_nouns())
    model = image_model("avatars")
    assert isinstance(model, WordPictureModel)
    choices = avatars.choices(300, torch.Generator().manual_seed(3), held_out=True)
    hits = load_parts_judge(zoo_folder() / "avatars-judge").hits(drawn(model, avatars, choices), judged_parts(choices)).float().mean(0)
    assert hits[0] >= 0.85 and hits[1] >= 0.85


def test_what_a_prompt_says_is_kept_and_what_it_leaves_open_the_seed_chooses() -> None:
    model = image_model("avatars")
    first, second = (picture.alt for picture in model.draw([PictureQuery(prompt="shark, gold body", seed=seed) for seed in (1, 2)]))
    assert "shark head" in first and "gold body" in first and "shark head" in second and first != second
    assert model.draw([PictureQuery(prompt="shark, gold body", seed=1)])[0].alt == first


def test_nothing_is_chosen_that_hides_what_was_asked_for() -> None:
    model = image_model("avatars")
    alts = [picture.alt for picture in model.draw([PictureQuery(prompt="gold body", seed=seed) for seed in range(60)])]
    assert all("gold body" in alt and "body gradient" not in alt for alt in alts)
    assert any("body gradient" in picture.alt for picture in model.draw([PictureQuery(prompt="shark", seed=seed) for seed in range(60)]))


def test_sprites_are_transparent_and_pixel_art() -> None:
    picture = image_model("sprites").draw([PictureQuery(prompt="blue potion", seed=1)])[0].image
    assert picture.mode == "RGBA" and picture.size == (256, 256)
    corner = np.asarray(picture)[:8, :8]
    assert (corner == corner[0, 0]).all(), "a pixel is a square"
    assert np.asarray(picture)[..., 3].min() == 0


def test_the_judge_is_a_good_judge() -> None:
    card = json.loads((zoo_folder() / "mnist-judge" / "card.json").read_text())
    assert figures(card)["test_accuracy"] >= 0.99


def test_bard_beats_the_bar(needs_data: None) -> None:
    """At most 1.60 nats per character on the standard validation split."""
    model = load_model(ZOO["bard"])
    assert isinstance(model, TextModel)
    assert validation_nats(model.network, load_shakespeare().validation_N, "cpu") <= 1.60


def test_handwriting_says_what_it_cannot_write() -> None:
    model = image_model("handwriting")
    with pytest.raises(PromptError, match="English letters, digits and the marks"):
        model.read("你好")
    reading = model.read("Call 555-0123 现在 now!")
    assert reading.understood == ("Call 555-0123 now!",) and reading.ignored == ("现在",)


def test_long_numbers_are_written_on_several_lines() -> None:
    """Nothing is cut: 100 digits make several lines of the width of one."""
    model = image_model("handwriting")
    short, long = (model.draw([PictureQuery(prompt=p, seed=1)])[0].image for p in ("1234567890" * 2, "1234567890" * 10))
    assert long.height > 3 * short.height and long.width < 2 * short.width


def test_digits_takes_several_in_turn() -> None:
    model = image_model("digits")
    alts = [model.draw([PictureQuery(prompt="four 2", seed=1, index=index)])[0].alt for index in range(3)]
    assert alts == ["A handwritten digit 4", "A handwritten digit 2", "A handwritten digit 4"]


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"config\.json"):
        load_model(tmp_path)


def test_presets_have_names_budgets_and_words() -> None:
    for name, preset in presets().items():
        assert preset.name == name and preset.summary and preset.cpu.num_steps > 0
        assert preset.budget("cpu", 3).minutes == 3


def test_png_bytes_are_reproducible_and_say_what_made_them() -> None:
    picture = images.to_pil(torch.zeros(1, 8, 8))
    first, second = (images.png_bytes(picture, {"Seed": "5", "Model": "digits"}) for _ in range(2))
    assert first == second and b"digits" in first


def test_a_grid_is_as_square_as_its_number_allows() -> None:
    tiles = [images.to_pil(torch.zeros(1, 10, 10))] * 9
    assert images.grid(tiles, gap=2).size == (38, 38)
    with pytest.raises(ValueError, match="at least one"):
        images.grid([])
