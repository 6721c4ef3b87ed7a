"""A pass is as large as memory and patience allow, and what is drawn does not depend on it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from aigc_core.serving import DrawnPicture, PictureQuery
from tests.support.models import CountingModel
from workers.passes import PASS_SECONDS, PassSizes, draw_in_passes

QUERIES = [PictureQuery(prompt="7", seed=seed) for seed in range(10)]


class SmallDevice(CountingModel):
    """Has memory for so many pictures at once."""

    def __init__(self, room: int, error: type[Exception] = torch.OutOfMemoryError) -> None:
        super().__init__()
        self.room, self.error_kind = room, error

    def draw(self, queries: Sequence[PictureQuery]) -> list[DrawnPicture]:
        if len(queries) > self.room:
            raise self.error_kind("DefaultCPUAllocator: not enough memory")
        return super().draw(queries)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, MemoryError, RuntimeError])
def test_memory_that_runs_out_is_answered_by_smaller_passes(error: type[Exception]) -> None:
    """16, 8 and 5 do not fit; passes of 2 do, and the next job begins with what was learned."""
    model, sizes = SmallDevice(3, error), PassSizes(16)
    drawn = draw_in_passes(model, "m", QUERIES, sizes)
    assert [picture.image.getpixel((0, 0)) for picture in drawn] == list(range(10))
    assert model.passes == [2] * 5
    model.passes.clear()
    draw_in_passes(model, "m", QUERIES, sizes)
    assert model.passes == [2] * 5


def test_a_picture_that_does_not_fit_alone_is_an_error() -> None:
    with pytest.raises(torch.OutOfMemoryError):
        draw_in_passes(SmallDevice(0), "m", QUERIES, PassSizes(16))


def test_other_errors_are_not_taken_for_a_lack_of_memory() -> None:
    model = CountingModel()
    model.error = RuntimeError("broken")
    with pytest.raises(RuntimeError, match="broken"):
        draw_in_passes(model, "m", QUERIES, PassSizes(16))
    assert model.passes == [10]


def test_a_slow_model_gets_shorter_passes_and_a_device_that_batches_longer_ones() -> None:
    slow, batching = PassSizes(1000), PassSizes(1000)
    for seconds in (PASS_SECONDS, PASS_SECONDS / 8, PASS_SECONDS / 4):  # the first one is cold
        slow.note("m", 4, 4 * seconds)
    assert slow.of("m") == 8 and slow.of("other") == 1000
    size = 1
    for _ in range(60):
        batching.note("m", size, 6e-3 + 0.25e-3 * size)
        size = batching.of("m")
    assert size > 500
