"""Presets of the text-conditional picture GANs, and the one that fits an owner's own pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
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
    (28, False): Sizes(widths=(128, 64, 32), critic_widths=(96, 64, 32)),
    (28, True): Sizes(widths=(256, 160, 96), critic_widths=(256, 160, 96)),
    (32, False): Sizes(widths=(128, 64, 32), critic_widths=(96, 64, 32)),
    (32, True): Sizes(widths=(256, 160, 96), critic_widths=(256, 128, 96)),
    (64, False): Sizes(widths=(128, 96, 48, 16), critic_widths=(96, 64, 32, 16)),
    (64, True): Sizes(widths=(256, 192, 128, 64), critic_widths=(256, 192, 128, 64)),
}


_CLASSES: dict[str, Any] = {"augment": (), "mismatch": 0.0, "gamma": (0.1, 0.02)}
"""Of sets with many pictures to a class. No pairs that do not match: they push pictures away from where classes meet, where real ones are."""


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
            cpu=Budget(num_steps=8_000), cuda=Budget(num_steps=30_000), setup=_emoji,
        ),
        Preset(
            name="fashion", family="gan", summary="clothes from words (Fashion-MNIST), class-conditional GAN, 28 px",
            cpu=Budget(num_steps=7_400), cuda=Budget(num_steps=15_000), setup=_fashion,
        ),
        Preset(
            name="digits", family="gan", summary="handwritten digits (MNIST), class-conditional GAN, 28 px",
            cpu=Budget(num_steps=8_600), cuda=Budget(num_steps=15_000), setup=_digits,
        ),
        Preset(
            name="digits-classic", family="gan", summary="the same with Goodfellow's non-saturating loss",
            cpu=Budget(num_steps=7_400), cuda=Budget(num_steps=15_000), setup=partial(_digits, loss="non_saturating"),
        ),
        Preset(
            name="upscaler", family="upscaler", summary="twice the size for pictures with smooth edges, learned from emoji",
            cpu=Budget(num_steps=4_000), cuda=Budget(num_steps=20_000), setup=_upscaler,
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
    return tagged_trainer(load_emoji(64), 64, card, device, warm_start=0.8, spread=0.6)


def _fashion(device: str) -> Trainer:
    from aigc_core.data.fashion import CLASSES, CREDIT, LICENCE, SIZE, load_fashion

    card = {
        "name": "fashion", "title": "Fashion", "family": "gan", "kind": "image",
        "summary": "Clothes, shoes and bags in grey, 28x28: the benchmark Fashion-MNIST as a generator.",
        "knows": ", ".join(CLASSES), "examples": ["dress", "sneaker", "bag"],
        "data": {"name": "Fashion-MNIST training set (pixels of a restored copy, mean error 0.16 of 255)", "licence": LICENCE, "credit": CREDIT},
        "licence": "MIT",
    }  # fmt: skip
    return tagged_trainer(load_fashion("train")[0], SIZE, card, device, warm_start=0.36, kl_weight=1.0, **_CLASSES)


def _digits(device: str, loss: str = "relativistic") -> Trainer:
    from aigc_core.data.mnist import CREDIT, LICENCE, DigitPictures, load_mnist
    from aigc_core.prompts import NUMBER_WORDS

    card = {
        "name": "digits", "title": "Digits", "family": "gan", "kind": "image",
        "summary": "Handwritten digits, one a picture, drawn by a class-conditional GAN (RpGAN + R1 + R2).",
        "knows": "the digits 0 to 9 and their names in English", "examples": ["7", "three", "4 2"], "words": [*"0123456789", *NUMBER_WORDS],
        "data": {"name": "MNIST training set, 60,000 digits, a tenth kept out", "licence": LICENCE, "credit": CREDIT},
        "licence": "CC BY-SA 3.0 (as its data)",
    }  # fmt: skip
    recipe = {**_CLASSES, "mismatch": 0.2, "all_dropout": 0.0, "warm_start": 0.32, "kl_weight": 1.0, "loss": loss}
    return tagged_trainer(DigitPictures.of(load_mnist("train")), 28, card, device, **recipe)


def _upscaler(device: str) -> Trainer:
    from aigc_core.data.emoji import CREDIT, LICENCE, load_emoji
    from aigc_core.upscaling import UpscalerConfig, UpscalerRecipe, UpscalerTrainer

    card = {
        "name": "upscaler", "title": "Upscaler", "family": "upscaler",
        "summary": "Doubles pictures with smooth edges, with sharper edges than interpolation.",
        "data": {"name": "Noto Emoji without flags and skin tones, at half and at full size", "licence": LICENCE, "credit": CREDIT},
        "licence": "Apache-2.0",
    }  # fmt: skip
    return UpscalerTrainer(UpscalerConfig(), UpscalerRecipe(batch=64 if device.startswith("cuda") else 16), load_emoji(64), card, device)


def tagged_trainer(pictures: TaggedPictures, size: int, card: dict[str, Any], device: str, **recipe: Any) -> PictureGanTrainer:
    """A trainer for any pictures with words: a conditional VAE to start with, then the game with adaptive augmentation.

    ``recipe`` are fields of :class:`PictureRecipe` that shall be otherwise than for few pictures of many things.
    """
    large = device.startswith("cuda")
    words = WordsConfig(slots=SLOTS, vocabulary=pictures.vocabulary, slot_dim=128)
    sizes = _SIZES[size, large]
    config = PictureGanConfig(
        image_size=size, image_channels=pictures.levels_NCHW.shape[1], condition_dim=words.condition_dim,
        widths=sizes.widths, critic_widths=sizes.critic_widths,
    )  # fmt: skip
    usual = PictureRecipe(
        batch=128 if large else 32, posterior=True, halved=0.7 if size == 64 else 0.0, penalty_every=1 if large else 4,
        gamma=(1.5, 0.3) if size == 64 else (0.5, 0.1), critic_rate=2.5, critic_first=0.04,
        kl_weight=20.0, anchor=0.3, slot_dropout=0.0, augment=("flip", "shift", "colour"),
    )  # fmt: skip
    return PictureGanTrainer(config, words, replace(usual, **recipe), pictures, card, device)
