from __future__ import annotations

import pytest
import torch

from aigc_core.data.tagged import TaggedPictures
from aigc_core.gan.watch import Watch, nearness

GOOD = {"nearness": 0.9, "margin": 1.0, "held_out_error": 0.3}


@pytest.mark.parametrize(
    ("bad", "said"),
    [({"nearness": 0.3}, "copies"), ({"margin": 90.0}, "come apart"), ({"margin": -90.0}, "come apart"), ({"held_out_error": 0.7}, "getting worse")],
)
def test_three_bad_looks_in_a_row_are_a_verdict(bad: dict[str, float], said: str) -> None:
    watch = Watch()
    assert watch.look(**GOOD) is None
    looks = [watch.look(**{**GOOD, **look}) for look in (bad, bad, {}, bad, bad, bad)]
    assert looks[:5] == [None] * 5 and looks[5] is not None and said in looks[5]


def pictures(count: int, num_held_out: int) -> TaggedPictures:
    levels = torch.randint(0, 256, (count, 3, 16, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    levels = levels[:, :, ::4, ::4].repeat_interleave(4, 2).repeat_interleave(4, 3)
    held_out = torch.arange(count) < num_held_out
    return TaggedPictures(levels_NCHW=levels, names=(("thing",),) * count, tags=((),) * count, held_out_N=held_out)


def test_copies_are_near_and_new_pictures_are_not() -> None:
    known = pictures(60, 10)
    copies, _ = known.training(20)
    new = pictures(200, 0).training(200)[0][100:]
    near, far = nearness(copies + 0.02, known), nearness(new, known)
    assert near is not None and near < 0.2
    assert far is not None and far > 0.8


def test_many_pictures_of_one_thing_are_near_each_other_without_being_copies() -> None:
    """Held-out things are far away here; a generated picture that is as near to a training picture as these are among each other is none."""
    rng = torch.Generator().manual_seed(1)
    things = pictures(12, 0).levels_NCHW.float()
    many = (things.repeat_interleave(10, 0) + 6 * torch.randn(120, 3, 4, 4, generator=rng).repeat_interleave(4, 2).repeat_interleave(4, 3)).clamp(
        0, 255
    )
    known = TaggedPictures(levels_NCHW=many.to(torch.uint8), names=(("thing",),) * 120, tags=((),) * 120, held_out_N=torch.arange(120) >= 110)
    another = (things[:5] + 6 * torch.randn(5, 3, 4, 4, generator=rng).repeat_interleave(4, 2).repeat_interleave(4, 3)).clamp(0, 255) / 127.5 - 1
    fresh, copied = nearness(another, known), nearness(known.training(20)[0] + 0.002, known)
    assert fresh is not None and fresh > 0.7
    assert copied is not None and copied < 0.3


def test_without_held_out_pictures_nothing_is_said_of_copies() -> None:
    known = pictures(60, 2)
    assert nearness(known.training(20)[0], known) is None
    assert Watch().look(nearness=None, margin=0.0, held_out_error=0.1) is None
