"""Measures of generated pictures, against closed forms and against a library."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from aigc_core.evaluation.measures import (
    density_coverage,
    frechet_distance,
    kernel_distance,
    memorisation_ratio,
    mode_statistics,
    precision_recall,
)


def normal(count: int, dim: int, seed: int, shift: float = 0.0, scale: float = 1.0) -> Tensor:
    return shift + scale * torch.randn(count, dim, generator=torch.Generator().manual_seed(seed))


def test_frechet_distance_of_shifted_and_scaled_gaussians() -> None:
    """Between N(0, I) and N(m, s^2 I): d m^2 + d (1 - s)^2."""
    x = normal(200_000, 4, 0)
    assert frechet_distance(x, 3 * x + 2) == pytest.approx(4 * 4 + 4 * 4, rel=0.02)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-6)


class Flat(nn.Module):
    """Pictures are their own features, for torchmetrics."""

    num_features = 12

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1).float()


def pictures(count: int, seed: int, shift: float) -> Tensor:
    return normal(count, 12, seed, shift).reshape(count, 3, 2, 2)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_frechet_distance_agrees_with_torchmetrics() -> None:
    fid = pytest.importorskip("torchmetrics.image.fid", reason="torchmetrics is not installed")
    first, second = pictures(600, 0, 0.0), pictures(500, 1, 0.4)
    metric = fid.FrechetInceptionDistance(feature=Flat(), normalize=False, input_img_size=(3, 2, 2)).set_dtype(torch.float64)
    metric.update(first, real=True)
    metric.update(second, real=False)
    assert frechet_distance(first.flatten(1), second.flatten(1)) == pytest.approx(metric.compute().item(), rel=1e-4)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_kernel_distance_agrees_with_torchmetrics() -> None:
    kid = pytest.importorskip("torchmetrics.image.kid", reason="torchmetrics is not installed")
    first, second = pictures(400, 0, 0.0), pictures(400, 1, 0.4)
    metric = kid.KernelInceptionDistance(feature=Flat(), subsets=1, subset_size=400, normalize=False)
    metric.update(first, real=True)
    metric.update(second, real=False)
    ours, _ = kernel_distance(first.flatten(1), second.flatten(1), torch.Generator().manual_seed(0), num_subsets=1, subset_size=400)
    assert ours == pytest.approx(metric.compute()[0].item(), rel=1e-4)


def test_kernel_distance_is_unbiased() -> None:
    mean, deviation = kernel_distance(normal(3000, 6, 0), normal(3000, 6, 1), torch.Generator().manual_seed(0), num_subsets=40, subset_size=500)
    assert abs(mean) < deviation


def test_precision_falls_outside_and_recall_falls_when_modes_are_missing() -> None:
    two_modes = torch.cat([normal(300, 2, 0), normal(300, 2, 1, shift=20.0)])
    one_mode = normal(600, 2, 2)
    precision, recall = precision_recall(two_modes, one_mode)
    assert precision > 0.9 and recall == pytest.approx(0.5, abs=0.06)
    precision, recall = precision_recall(one_mode, two_modes)
    assert precision == pytest.approx(0.5, abs=0.06) and recall > 0.9


def test_density_and_coverage_of_the_same_distribution() -> None:
    """Density is 1 in expectation, coverage 1 - 2^-k for equal numbers (Naeem et al. 2020, section 3.3)."""
    density, coverage = density_coverage(normal(2000, 8, 0), normal(2000, 8, 1))
    assert density == pytest.approx(1, abs=0.1)
    assert coverage == pytest.approx(1 - 0.5**5, abs=0.03)


def test_copies_are_nearer_than_held_out_pictures() -> None:
    train, held_out = normal(500, 6, 0), normal(200, 6, 1)
    assert memorisation_ratio(train[:200] + 0.01, held_out, train) < 0.1
    assert memorisation_ratio(normal(200, 6, 2), held_out, train) == pytest.approx(1, abs=0.15)


def test_mode_statistics() -> None:
    assert mode_statistics(torch.tensor([0, 1, 2, 3]), 4) == (4, pytest.approx(0.0))
    found, kl = mode_statistics(torch.zeros(10, dtype=torch.long), 4)
    assert found == 1 and kl == pytest.approx(math.log(4))
