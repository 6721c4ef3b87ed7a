"""The judge of avatars: says which head, glasses, body and accessory a picture shows; trained on real compositions only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aigc_core.checkpoint import Checkpoint, load_checkpoint
from aigc_core.data.avatars import Avatars
from aigc_core.data.nouns import CREDIT, LICENCE, SLOTS
from aigc_core.training.budget import cosine
from aigc_core.training.ema import Ema
from aigc_core.training.steps import load_model_state, model_state

JUDGED = ("head", "glasses", "body", "accessory")
BATCH = 64


class PartsJudge(nn.Module):
    """Logits of each judged slot's parts from ``x_BCHW`` in [-1, 1], RGB, 32x32."""

    def __init__(self, num_parts: tuple[int, ...], width: int = 24) -> None:
        super().__init__()
        self.num_parts, self.width = num_parts, width
        self.layers = nn.Sequential(
            conv_stage(3, width, 1), conv_stage(width, 2 * width, 2), conv_stage(2 * width, 3 * width, 2), conv_stage(3 * width, 4 * width, 2),
            nn.Flatten(), nn.Dropout(0.2), nn.Linear(4 * width * 16, 256), nn.ReLU(inplace=True),
        )  # fmt: skip
        self.heads = nn.ModuleList([nn.Linear(256, count) for count in num_parts])

    def forward(self, x_BCHW: Tensor) -> list[Tensor]:
        features = self.features(x_BCHW)
        return [head(features) for head in self.heads]

    def features(self, x_BCHW: Tensor) -> Tensor:
        """``(B, 256)``: the space for distances between sets of avatars."""
        features: Tensor = self.layers(x_BCHW)
        return features

    @torch.no_grad()
    def hits(self, x_NCHW: Tensor, parts_NS: Tensor) -> Tensor:
        """Whether each judged part is the one in ``parts_NS``: ``(N, len(JUDGED))`` of bool."""
        self.eval()
        rows = zip(x_NCHW.clamp(-1, 1).split(250), parts_NS.split(250), strict=True)
        return torch.cat([torch.stack([logits.argmax(1) == parts[:, i] for i, logits in enumerate(self(x))], dim=1) for x, parts in rows])


def conv_stage(num_in: int, num_out: int, stride: int) -> nn.Sequential:
    """Convolution, batch normalisation, ReLU."""
    return nn.Sequential(nn.Conv2d(num_in, num_out, 3, stride, 1, bias=False), nn.BatchNorm2d(num_out), nn.ReLU(inplace=True))


def judged_parts(choices_BS: Tensor) -> Tensor:
    """The columns of the judged slots."""
    return choices_BS[:, [SLOTS.index(slot) for slot in JUDGED]]


def load_parts_judge(folder: Path) -> PartsJudge:
    """Read a trained judge.

    Raises:
        CheckpointError: the folder holds none.
    """
    checkpoint = load_checkpoint(folder)
    judge = PartsJudge(num_parts=tuple(checkpoint.config["num_parts"]), width=checkpoint.config["width"])
    judge.load_state_dict(checkpoint.weights)
    return judge.eval()


class PartsJudgeTrainer:
    """Cross-entropy on fresh compositions of all combinations, with a little noise; AdamW, cosine."""

    def __init__(self, avatars: Avatars, device: str) -> None:
        self.avatars, self.device = avatars, device
        self.rng = torch.Generator().manual_seed(0)
        torch.manual_seed(0)
        self.model = PartsJudge(tuple(avatars.nouns.num_parts(slot) for slot in JUDGED)).to(device, memory_format=torch.channels_last)
        self.ema = Ema(self.model, half_life=10_000)
        self.optimiser = torch.optim.AdamW(self.model.parameters(), lr=2e-3, weight_decay=1e-2)

    def step(self, fraction: float) -> dict[str, float]:
        choices = self.avatars.nouns.sample(BATCH, self.rng)
        x = self.avatars.nouns.compose(choices)
        x = x + 0.1 * torch.rand(BATCH, 1, 1, 1, generator=self.rng) * torch.randn(x.shape, generator=self.rng)
        parts = judged_parts(choices).to(self.device)
        for group in self.optimiser.param_groups:
            group["lr"] = cosine(2e-3, 1e-5, fraction)
        self.model.train()
        logits = self.model(x.to(self.device).contiguous(memory_format=torch.channels_last))
        loss = torch.stack([F.cross_entropy(row, parts[:, i]) for i, row in enumerate(logits)]).sum()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self.ema.update(self.model, BATCH)
        return {"loss": loss.item()}

    def evaluate(self) -> dict[str, Any]:
        """Accuracy on fresh real pictures, by slot."""
        return accuracies(self.ema.module, self.avatars, self.device)

    def preview(self, folder: Path) -> Path:
        return folder

    def state(self) -> dict[str, Any]:
        return model_state(self.model, self.ema, self.optimiser, self.rng)

    def load_state(self, state: dict[str, Any]) -> None:
        load_model_state(state, self.model, self.ema, self.optimiser, self.rng)

    def checkpoint(self) -> Checkpoint:
        card = {"name": "avatars-judge", "family": "classifier", "title": "Avatars judge", "licence": LICENCE, "credit": CREDIT}
        config = {"family": "classifier", "num_parts": list(self.model.num_parts), "width": self.model.width}
        return Checkpoint(config=config, card=card, weights=self.ema.module.state_dict())


def accuracies(judge: PartsJudge, avatars: Avatars, device: str = "cpu", count: int = 1000) -> dict[str, Any]:
    """How often the judge is right on real compositions, by slot."""
    choices = avatars.nouns.sample(count, torch.Generator().manual_seed(1))
    hits = judge.hits(avatars.nouns.compose(choices).to(device), judged_parts(choices).to(device))
    return {"pictures": count, **{f"accuracy_{slot}": share for slot, share in zip(JUDGED, hits.float().mean(0).tolist(), strict=True)}}
