"""Presets of the text-conditional picture GANs, and the one that fits an owner's own pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aigc_core.data.tagged import SLOTS, TaggedPictures
from aigc_core.gan.condition import WordsConfig
from aigc_core.gan.picture_networks import PictureGanConfig
from aigc_core.gan.picture_training import PictureGanTrainer, PictureRecipe
from aigc_core.presets import Preset
from aigc_core.training.budget import Budget
from aigc_core.training.loop import Trainer

MIN_PICTURES = 64
"""Fewer pictures are learned by heart before anything else is learned."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Widths of generator and discriminator for a picture size and a device."""

    widths: tuple[int, ...]
    critic_widths: tuple[int, ...]


_SIZES = {
    (28, False): Sizes(widths=(96, 48, 24), critic_widths=(96, 48, 24)),
    (28, True): Sizes(widths=(256, 160, 96), critic_widths=(256, 160, 96)),
    (32, False): Sizes(widths=(128, 64, 32), critic_widths=(96, 48, 24)),
    (32, True): Sizes(widths=(256, 160, 96), critic_widths=(256, 128, 96)),
    (64, False): Sizes(widths=(128, 80, 40, 20), critic_widths=(96, 64, 32, 16)),
    (64, True): Sizes(widths=(256, 192, 128, 64), critic_widths=(256, 192, 128, 64)),
}


def picture_presets() -> tuple[Preset, ...]:
    """The zoo's text-conditional models."""
    return (
        Preset(
            name="avatars", family="gan", summary="cartoon avatars from words (Nouns parts), text-conditional GAN, 32 px",
            cpu=Budget(num_steps=7_800), cuda=Budget(num_steps=30_000), setup=_avatars,
        ),
        Preset(
            name="sprites", family="gan", summary="pixel-art monsters and things from words, text-conditional GAN, 32 px with opacity",
            cpu=Budget(num_steps=4_500), cuda=Budget(num_steps=30_000), setup=_sprites,
        ),
        Preset(
            name="emoji", family="gan", summary="emoji from words, text-conditional GAN, 64 px with opacity",
            cpu=Budget(num_steps=6_000), cuda=Budget(num_steps=30_000), setup=_emoji,
        ),
        Preset(
            name="fashion", family="gan", summary="clothes from words (Fashion-MNIST), class-conditional GAN, 28 px",
            cpu=Budget(num_steps=5_000), cuda=Budget(num_steps=15_000), setup=_fashion,
        ),
    )  # fmt: skip


def _avatars(device: str) -> Trainer:
    from aigc_core.data.avatars import Avatars
    from aigc_core.data.nouns import CREDIT, LICENCE, load_nouns
    from aigc_core.data.nouns import SLOTS as PARTS

    large = device.startswith("cuda")
    avatars = Avatars(nouns=load_nouns())
    words = WordsConfig(slots=PARTS, vocabulary=avatars.vocabulary)
    config = PictureGanConfig(
        image_size=32, image_channels=3, condition_dim=words.condition_dim,
        widths=(256, 160, 96) if large else (144, 80, 40), critic_widths=(256, 128, 96) if large else (96, 48, 24),
    )  # fmt: skip
    card = {
        "name": "avatars", "title": "Avatars", "family": "gan", "kind": "image",
        "summary": "Cartoon characters from words: head, glasses, body, accessory, background. What you leave open, the seed chooses.",
        "knows": "254 heads, 23 glasses, 30 bodies, 143 accessories in English words",
        "examples": ["pizza head, red glasses, gold body", "shark with blue shades", "robot, rainbow shirt"],
        "data": {"name": "Nouns parts, composed at random; a tenth of the pairs of head and glasses kept out", "licence": LICENCE, "credit": CREDIT},
        "licence": "CC0",
    }  # fmt: skip
    recipe = PictureRecipe(batch=256 if large else 64, warm_start=0.92, anchor=20.0, lr=(1e-4, 2e-5), penalty_every=1 if large else 4)
    return PictureGanTrainer(config, words, recipe, avatars, card, device)


def _sprites(device: str) -> Trainer:
    from aigc_core.data.sprites import CREDIT, LICENCE, SIZE, load_sprites

    card = {
        "name": "sprites", "title": "Sprites", "family": "gan", "kind": "image",
        "summary": "Pixel-art monsters and things from words, 32x32 with a transparent background.",
        "knows": "monsters, animals, weapons, armour, potions and their colours in English words",
        "examples": ["red dragon", "blue potion", "stone golem"],
        "data": {"name": "Dungeon Crawl Stone Soup tiles, CC0 release of November 2015: monsters and items", "licence": LICENCE, "credit": CREDIT},
        "licence": "CC0",
    }  # fmt: skip
    return tagged_trainer(load_sprites(), SIZE, card, device, warm_start=0.65)


def _emoji(device: str) -> Trainer:
    from aigc_core.data.emoji import CREDIT, LICENCE, load_emoji

    card = {
        "name": "emoji", "title": "Emoji", "family": "gan", "kind": "image",
        "summary": "New emoji from words, 64x64 with a transparent background; small enough for a server's own emoji.",
        "knows": "faces, animals, food, plants, weather, vehicles and things in English words",
        "examples": ["crying cat face", "red heart", "green apple"],
        "data": {"name": "Noto Emoji without flags and skin tones, with names and tags of gemoji", "licence": LICENCE, "credit": CREDIT},
        "licence": "Apache-2.0",
    }  # fmt: skip
    return tagged_trainer(load_emoji(64), 64, card, device, warm_start=0.8)


def _fashion(device: str) -> Trainer:
    from aigc_core.data.fashion import CLASSES, CREDIT, LICENCE, SIZE, load_fashion

    card = {
        "name": "fashion", "title": "Fashion", "family": "gan", "kind": "image",
        "summary": "Clothes, shoes and bags in grey, 28x28: the benchmark Fashion-MNIST as a generator.",
        "knows": ", ".join(CLASSES), "examples": ["dress", "sneaker", "bag"],
        "data": {"name": "Fashion-MNIST training set (pixels of a restored copy, mean error 0.16 of 255)", "licence": LICENCE, "credit": CREDIT},
        "licence": "MIT",
    }  # fmt: skip
    return tagged_trainer(load_fashion("train")[0], SIZE, card, device, warm_start=0.2, kl_weight=2.6, augment=())


def tagged_trainer(
    pictures: TaggedPictures,
    size: int,
    card: dict[str, Any],
    device: str,
    warm_start: float,
    kl_weight: float = 20.0,
    augment: tuple[str, ...] = ("flip", "shift", "colour"),
) -> PictureGanTrainer:
    """A trainer for any pictures with words: a conditional VAE to start with, then the game with adaptive augmentation."""
    large = device.startswith("cuda")
    words = WordsConfig(slots=SLOTS, vocabulary=pictures.vocabulary, slot_dim=128)
    sizes = _SIZES[size, large]
    config = PictureGanConfig(
        image_size=size, image_channels=pictures.levels_NCHW.shape[1], condition_dim=words.condition_dim,
        widths=sizes.widths, critic_widths=sizes.critic_widths,
    )  # fmt: skip
    recipe = PictureRecipe(
        batch=128 if large else 32, warm_start=warm_start, posterior=True, halved=0.7 if size == 64 else 0.0, penalty_every=1 if large else 4,
        gamma=(5.0, 0.5) if size == 64 else (1.0, 0.2), kl_weight=kl_weight, anchor=0.3, slot_dropout=0.0, augment=augment,
    )  # fmt: skip
    return PictureGanTrainer(config, words, recipe, pictures, card, device)
