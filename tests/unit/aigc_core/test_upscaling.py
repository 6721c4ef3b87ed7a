"""The learned upscaler: where it starts, that it learns, and what it leaves as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from aigc_core.checkpoint import CheckpointError, save_checkpoint
from aigc_core.data.tagged import TaggedPictures
from aigc_core.models import zoo_folder
from aigc_core.upscaling import Upscaler, UpscalerConfig, UpscalerRecipe, UpscalerTrainer, bicubic, load_upscaler, peak_signal_to_noise

SMALL = UpscalerConfig(width=8, blocks=1)


def squares() -> TaggedPictures:
    """Forty opaque squares with hard edges at even places, so that the small picture tells where they are; every fifth is kept out."""
    rng = torch.Generator().manual_seed(0)
    y, x = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    start, side = 2 * torch.randint(1, 6, (40, 2, 1, 1), generator=rng), 2 * torch.randint(3, 9, (40, 1, 1), generator=rng)
    inside = (y >= start[:, 0]) & (y < start[:, 0] + side) & (x >= start[:, 1]) & (x < start[:, 1] + side)
    levels = 255 * inside.to(torch.uint8).unsqueeze(1).repeat(1, 4, 1, 1)
    return TaggedPictures(levels_NCHW=levels, names=(("square",),) * 40, tags=((),) * 40, held_out_N=torch.arange(40) % 5 == 0)


def test_an_untrained_upscaler_is_bicubic_interpolation() -> None:
    x = torch.rand(2, 4, 8, 8) * 2 - 1
    torch.testing.assert_close(Upscaler(SMALL)(x), bicubic(x))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_picture_keeps_its_channels(channels: int) -> None:
    """Grey, colours, colours with opacity: twice the size, the same channels, within range."""
    doubled = Upscaler(SMALL).double(3 * torch.randn(channels, 16, 16))
    assert doubled.shape == (channels, 32, 32) and doubled.abs().max() <= 1


def test_it_learns_sharper_edges_than_interpolation(tmp_path: Path) -> None:
    """On squares that were kept out a trained one beats bicubic interpolation, and what is saved is what was measured."""
    trainer = UpscalerTrainer(SMALL, UpscalerRecipe(batch=8, lr=(2e-3, 1e-4)), squares(), {"name": "upscaler"}, "cpu")
    for step in range(150):
        trainer.step(step / 150)
    measured = trainer.evaluate()
    assert measured["held_out_l1"] < 0.5 * measured["real_held_out_l1"] and measured["n_held_out_l1"] == 8
    save_checkpoint(tmp_path / "upscaler", trainer.checkpoint())
    x = squares().held_out(1)[0]
    saved = load_upscaler(tmp_path / "upscaler")(x)
    torch.testing.assert_close(saved, trainer.ema.module(x), atol=1e-2, rtol=0)


def test_signal_to_noise_where_the_answer_is_known() -> None:
    """A constant error of 0.02 in a range of 2 is 40 dB."""
    x = torch.zeros(1, 4, 4, 4)
    assert peak_signal_to_noise(x + 0.02, x) == pytest.approx(40, abs=1e-3)


def test_other_models_are_no_upscalers() -> None:
    with pytest.raises(CheckpointError, match="no upscaler"):
        load_upscaler(zoo_folder() / "mnist-judge")
