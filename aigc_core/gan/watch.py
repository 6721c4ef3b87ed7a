"""Is a game still worth going on with? Looks for pictures learned by heart and for a game that has come apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from aigc_core.evaluation.measures import memorisation_ratio, nearest_among, nearest_distance
from aigc_core.gan.condition import Description


@runtime_checkable
class FinitePictures(Protocol):
    """A set of pictures that can be learned by heart."""

    def training(self, count: int) -> tuple[Tensor, list[Description]]:
        """The first ``count`` training pictures and their names."""

    def held_out(self, count: int) -> tuple[Tensor, list[Description]]:
        """The first ``count`` pictures kept out."""


AMONG = 2000
"""So many training pictures are compared with each other."""
FEWEST_HELD_OUT = 8
"""With fewer real pictures to compare with, nothing is said about copies."""


@dataclass(kw_only=True)
class Watch:
    """A verdict needs ``patience`` bad looks in a row: a single one may be chance."""

    patience: int = 3
    nearest: float = 0.5
    """Generated pictures that lie so many times as near to the training set as held-out real ones are copies."""
    widest_margin: float = 50.0
    """A critic that prefers real pictures by so many logits leaves the generator nothing to learn from."""
    worst_error: float = 2.0
    """How many times its best the error on held-out pictures may become."""
    _bad: dict[str, int] = field(default_factory=dict)
    _best_error: float = float("inf")

    def look(self, *, nearness: float | None, margin: float, held_out_error: float) -> str | None:
        """What to tell the owner if the training should end, else None."""
        self._best_error = min(self._best_error, held_out_error)
        found = {
            "The pictures have become copies of the training pictures. Add more pictures, or train for a shorter time": nearness is not None
            and nearness < self.nearest,
            "The game has come apart: the critic tells every picture, and the generator learns nothing any more. Train for a shorter time, or "
            "start from a model that can draw already (--from)": abs(margin) > self.widest_margin,
            "The pictures are getting worse: held-out ones are met half as well as before. Train for a shorter time": held_out_error
            > self.worst_error * self._best_error,
        }
        for reason, bad in found.items():
            self._bad[reason] = self._bad.get(reason, 0) + 1 if bad else 0
        return next((reason for reason, count in self._bad.items() if count >= self.patience), None)


def nearness(generated_NCHW: Tensor, pictures: FinitePictures) -> float | None:
    """Distance to the training set over that of real pictures, in pixels of a quarter of the size; None with too few held out.

    The real ones are those held out, or the training pictures among each other where these are nearer: a set with many pictures of each thing has
    near neighbours, and what is like them is no copy. Small pixels are features enough for copies, and nothing has to be trained for them.
    """
    held_out, _ = pictures.held_out(200)
    if len(held_out) < FEWEST_HELD_OUT:
        return None
    train, _ = pictures.training(4000)
    small = [torch.nn.functional.avg_pool2d(x.float().clamp(-1, 1), 4).flatten(1) for x in (generated_NCHW, held_out, train)]
    generated, held, known = small
    among = nearest_among(known[:AMONG]).median() / nearest_distance(held, known).median()
    return memorisation_ratio(generated, held, known) / min(1.0, among.item())
