"""How many pictures go through the device in one pass: learned from how long passes take, and from memory that runs out."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import torch

from aigc_core.serving import DrawnPicture, ImageModel, PictureQuery

PASS_SECONDS = 0.25
"""What a pass may take: a person whose job arrives just after its start waits no longer than that for the device."""
REMEMBERED = 8
"""Passes that the bound is learned from: the fastest of them counts, so that a hiccup or a first, cold pass does not."""


class PassSizes:
    """The bound of a pass for each model. Only the engine thread uses it."""

    def __init__(self, at_most: int) -> None:
        self.at_most = at_most
        self._fits: dict[str, int] = {}
        self._seconds: dict[str, deque[float]] = {}

    def of(self, model: str) -> int:
        """Pictures that the next pass of a model may have."""
        bound = min(self.at_most, self._fits.get(model, self.at_most))
        seconds = self._seconds.get(model, ())
        return max(1, min(bound, int(PASS_SECONDS / min(seconds)))) if len(seconds) > 1 else bound

    def note(self, model: str, pictures: int, seconds: float) -> None:
        """Learn from a pass. Its fixed cost is shared by its pictures, so the bound of a device that batches grows with what it is given."""
        self._seconds.setdefault(model, deque(maxlen=REMEMBERED)).append(seconds / pictures)

    def halve(self, model: str, pictures: int) -> bool:
        """A pass of so many did not fit into memory; False if there is nothing left to halve."""
        self._fits[model] = max(1, pictures // 2)
        return pictures > 1


def draw_in_passes(model: ImageModel, name: str, queries: Sequence[PictureQuery], sizes: PassSizes) -> list[DrawnPicture]:
    """All pictures, in as many passes as memory asks for; a picture is the same in whichever it is drawn.

    Raises:
        torch.OutOfMemoryError: even one picture does not fit.
    """
    drawn: list[DrawnPicture] = []
    while len(drawn) < len(queries):
        part = queries[len(drawn) : len(drawn) + sizes.of(name)]
        try:
            drawn += model.draw(part)
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            if not sizes.halve(name, len(part)):
                raise torch.OutOfMemoryError(str(error)) from error
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
    return drawn


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device or the CPU's allocator had no memory left; the latter says so in words only."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "DefaultCPUAllocator" in str(error)
