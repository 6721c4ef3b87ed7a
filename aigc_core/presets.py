"""Presets: everything that ``aigc train NAME`` needs to know. A preset is a function that returns a frozen value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aigc_core.training.budget import Budget
from aigc_core.training.loop import Trainer


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A named training: what it makes, its budgets, and how to set it up on a device."""

    name: str
    family: str
    summary: str
    cpu: Budget
    cuda: Budget
    setup: Callable[[str], Trainer]

    def budget(self, device: str, minutes: float | None) -> Budget:
        """The preset's budget for ``device``, or ``minutes`` of time instead."""
        usual = self.cuda if device.startswith("cuda") else self.cpu
        return usual if minutes is None else Budget(num_steps=10**9, minutes=minutes)


def presets() -> dict[str, Preset]:
    """All presets by name."""
    from aigc_core.picture_presets import picture_presets
    from aigc_core.text_presets import text_presets

    ours = (*picture_presets(), _handwriting(), _glyphs(), *text_presets(), _judge(), _parts_judge(), _density())
    return {preset.name: preset for preset in ours}


def _handwriting() -> Preset:
    def setup(device: str) -> Trainer:
        from aigc_core.data import fonts, mnist
        from aigc_core.vae.model import ALPHABET, VaeConfig
        from aigc_core.vae.training import VaeRecipe, VaeTrainer

        large = device.startswith("cuda")
        config = VaeConfig(width=32, condition_dim=64, joined=not large, dense_width=0 if large else 512, num_couplings=12 if large else 8)
        card = {
            "name": "handwriting",
            "title": "Handwriting",
            "family": "vae",
            "kind": "image",
            "summary": "A whole line in one hand: a VAE p(x | z, y) whose z is the hand and y the character, with a learned prior over hands.",
            "knows": "English letters, digits and the marks - / . : , + = ! ? ' ( ) & ;",
            "examples": ["Happy birthday, Mia!", "See you at 8:30", "2026-11-24"],
            "words": [*"0123456789"],
            "data": {
                "name": "MNIST training set, 60,000 digits; letters of six fonts in made hands and in the hands of the digits",
                "licence": f"{mnist.LICENCE}; fonts {fonts.LICENCE}",
                "credit": f"{mnist.CREDIT}; {fonts.CREDIT}",
            },
            "licence": "CC BY-SA 3.0 (as its data)",
        }
        recipe = VaeRecipe(batch=256 if large else 64)
        return VaeTrainer(config, recipe, mnist.load_mnist("train"), mnist.load_mnist("test"), fonts.load_fonts(ALPHABET), card, device)

    return Preset(
        name="handwriting", family="vae", summary="conditional VAE on MNIST and letters of fonts: z is the hand, y the character; RealNVP prior",
        cpu=Budget(num_steps=22_000), cuda=Budget(num_steps=60_000), setup=setup,
    )  # fmt: skip


def _glyphs() -> Preset:
    def setup(device: str) -> Trainer:
        from aigc_core.data.omniglot import ALPHABETS, CREDIT, LICENCE, load_omniglot
        from aigc_core.vae.density import DensityRecipe
        from aigc_core.vae.glyphs import GlyphTrainer
        from aigc_core.vae.model import VaeConfig

        large = device.startswith("cuda")
        labels = "abcdefgh?"
        config = VaeConfig(
            alphabet=labels, latent_dim=48, width=32, condition_dim=32, joined=not large, dense_width=0 if large else 512, num_couplings=8
        )
        recipe = DensityRecipe(batch=128, lr=(1e-3, 1e-5))
        card = {
            "name": "glyphs",
            "title": "Glyphs",
            "family": "vae",
            "kind": "image",
            "summary": "Invented characters: a VAE of the letters of eight alphabets, with a learned prior.",
            "knows": f"the manner of {', '.join(ALPHABETS)}, or of none",
            "examples": ["Sanskrit", "Korean and Greek", "an unknown alphabet"],
            "words": [*(name.lower() for name in ALPHABETS), "glyph", "glyphs", "rune", "runes", "alphabet"],
            "data": {"name": "Omniglot, small background sets: 242 characters, 18 of 20 drawers each", "licence": LICENCE, "credit": CREDIT},
            "licence": "MIT",
        }
        return GlyphTrainer(config, recipe, load_omniglot("train"), load_omniglot("test"), card, device)

    return Preset(
        name="glyphs", family="vae", summary="VAE on Omniglot: invents characters, encodes, varies, interpolates",
        cpu=Budget(num_steps=8_000), cuda=Budget(num_steps=40_000), setup=setup,
    )  # fmt: skip


def _judge() -> Preset:
    def setup(device: str) -> Trainer:
        from aigc_core.data.mnist import load_mnist
        from aigc_core.evaluation.judge import JudgeTrainer

        return JudgeTrainer(load_mnist("train"), load_mnist("test"), device)

    return Preset(
        name="mnist-judge", family="classifier", summary="the classifier that judges digits, trained on real MNIST only",
        cpu=Budget(num_steps=2_500), cuda=Budget(num_steps=5_000), setup=setup,
    )  # fmt: skip


def _parts_judge() -> Preset:
    def setup(device: str) -> Trainer:
        from aigc_core.data.avatars import Avatars
        from aigc_core.data.nouns import load_nouns
        from aigc_core.evaluation.parts_judge import PartsJudgeTrainer

        return PartsJudgeTrainer(Avatars(nouns=load_nouns()), device)

    return Preset(
        name="avatars-judge", family="classifier", summary="the classifier that judges avatars by their parts, trained on real compositions only",
        cpu=Budget(num_steps=3_000), cuda=Budget(num_steps=20_000), setup=setup,
    )  # fmt: skip


def _density() -> Preset:
    def setup(device: str) -> Trainer:
        from aigc_core.data.mnist import CREDIT, LICENCE, load_mnist
        from aigc_core.vae.density import DensityRecipe, DensityTrainer
        from aigc_core.vae.model import VaeConfig

        large = device.startswith("cuda")
        config = VaeConfig(alphabet="#", latent_dim=40, width=32, dense_width=0 if large else 512, num_couplings=20 if large else 10)
        recipe = DensityRecipe(batch=256 if large else 200, lr=(1e-3, 1e-5))
        card = {"name": "mnist-density", "title": "MNIST density", "family": "vae", "licence": LICENCE, "credit": CREDIT}
        return DensityTrainer(config, recipe, load_mnist("train"), load_mnist("test"), card, device)

    return Preset(
        name="mnist-density", family="vae", summary="VAE with a RealNVP prior as a density of binary digits, for the published tables",
        cpu=Budget(num_steps=22_000), cuda=Budget(num_steps=100_000), setup=setup,
    )  # fmt: skip
