"""The judge: a small convolutional classifier, trained on real MNIST only, which says what digit a picture shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aigc_core.checkpoint import Checkpoint, load_checkpoint
from aigc_core.data.mnist import CREDIT, LICENCE, Digits
from aigc_core.training.budget import cosine
from aigc_core.training.ema import Ema
from aigc_core.training.steps import load_model_state, model_state

BATCH = 128


class Judge(nn.Module):
    """Logits of ten classes from ``x_BCHW`` in [-1, 1], 28x28."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.width = width
        self.layers = nn.Sequential(
            _stage(1, width), _stage(width, width), nn.MaxPool2d(2),
            _stage(width, 2 * width), _stage(2 * width, 2 * width), nn.MaxPool2d(2),
            _stage(2 * width, 4 * width), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.3),
            nn.Linear(4 * width, 10),
        )  # fmt: skip

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return self.layers(x_BCHW)

    @torch.no_grad()
    def accuracy(self, x_NCHW: Tensor, labels_N: Tensor) -> float:
        """Share of pictures that the judge sees as ``labels_N``."""
        self.eval()
        hits = [self(x).argmax(1) == y for x, y in zip(x_NCHW.split(500), labels_N.split(500), strict=True)]
        return torch.cat(hits).float().mean().item()


def _stage(num_in: int, num_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(num_in, num_out, 3, padding=1, bias=False), nn.BatchNorm2d(num_out), nn.ReLU(inplace=True))


def load_judge(folder: Path) -> Judge:
    """Read a trained judge.

    Raises:
        CheckpointError: the folder holds none.
    """
    checkpoint = load_checkpoint(folder)
    judge = Judge(width=checkpoint.config["width"])
    judge.load_state_dict(checkpoint.weights)
    return judge.eval()


class JudgeTrainer:
    """Cross-entropy on real digits with small shifts; AdamW, cosine."""

    def __init__(self, train: Digits, test: Digits, device: str) -> None:
        self.train_digits, self.test_digits, self.device = train, test, device
        self.rng = torch.Generator().manual_seed(0)
        self.model = Judge().to(device)
        self.ema = Ema(self.model, half_life=20_000)
        self.optimiser = torch.optim.AdamW(self.model.parameters(), lr=2e-3, weight_decay=1e-2)

    def step(self, fraction: float) -> dict[str, float]:
        index = torch.randint(len(self.train_digits), (BATCH,), generator=self.rng)
        x, y = self.train_digits.pictures(index), self.train_digits.labels_N[index]
        dx, dy = torch.randint(-2, 3, (2,), generator=self.rng).tolist()
        x = torch.roll(x, (dx, dy), dims=(2, 3)).to(self.device)  # the margin of MNIST is empty: nothing wraps around
        for group in self.optimiser.param_groups:
            group["lr"] = cosine(2e-3, 1e-5, fraction)
        self.model.train()
        loss = F.cross_entropy(self.model(x), y.to(self.device))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self.ema.update(self.model, BATCH)
        return {"loss": loss.item()}

    def evaluate(self) -> dict[str, Any]:
        everything = torch.arange(len(self.test_digits))
        pictures = self.test_digits.pictures(everything).to(self.device)
        return {"test_accuracy": self.ema.module.accuracy(pictures, self.test_digits.labels_N.to(self.device))}

    def preview(self, folder: Path) -> Path:
        return folder

    def state(self) -> dict[str, Any]:
        return model_state(self.model, self.ema, self.optimiser, self.rng)

    def load_state(self, state: dict[str, Any]) -> None:
        load_model_state(state, self.model, self.ema, self.optimiser, self.rng)

    def checkpoint(self) -> Checkpoint:
        card = {"name": "mnist-judge", "family": "classifier", "title": "MNIST judge", "licence": LICENCE, "credit": CREDIT}
        return Checkpoint(config={"family": "classifier", "width": self.model.width}, card=card, weights=self.ema.module.state_dict())
