"""How long a training may take, and how far it is: the one number that every schedule follows."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Budget:
    """A training ends after ``num_steps`` or after ``minutes``, whichever comes first."""

    num_steps: int
    minutes: float | None = None

    def fraction(self, step: int, seconds: float) -> float:
        """Progress in [0, 1] after ``step`` steps and ``seconds`` of training."""
        done = step / self.num_steps
        if self.minutes is not None:
            done = max(done, seconds / (60.0 * self.minutes))
        return min(1.0, done)


def cosine(start: float, end: float, fraction: float) -> float:
    """From ``start`` to ``end`` along half a cosine."""
    return end + (start - end) * 0.5 * (1.0 + math.cos(math.pi * min(1.0, max(0.0, fraction))))
