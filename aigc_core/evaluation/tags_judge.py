"""The judge of tagged pictures: which words a picture shows; trained, when it is needed, on the real training pictures only."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aigc_core.data.tagged import TaggedPictures
from aigc_core.evaluation.measures import frechet_distance, kernel_distance, memorisation_ratio
from aigc_core.evaluation.parts_judge import conv_stage
from aigc_core.gan.word_serving import WordPictureModel
from aigc_core.seeding import noise
from aigc_core.serving import Point
from aigc_core.training.budget import cosine

MIN_PICTURES = 5
"""A word that fewer training pictures show cannot be learned by the judge."""
TOP = 5
SHIFT = 2


class TagsJudge(nn.Module):
    """Logits of words from ``x_BCHW`` in [-1, 1]."""

    def __init__(self, words: tuple[str, ...], channels: int, size: int, width: int = 24) -> None:
        super().__init__()
        self.words, self.number = words, {word: place for place, word in enumerate(words)}
        halvings = {32: 3, 64: 4}[size]
        widths = [width * (stage + 1) for stage in range(halvings + 1)]
        stages = [conv_stage(channels, width, 1), *(conv_stage(a, b, 2) for a, b in pairwise(widths))]
        self.layers = nn.Sequential(*stages, nn.Flatten(), nn.Dropout(0.3), nn.Linear(widths[-1] * 16, 128), nn.ReLU(inplace=True))
        self.last = nn.Linear(128, len(words))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        logits: Tensor = self.last(self.layers(x_BCHW))
        return logits

    @torch.no_grad()
    def features(self, x_NCHW: Tensor) -> Tensor:
        """``(N, 128)``."""
        self.eval()
        return torch.cat([self.layers(x.clamp(-1, 1)) for x in x_NCHW.split(250)])

    @torch.no_grad()
    def found(self, x_NCHW: Tensor, asked: list[tuple[str, ...]]) -> Tensor:
        """Whether a word asked for is among the judge's first five, for the rows that ask for one it knows."""
        self.eval()
        first = torch.cat([self(x.clamp(-1, 1)).topk(TOP).indices for x in x_NCHW.split(250)]).tolist()
        pairs = [({self.number[w] for w in words if w in self.number}, set(row)) for words, row in zip(asked, first, strict=True)]
        return torch.tensor([bool(known & row) for known, row in pairs if known])


def train_tags_judge(pictures: TaggedPictures, num_steps: int = 1500, batch: int = 64) -> TagsJudge:
    """A judge of the words that enough training pictures show."""
    rng = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    rows = (~pictures.held_out_N).nonzero().flatten()
    said = [{*pictures.names[row], *pictures.tags[row]} for row in range(len(pictures))]
    count = Counter(word for row in rows.tolist() for word in said[row])
    words = tuple(sorted(word for word, number in count.items() if number >= MIN_PICTURES))
    judge = TagsJudge(words, pictures.levels_NCHW.shape[1], pictures.levels_NCHW.shape[-1])
    targets = torch.tensor([[float(word in row) for word in words] for row in said])
    optimiser = torch.optim.AdamW(judge.parameters(), lr=2e-3, weight_decay=2e-2)
    for step in range(num_steps):
        optimiser.param_groups[0]["lr"] = cosine(2e-3, 1e-5, step / num_steps)
        index = rows[torch.randint(len(rows), (batch,), generator=rng)]
        x = pictures.pictures(index)
        if torch.rand((), generator=rng) < 0.5:
            x = x.flip(3)
        x = x.roll(torch.randint(-SHIFT, SHIFT + 1, (2,), generator=rng).tolist(), dims=(2, 3))
        x = x + 0.15 * torch.rand(batch, 1, 1, 1, generator=rng) * torch.randn(x.shape, generator=rng)
        judge.train()
        loss = F.binary_cross_entropy_with_logits(judge(x), targets[index])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    return judge.eval()


def evaluate_tagged(model: WordPictureModel, pictures: TaggedPictures, copies: int = 4) -> dict[str, Any]:
    """Alignment with the words, memorisation and distances of generated pictures, beside held-out real ones."""
    judge = train_tags_judge(pictures)
    held, seen = pictures.held_out_N.nonzero().flatten(), (~pictures.held_out_N).nonzero().flatten()
    real, train = pictures.pictures(held), pictures.pictures(seen)
    names = [pictures.names[row] for row in held.tolist()]
    of_held_out = drawn(model, names * copies)
    trained = [
        pictures.names[row] for row in seen[torch.randperm(len(seen), generator=torch.Generator().manual_seed(0))[: len(held) * copies]].tolist()
    ]
    of_trained = drawn(model, trained)
    features = {name: judge.features(x) for name, x in (("real", real), ("train", train), ("fake", of_held_out))}
    found_in_real = _share(judge.found(real, names))
    return {
        "num_held_out": len(held), "judge_words": len(judge.words),
        "real_held_out_top5": found_in_real, "real_trained_top5": found_in_real,
        "n_held_out_top5": len(of_held_out), "n_trained_top5": len(of_trained),
        "held_out_top5": _share(judge.found(of_held_out, names * copies)),
        "trained_top5": _share(judge.found(of_trained, trained)),
        "memorisation_ratio": round(memorisation_ratio(of_trained.flatten(1), real.flatten(1), train.flatten(1)), 3),
        "memorisation_ratio_held_out": round(memorisation_ratio(of_held_out.flatten(1), real.flatten(1), train.flatten(1)), 3),
        "real_memorisation_ratio": 1.0, "real_memorisation_ratio_held_out": 1.0,
        "frechet": round(frechet_distance(features["train"], features["fake"]), 3),
        "real_frechet": round(frechet_distance(features["train"], features["real"]), 3),
        "kid": round(kernel_distance(features["train"], features["fake"], torch.Generator().manual_seed(0), 20, len(held))[0], 4),
        "real_kid": round(kernel_distance(features["train"], features["real"], torch.Generator().manual_seed(0), 20, len(held))[0], 4),
    }  # fmt: skip


def _share(found: Tensor) -> float:
    return round(found.float().mean().item(), 4)


def drawn(model: WordPictureModel, names: list[tuple[str, ...]]) -> Tensor:
    """``x_NCHW`` of these names, a seed each."""
    c = model.conditions([(name,) for name in names])
    points = [Point(noise=noise(seed, model.config.latent_dim), condition=row, alt="") for seed, row in enumerate(c)]
    return torch.cat([torch.stack(model.decode(points[i : i + 100])) for i in range(0, len(points), 100)])
