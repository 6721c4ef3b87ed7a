"""Finding and loading models: the zoo that ships with the package, and folders of a user's own."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aigc_core.checkpoint import CARD, CONFIG, Checkpoint, CheckpointError, load_checkpoint, read_json, weight_shapes
from aigc_core.config import from_dict
from aigc_core.serving import ImageModel, TextModel
from aigc_core.weights import SCALE

logger = logging.getLogger(__name__)


def zoo_folder() -> Path:
    """The models that ship with the package."""
    return Path(__file__).parent / "zoo"


def model_folders() -> list[Path]:
    """The zoo, ``models`` in the working directory (where ``aigc train`` puts them), and the folders of ``AIGC_MODELS``."""
    extra = [Path(folder) for folder in os.environ.get("AIGC_MODELS", "").split(os.pathsep) if folder]
    return [zoo_folder(), Path("models"), *extra]


def find_models(folders: Sequence[Path] | None = None) -> dict[str, Path]:
    """Folders of servable models by name; a later folder's model hides an earlier one of the same name."""
    found: dict[str, Path] = {}
    for parent in model_folders() if folders is None else folders:
        for path in sorted(parent.glob(f"*/{CARD}")):
            try:
                card = read_json(path)
            except CheckpointError as error:
                logger.warning("action=model_left_out reason=%s", error)
                continue
            if (path.parent / CONFIG).exists() and card.get("kind") in ("image", "text"):
                found[str(card.get("name", path.parent.name))] = path.parent
    return found


def known_words(folder: Path) -> tuple[str, ...]:
    """The words that a model knows: those of its card, else its vocabulary with the names of its slots; () where it has none.

    Raises:
        CheckpointError: a file of the model cannot be read.
    """
    from aigc_core.gan.word_prompts import SLOT_WORDS

    card, config = read_json(folder / CARD), read_json(folder / CONFIG)
    if "words" in card:
        return tuple(card["words"])
    words = config.get("words", {})
    slots = [name for slot in words.get("slots", ()) for name in SLOT_WORDS.get(slot, ())]
    telling = [word for word in words.get("vocabulary", ()) if len(word) > 1 and not word.isdecimal()]  # "grayscale 7" does not mean seven
    return (*telling, *slots)


def num_weights(folder: Path) -> int:
    """Numbers that a model in ``folder`` is computed with, its base's among them.

    Raises:
        CheckpointError: a file of the model cannot be read.
    """
    own = sum(math.prod(shape) for name, shape in weight_shapes(folder).items() if not name.endswith(SCALE))
    base = find_models().get(read_json(folder / CONFIG).get("base", {}).get("name", ""))
    return own + (num_weights(base) if base is not None and base != folder else 0)


def load_model(folder: Path, device: str = "cpu") -> ImageModel | TextModel:
    """Load the model in ``folder``.

    Raises:
        CheckpointError: the folder holds no usable model.
    """
    checkpoint = load_checkpoint(folder)
    builders = {"gan": _word_gan, "vae": _vae, "rnn": _rnn}
    family = checkpoint.config.get("family")
    if family not in builders:
        raise CheckpointError(f"{folder}: no generator family is called {family!r}")
    try:
        return builders[family](checkpoint, device)
    except (KeyError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"{folder}: configuration and weights do not fit: {error}") from error


def _network(checkpoint: Checkpoint) -> dict[str, Any]:
    return dict(checkpoint.config["network"])


def _word_gan(checkpoint: Checkpoint, device: str) -> ImageModel:
    from aigc_core.gan.condition import WordsConfig
    from aigc_core.gan.digit_serving import DigitModel
    from aigc_core.gan.picture_networks import PictureGanConfig
    from aigc_core.gan.picture_training import WordGenerator
    from aigc_core.gan.word_serving import SMALLEST_SMOOTH, Lexicon, WordPictureModel
    from aigc_core.upscaling import load_upscaler

    words = from_dict(WordsConfig, dict(checkpoint.config["words"]))
    network = WordGenerator(words, from_dict(PictureGanConfig, _network(checkpoint)))
    network.load_state_dict(checkpoint.weights)
    known = checkpoint.config["lexicon"]
    phrases = tuple(tuple(tuple(phrase.split()) for phrase in slot) for slot in known["phrases"])
    model = {"words": WordPictureModel, "digits": DigitModel}[known.get("reads", "words")]
    folder = zoo_folder() / "upscaler"
    upscaler = load_upscaler(folder) if network.generator.config.image_size >= SMALLEST_SMOOTH and (folder / CARD).exists() else None
    return model(network, Lexicon(phrases=phrases, closed=known["closed"], spread=known.get("spread", 1.0)), checkpoint.card, device, upscaler)


def _vae(checkpoint: Checkpoint, device: str) -> ImageModel:
    from aigc_core.vae.glyph_serving import GlyphModel
    from aigc_core.vae.model import HandwritingVae, VaeConfig
    from aigc_core.vae.serving import HandwritingModel

    if "words" in checkpoint.config:  # an owner's pictures: the same decoder as that of the picture GANs
        return _word_gan(checkpoint, device)
    vae = HandwritingVae(from_dict(VaeConfig, _network(checkpoint)))
    vae.load_state_dict(checkpoint.weights)
    if "glyphs" in checkpoint.config:
        return GlyphModel(vae, tuple(checkpoint.config["glyphs"]), checkpoint.card, device)
    return HandwritingModel(vae, checkpoint.card, device)


def _rnn(checkpoint: Checkpoint, device: str) -> TextModel:
    from aigc_core.rnn.cells import build_language_model, read_config
    from aigc_core.rnn.openings import read_opening
    from aigc_core.rnn.tokenizer import load_tokenizer

    if "base" in checkpoint.config:
        return _persona(checkpoint, device)
    network = build_language_model(read_config(checkpoint.config["cell"], _network(checkpoint)))
    network.load_state_dict(checkpoint.weights)
    tokenizer = load_tokenizer(checkpoint.config)
    opening, config = read_opening(checkpoint.config, tokenizer), checkpoint.config
    return TextModel(network, tokenizer, checkpoint.card, device, opening, config.get("writing"), fewest_lines=config.get("lines", 1))


def _persona(checkpoint: Checkpoint, device: str) -> TextModel:
    """A manner of writing: another model's weights, and the state from which they begin."""
    wanted = checkpoint.config["base"]
    folder = find_models().get(wanted["name"])
    if folder is None:
        raise CheckpointError(f"{checkpoint.card['name']} is a manner of writing of {wanted['name']}, and there is no such model here")
    base = load_checkpoint(folder)
    if "base" in base.config or base.card["version"] != wanted["version"]:
        has = base.card["version"]
        raise CheckpointError(f"{checkpoint.card['name']} was trained with {wanted['name']} {wanted['version']}; here is {has}: train it again")
    model = _rnn(base, device)
    start = checkpoint.weights["start"]
    parts = (model.network, model.tokenizer, checkpoint.card, device, model.opening, model.writing)
    return TextModel(*parts, start_1S=start, fewest_lines=model.fewest_lines)
