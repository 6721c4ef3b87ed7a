"""``aigc evaluate``: measures by the judge and on held-out data; JSON on the last line."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aigc_core.gan.word_serving import WordPictureModel
    from aigc_core.serving import ImageModel, TextModel
    from aigc_core.vae.glyph_serving import GlyphModel

IMPORTANCE_SAMPLES, ALL_TEST_DIGITS = 1000, 10_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to measure."""
    parser.add_argument("model", help="a model of the zoo, a judge, mnist-density, or a model's folder")
    parser.add_argument("--count", type=int, default=None, help="samples for the judge (default 1000), or test digits for mnist-density (10000)")
    parser.add_argument("--labelled", type=int, default=30_000, help="generated pictures for the classification accuracy score")
    parser.add_argument("--truncation", type=float, default=1.0)
    parser.add_argument("--save", action="store_true", help="note the measures in the model's card")


def run(arguments: argparse.Namespace) -> int:
    """Print the measures; exit status 1 if the data or the model is missing."""
    import torch

    from aigc_core.checkpoint import CheckpointError
    from aigc_core.data.sources import DataError

    torch.set_num_threads(max(1, torch.get_num_threads() // 2))
    started = time.monotonic()
    try:
        measures = _measure(arguments)
        if arguments.save:
            _note(arguments.model, measures, (time.monotonic() - started) / 60)
        print(json.dumps(measures))
    except (CheckpointError, DataError, TypeError) as error:
        print(f"aigc evaluate: {error}", file=sys.stderr)
        return 1
    return 0


def _note(name: str, measures: dict[str, object], minutes: float) -> None:
    """Write the measures into the model's card; the version stays, because the weights do."""
    from aigc_core.checkpoint import CARD, read_json
    from aigc_core.evaluation.records import merged, records

    path = _folder(name) / CARD
    card = read_json(path)
    found = records(measures, command=f"aigc evaluate {card['name']}", device="cpu", minutes=minutes)
    card["metrics"] = merged(card.get("metrics", ()), found)
    if "written" in measures:
        card["samples"] = measures["written"]
    path.write_text(json.dumps(card, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def _folder(name: str) -> Path:
    """Where a model lies: one that can be served, one of the zoo, or a path."""
    from aigc_core.models import find_models, zoo_folder

    known = find_models()
    if name in known:
        return known[name]
    return zoo_folder() / name if (zoo_folder() / name).is_dir() else Path(name)


def _measure(arguments: argparse.Namespace) -> dict[str, object]:
    from aigc_core.models import load_model
    from aigc_core.serving import ImageModel

    folder = _folder(arguments.model)
    special = {"mnist-judge": _mnist_judge, "avatars-judge": _parts_judge, "mnist-density": _density}
    if folder.name in special:
        return special[folder.name](folder, arguments)
    model = load_model(folder)
    answer: dict[str, object] = {"model": model.card["name"], "version": model.card["version"]}
    if isinstance(model, ImageModel):
        return {**answer, **_of_pictures(model, arguments)}
    return {**answer, **_of_texts(model)}


def _of_texts(model: TextModel) -> dict[str, object]:
    """The measures of a language model of the zoo, and the first samples as they came."""
    from aigc_core.evaluation.held_out import text_test
    from aigc_core.evaluation.texts import evaluate_texts, form_kept, nats_otherwise, new_names
    from aigc_core.rnn.openings import ListOpening, VerseOpening

    test = text_test(model)
    found = evaluate_texts(model, test.corpus, test.prompts, test.real, test.train_text)
    if len(test.corpus.train_N):
        found |= nats_otherwise(model, test.corpus)
    if isinstance(model.opening, VerseOpening):
        found |= form_kept(model, model.opening)
    if isinstance(model.opening, ListOpening):
        found |= new_names(model, test.prompts, test.train_text)
    return found


def _of_pictures(model: ImageModel, arguments: argparse.Namespace) -> dict[str, object]:
    """The measures of a picture model of the zoo."""
    from aigc_core.evaluation.classes import digits_score, fashion_score
    from aigc_core.evaluation.digits import made_share, recognised_share
    from aigc_core.evaluation.judge import load_judge
    from aigc_core.gan.digit_serving import DigitModel
    from aigc_core.gan.word_serving import WordPictureModel
    from aigc_core.models import zoo_folder
    from aigc_core.vae.glyph_serving import GlyphModel

    if isinstance(model, GlyphModel):
        return _glyphs(model)
    if isinstance(model, WordPictureModel) and not isinstance(model, DigitModel):
        return fashion_score(model, arguments.labelled) if model.card["name"] == "fashion" else _of_words(model)
    count = arguments.count or 1000
    judge = load_judge(zoo_folder() / "mnist-judge")
    share = recognised_share(model, judge, count, arguments.truncation)
    score = digits_score(model, arguments.labelled) if isinstance(model, DigitModel) else {"real_recognised": made_share(judge)}
    return {"recognised": share, "samples": count, "truncation": arguments.truncation, **score}


def _of_words(model: WordPictureModel) -> dict[str, object]:
    """The measures of a text-conditional picture model of the zoo."""
    from aigc_core.models import zoo_folder

    name = model.card["name"]
    if name == "avatars":
        from aigc_core.data.avatars import Avatars
        from aigc_core.data.nouns import load_nouns
        from aigc_core.evaluation.avatars import evaluate_avatars
        from aigc_core.evaluation.parts_judge import load_parts_judge

        return evaluate_avatars(model, load_parts_judge(zoo_folder() / "avatars-judge"), Avatars(nouns=load_nouns()))
    from aigc_core.data.emoji import load_emoji
    from aigc_core.data.sprites import load_sprites
    from aigc_core.evaluation.tags_judge import evaluate_tagged

    loaders = {"sprites": load_sprites, "emoji": load_emoji}
    if name not in loaders:
        raise TypeError(f"there is no held-out data to measure {name} with")
    return evaluate_tagged(model, loaders[name]())


def _glyphs(model: GlyphModel) -> dict[str, object]:
    """The bound of drawings by people whose drawings were not trained on, as the training measures it."""
    import torch

    from aigc_core.data.omniglot import load_omniglot
    from aigc_core.vae.glyphs import held_out_bound

    test = load_omniglot("test")
    return {"test_neg_elbo_nats": held_out_bound(model.vae, test, torch.device("cpu")), "pictures": len(test)}


def _mnist_judge(folder: Path, _arguments: argparse.Namespace) -> dict[str, object]:
    """Accuracy on MNIST's test digits."""
    import torch

    from aigc_core.data.mnist import load_mnist
    from aigc_core.evaluation.judge import load_judge

    test = load_mnist("test")
    accuracy = load_judge(folder).accuracy(test.pictures(torch.arange(len(test))), test.labels_N)
    return {"model": "mnist-judge", "test_accuracy": accuracy, "pictures": len(test)}


def _parts_judge(folder: Path, _arguments: argparse.Namespace) -> dict[str, object]:
    """What the judge of parts finds in real compositions."""
    from aigc_core.data.avatars import Avatars
    from aigc_core.data.nouns import load_nouns
    from aigc_core.evaluation.parts_judge import accuracies, load_parts_judge

    return {"model": "avatars-judge", **accuracies(load_parts_judge(folder), Avatars(nouns=load_nouns()))}


def _density(folder: Path, arguments: argparse.Namespace) -> dict[str, object]:
    """The likelihood of test digits by importance sampling."""
    from aigc_core.data.mnist import load_mnist
    from aigc_core.vae.density import held_out_nll, load_density

    count = arguments.count or ALL_TEST_DIGITS
    nats = held_out_nll(load_density(folder), load_mnist("test"), count, IMPORTANCE_SAMPLES)
    return {"model": "mnist-density", "nll_nats": nats, "importance_samples": IMPORTANCE_SAMPLES, "pictures": count}
