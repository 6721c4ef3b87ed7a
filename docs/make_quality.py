"""Writes docs/QUALITY.md from the cards of the zoo, beside published numbers. Run: python docs/make_quality.py"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aigc_core.models import zoo_folder

TARGET = Path(__file__).parent / "QUALITY.md"
HEAD = """# How good are they?

Made from the models' cards by `python docs/make_quality.py`; no figure is typed by hand. Every measure stands beside what real, held-out data get
from the same judge at the same number of pictures: without that a figure says nothing. The judges are classifiers of ours, trained on real data only.
Distances are taken in a judge's features and are **not** FIDs; they can be compared with each other, not with published ones.
"""
AVATARS = """## avatars

Which share of {num_pictures} pictures shows the part that was asked for, by the judge `avatars-judge`. A tenth of the pairs of head and glasses is
kept out of training. The judge's own share on real pictures is the most that can be had: many accessories hide the body.

| part | real pictures | pairs seen in training | pairs never seen |
|---|---|---|---|
"""
TAGGED = """## {name}

Whether a word asked for is among the first five of {judge_words} that a judge sees, and how near generated pictures are to the training set: the
median distance to the nearest training picture, over that of held-out real pictures. Below 1 a model copies.

| measure | real, held out ({num_held_out}) | names of training pictures | names never seen |
|---|---|---|---|
| word among the first five | {real_top5:.1%} | {trained_top5:.1%} | {held_out_top5:.1%} |
| nearness to the training set | 1 | {memorisation_ratio:.2f} | {memorisation_ratio_held_out:.2f} |
"""
PUBLISHED = (
    "## Published numbers that can be met here\n\n| measure | published | ours |\n|---|---|---|\n"
    "| grid of 25 Gaussians: modes, high quality, KL | GAN 17.3, 94.8 %, 0.70; PacGAN4 24.8, 93.6 %, 0.04 (Lin et al. 2018, table 1) "
    "| `python -m benchmarks.gaussians` |\n"
)


def card(name: str) -> dict[str, Any]:
    """A model's card."""
    return dict(json.loads((zoo_folder() / name / "card.json").read_text(encoding="utf-8")))


def avatars(metrics: dict[str, Any], judge: dict[str, Any]) -> str:
    """The table of the parts."""
    parts = ("head", "glasses", "body", "accessory")
    shares = {part: (judge[f"real_{part}"], metrics[f"trained_{part}"], metrics[f"held_out_{part}"]) for part in parts}
    rows = [f"| {part} | {real:.1%} | {seen:.1%} | {never:.1%} |" for part, (real, seen, never) in shares.items()]
    keys = ("frechet", "kid", "precision", "recall", "density", "coverage")
    table = ["| measure | real against real | generated against real |", "|---|---|---|"]
    table += [f"| {key} | {metrics[f'real_{key}']:.4g} | {metrics[key]:.4g} |" for key in keys]
    return AVATARS.format(**metrics) + "\n".join([*rows, "", *table]) + "\n"


def recognised(name: str, metrics: dict[str, Any], judge: dict[str, Any]) -> str:
    """The digits' line."""
    return (
        f"## {name}\n\nThe judge `mnist-judge` ({judge['test_accuracy']:.2%} on MNIST's test digits) recognises {metrics['recognised']:.1%} of "
        f"{metrics['samples']} unchosen samples.\n"
    )


def text() -> str:
    """The whole document."""
    found = {name: card(name) for name in ("avatars", "sprites", "digits", "handwriting", "avatars-judge", "mnist-judge")}
    metrics = {name: value["metrics"] for name, value in found.items()}
    parts = [HEAD, avatars(metrics["avatars"], metrics["avatars-judge"]), TAGGED.format(name="sprites", **metrics["sprites"])]
    parts += [recognised(name, metrics[name], metrics["mnist-judge"]) for name in ("digits", "handwriting")]
    return "\n".join([*parts, PUBLISHED])


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
