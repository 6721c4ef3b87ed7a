"""``aigc evaluate``: measures by the judge and on held-out data; JSON on the last line."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aigc_core.gan.word_serving import WordPictureModel


IMPORTANCE_SAMPLES = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to measure."""
    parser.add_argument("model", help="a model of the zoo, mnist-judge, or a model's folder")
    parser.add_argument("--count", type=int, default=1000, help="samples for the judge")
    parser.add_argument("--folder", type=Path, default=None, help="where mnist-density lies (default: models/mnist-density)")
    parser.add_argument("--truncation", type=float, default=1.0)
    parser.add_argument("--save", action="store_true", help="note the measures in the model's card")


def run(arguments: argparse.Namespace) -> int:
    """Print the measures; exit status 1 if the data or the model is missing."""
    import torch

    from aigc_core.checkpoint import CheckpointError
    from aigc_core.data.sources import DataError

    torch.set_num_threads(max(1, torch.get_num_threads() // 2))
    try:
        measures = _measure(arguments)
        if arguments.save:
            _note(arguments.model, measures)
        print(json.dumps(measures))
    except (CheckpointError, DataError, TypeError) as error:
        print(f"aigc evaluate: {error}", file=sys.stderr)
        return 1
    return 0


def _note(name: str, measures: dict[str, object]) -> None:
    """Write the measures into the model's card; the version stays, because the weights do."""
    from aigc_core.checkpoint import CARD, read_json
    from aigc_core.models import find_models

    path = find_models().get(name, Path(name)) / CARD
    card = read_json(path)
    figures = {key: value for key, value in measures.items() if key not in ("model", "version")}
    card["metrics"] = {**card.get("metrics", {}), **figures}
    path.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _measure(arguments: argparse.Namespace) -> dict[str, object]:
    import torch

    from aigc_core.data.mnist import load_mnist
    from aigc_core.data.shakespeare import load_shakespeare
    from aigc_core.evaluation.digits import recognised_share
    from aigc_core.evaluation.judge import load_judge
    from aigc_core.gan.word_serving import WordPictureModel
    from aigc_core.models import find_models, load_model, zoo_folder
    from aigc_core.rnn.training import validation_nats
    from aigc_core.serving import ImageModel

    judge_folder = zoo_folder() / "mnist-judge"
    if arguments.model == "mnist-judge":
        test = load_mnist("test")
        accuracy = load_judge(judge_folder).accuracy(test.pictures(torch.arange(len(test))), test.labels_N)
        return {"model": "mnist-judge", "test_accuracy": accuracy, "pictures": len(test)}
    if arguments.model == "mnist-density":
        return _density(arguments)
    model = load_model(find_models().get(arguments.model, Path(arguments.model)))
    answer: dict[str, object] = {"model": model.card["name"], "version": model.card["version"]}
    if isinstance(model, WordPictureModel):
        return {**answer, **_of_words(model)}
    if isinstance(model, ImageModel):
        share = recognised_share(model, load_judge(judge_folder), arguments.count, arguments.truncation)
        return {**answer, "recognised": share, "samples": arguments.count, "truncation": arguments.truncation}
    nats = validation_nats(model.network, load_shakespeare().validation_N, "cpu")
    return {**answer, "validation_nats": nats, "split": "last 10 %, state carried"}


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


def _density(arguments: argparse.Namespace) -> dict[str, object]:
    """The likelihood of test digits by importance sampling."""
    from aigc_core.data.mnist import load_mnist
    from aigc_core.vae.density import held_out_nll, load_density

    nats = held_out_nll(load_density(arguments.folder or Path("models") / "mnist-density"), load_mnist("test"), arguments.count, IMPORTANCE_SAMPLES)
    return {"model": "mnist-density", "nll_nats": nats, "importance_samples": IMPORTANCE_SAMPLES, "pictures": arguments.count}
