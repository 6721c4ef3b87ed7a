"""Writes docs/QUALITY.md from the cards of the zoo, beside published numbers. Run: python docs/make_quality.py"""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

from aigc_core.evaluation.records import figures
from aigc_core.models import zoo_folder

TARGET = Path(__file__).parent / "QUALITY.md"
MEASURED = Path(__file__).parent / "measured"
HEAD = """# How good are they?

Made from the models' cards by `python docs/make_quality.py`; no figure is typed by hand. Every measure stands beside what real, held-out data get
from the same judge at the same number of pictures: without that a figure says nothing. The judges are classifiers of ours, trained on real data only.
Distances are taken in a judge's features and are **not** FIDs; they can be compared with each other, not with published ones. The text models have
a document of their own: [WRITINGS.md](WRITINGS.md).
"""
AVATARS = """## avatars

Which share of {n_trained_head} pictures shows the part that was asked for, by the judge `avatars-judge`. A tenth of the pairs of head and glasses is
kept out of training. The judge's own share on real pictures is the most that can be had: many accessories hide the body.

| part | real pictures | pairs seen in training | pairs never seen |
|---|---|---|---|
"""
TAGGED = """## {name}

Whether a word asked for is among the first five of {judge_words:.0f} that a judge sees, and how near generated pictures are to the training set: the
median distance to the nearest training picture, over that of held-out real pictures. Below 1 a model copies.

| measure | real, held out | names of training pictures | names never seen |
|---|---|---|---|
| word among the first five | {real_held_out_top5:.1%} | {trained_top5:.1%} | {held_out_top5:.1%} |
| nearness to the training set | 1 | {memorisation_ratio:.2f} | {memorisation_ratio_held_out:.2f} |
"""
CLASSES = """## {name}

{recognised}Classification accuracy score (Ravuri & Vinyals 2019): a classifier that saw {n_cas} generated pictures only is right on **{cas:.1%}**
of the real test pictures; the same classifier trained on the real training set on {real_cas:.1%}, and it is right on {gan_test:.1%} of the
generated ones.
"""
OWN = """## Own pictures

`aigc train gan --data` on {icons} icons that a script draws (`python -m benchmarks.own_pictures`): {minutes:.0f} minutes of one CPU core from the
folder to a model that is served, {megabytes:.1f} MB;
the training was stopped once by a check that has been mended since, and resumed.
The upper half of the sheet are pairs of colour and thing that were among the icons, the lower
half pairs that were not.

![Icons from words](pictures/own-icons.png)
"""
UPSCALER = """## upscaler

Twice the size of {n_psnr_db} emoji that were kept out: {psnr_db:.2f} dB, mean error {held_out_l1:.4f}; bicubic interpolation {real_psnr_db:.2f} dB,
{real_held_out_l1:.4f}.
"""
PUBLISHED = (
    (
        "grid of 25 Gaussians, {runs} runs: modes, high quality, KL",
        "GAN 17.3, 94.8 %, 0.70; PacGAN4 24.8, 93.6 %, 0.04 (Lin et al. 2018, table 1)",
        "{modes:.1f}, {high_quality:.1%}, {kl:.4f} (a perfect sampler {floor_modes:.0f}, {floor_high_quality:.1%}, {floor_kl:.4f}); "
        "its modes have {spread:.0%} of the real spread (a perfect sampler {floor_spread:.0%})",
        "python -m benchmarks.gaussians",
    ),
    (
        "Stacked MNIST, {samples:,} samples: modes, KL",
        "DCGAN 99, 3.40; PacDCGAN2 1000, 0.06 (Lin et al. 2018, table 2); R3GAN 1000, 0.029 (Huang et al. 2024)",
        "{modes}, {kl:.3f} (real triples {floor_modes}, {floor_kl:.3f}) after {minutes:.0f} minutes of one CPU core, started as a VAE's decoder",
        "python -m benchmarks.quality_stacked_mnist",
    ),
    (
        "MNIST, pixels drawn anew (dynamic), nats, K = 1000, {n_nll_nats} test digits",
        "VAE 86.8, MIWAE 85.0, ResNetVAE with RealNVP prior 78.5 (Xu et al. 2019), NVAE 78.0 (Vahdat & Kautz 2020)",
        "**{nll_nats:.2f}**, trained on one CPU core",
        "aigc evaluate mnist-density",
    ),
)


def card(name: str) -> dict[str, Any]:
    """A model's measures by name."""
    return figures(json.loads((zoo_folder() / name / "card.json").read_text(encoding="utf-8")))


def avatars(metrics: dict[str, Any]) -> str:
    """The table of the parts."""
    parts = ("head", "glasses", "body", "accessory")
    rows = [
        f"| {part} | {metrics[f'real_held_out_{part}']:.1%} | {metrics[f'trained_{part}']:.1%} | {metrics[f'held_out_{part}']:.1%} |"
        for part in parts
    ]
    keys = ("frechet", "kid", "precision", "recall", "density", "coverage")
    table = ["| measure | real against real | generated against real |", "|---|---|---|"]
    table += [f"| {key} | {metrics[f'real_{key}']:.4g} | {metrics[key]:.4g} |" for key in keys]
    return AVATARS.format(**metrics) + "\n".join([*rows, "", *table]) + "\n"


def recognised(metrics: dict[str, Any], judge: dict[str, Any]) -> str:
    """The judge of digits in a sentence."""
    return (
        f"The judge `mnist-judge` ({judge['test_accuracy']:.2%} on MNIST's test digits) recognises {metrics['recognised']:.1%} of "
        f"{metrics['n_recognised']} unchosen samples.\n"
    )


def published() -> str:
    """The table of what others have published: each row for which there is a measure."""
    grid = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "gaussians.py"))
    runs = list(grid["kept"](MEASURED / "gaussians.jsonl").values())
    known = (grid["summary"](runs) if runs else None, measured("stacked_mnist"), card("mnist-density"))
    rows = [
        f"| {measure} | {others} | {ours}; `{command}` |".format(**figures_of_row)
        for (measure, others, ours, command), figures_of_row in zip(PUBLISHED, known, strict=True)
        if figures_of_row
    ]
    head = "## Published numbers that can be met here\n\n| measure | published | ours |\n|---|---|---|\n"
    return head + "\n".join(rows) + "\n"


def measured(name: str) -> dict[str, Any] | None:
    """What a benchmark printed on its last line, where it was kept."""
    path = MEASURED / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def speeds() -> str:
    """How long pictures take, and how large the models are."""
    found = measured("pictures")
    if found is None:
        return ""
    rows = [
        f"| {name} | {row['draw_ms']:.0f} ms | {row['with_png_ms']:.0f} ms | {row['megabytes']:.1f} MB |"
        for name, row in found.items()
        if isinstance(row, dict)
    ]
    head = "## Speed and size\n\nFour pictures on one core of a processor, median; `python -m benchmarks.pictures`.\n\n"
    return head + "| model | drawing | with PNG | file |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"


def own_pictures() -> str:
    """A model of pictures that the project never saw."""
    found = measured("own_pictures")
    if found is None:
        return ""
    return OWN.format(**found)


def text() -> str:
    """The whole document: a part for each model that is there."""
    judge = card("mnist-judge")
    parts = [HEAD, avatars(card("avatars"))]
    parts += [TAGGED.format(name=name, **card(name)) for name in ("sprites", "emoji") if there(name)]
    for name in ("digits", "fashion"):
        if there(name):
            measures = card(name)
            parts.append(CLASSES.format(name=name, **{**measures, "recognised": recognised(measures, judge) if "recognised" in measures else ""}))
    hands = card("handwriting")
    made = f"Of digits in hands made from fonts, half of what the model learns from, it recognises {hands['real_recognised']:.1%}.\n"
    parts.append(f"## handwriting\n\n{recognised(hands, judge)}{made}")
    if there("glyphs"):
        bound = card("glyphs")
        parts.append(f"## glyphs\n\n-ELBO of {bound['n_test_neg_elbo_nats']} drawings by other people: {bound['test_neg_elbo_nats']:.1f} nats.\n")
    if there("upscaler"):
        parts.append(UPSCALER.format(**card("upscaler")))
    return "\n".join(part for part in (*parts, own_pictures(), speeds(), published()) if part)


def there(name: str) -> bool:
    """Whether the zoo has the model."""
    return (zoo_folder() / name).is_dir()


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
