"""How well avatars show what was asked for: by a judge of parts, on combinations that were trained and on those that were kept out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from aigc_core.data.avatars import Avatars
from aigc_core.evaluation.measures import density_coverage, frechet_distance, kernel_distance, precision_recall
from aigc_core.evaluation.parts_judge import JUDGED, PartsJudge, judged_parts
from aigc_core.gan.word_serving import WordPictureModel
from aigc_core.seeding import noise
from aigc_core.serving import Point


def drawn(model: WordPictureModel, avatars: Avatars, choices_NS: Tensor) -> Tensor:
    """``x_NCHW`` of these parts, a seed each."""
    c = torch.cat([model.conditions(avatars.describe(rows)) for rows in choices_NS.split(250)])
    points = [Point(noise=noise(seed, model.config.latent_dim), condition=row, alt="") for seed, row in enumerate(c)]
    return torch.cat([torch.stack(model.decode(points[i : i + 250])) for i in range(0, len(points), 250)])


def evaluate_avatars(model: WordPictureModel, judge: PartsJudge, avatars: Avatars, count: int = 1000) -> dict[str, Any]:
    """Share of asked-for parts that the judge finds, and distances to real pictures beside real against real."""
    result: dict[str, Any] = {"num_pictures": count}
    rng = torch.Generator().manual_seed(7)
    for side, held_out in (("trained", False), ("held_out", True)):
        choices = avatars.choices(count, rng, held_out=held_out)
        hits = judge.hits(drawn(model, avatars, choices), judged_parts(choices)).float().mean(0).tolist()
        result |= {f"{side}_{slot}": round(share, 4) for slot, share in zip(JUDGED, hits, strict=True)}
        most = judge.hits(avatars.nouns.compose(choices), judged_parts(choices)).float().mean(0).tolist()
        result |= {f"real_{side}_{slot}": round(share, 4) for slot, share in zip(JUDGED, most, strict=True)}
    choices = [avatars.nouns.sample(count, rng) for _ in range(3)]
    with torch.inference_mode():
        real, other = (torch.cat([judge.features(x) for x in avatars.nouns.compose(rows).split(250)]) for rows in choices[:2])
        fake = torch.cat([judge.features(x.clamp(-1, 1)) for x in drawn(model, avatars, choices[2]).split(250)])
    for name, features in (("", fake), ("real_", other)):
        result[f"{name}frechet"] = round(frechet_distance(real, features), 3)
        result[f"{name}kid"] = round(kernel_distance(real, features, torch.Generator().manual_seed(0), 20, count // 2)[0], 5)
        result |= {f"{name}{key}": round(v, 3) for key, v in zip(("precision", "recall"), precision_recall(real, features), strict=True)}
        result |= {f"{name}{key}": round(v, 3) for key, v in zip(("density", "coverage"), density_coverage(real, features), strict=True)}
    return result
