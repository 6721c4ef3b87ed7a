"""Distances between sets of pictures in a feature space of our own; every one is worth something only beside real against real at the same N.

The Frechet distance here is never an "FID": its features come from a classifier of the same domain, not from Inception.
"""

from __future__ import annotations

import torch
from torch import Tensor


def frechet_distance(real_ND: Tensor, generated_ND: Tensor) -> float:
    """``|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))`` of Gaussians fitted to both (Heusel et al. 2017, eq. 6), in float64."""
    first, second = real_ND.double(), generated_ND.double()
    mean = (first.mean(0) - second.mean(0)).square().sum()
    cov1, cov2 = torch.cov(first.T), torch.cov(second.T)
    root = _square_root(cov1)
    cross = torch.linalg.eigvalsh(root @ cov2 @ root).clamp(min=0).sqrt().sum()
    return (mean + cov1.trace() + cov2.trace() - 2 * cross).item()


def _square_root(matrix: Tensor) -> Tensor:
    """The symmetric root of a symmetric positive matrix."""
    values, vectors = torch.linalg.eigh(matrix)
    return vectors * values.clamp(min=0).sqrt() @ vectors.T


def kernel_distance(
    real_ND: Tensor, generated_ND: Tensor, rng: torch.Generator, num_subsets: int = 100, subset_size: int = 1000
) -> tuple[float, float]:
    """KID: the unbiased squared MMD with the kernel ``(x.y / d + 1)^3`` (Binkowski et al. 2018, section 3), mean and deviation over subsets."""
    size = min(subset_size, len(real_ND), len(generated_ND))
    values = []
    for _ in range(num_subsets):
        x = real_ND[torch.randperm(len(real_ND), generator=rng)[:size]].double()
        y = generated_ND[torch.randperm(len(generated_ND), generator=rng)[:size]].double()
        xx, yy, xy = _cubic(x, x), _cubic(y, y), _cubic(x, y)
        within = (xx.sum() - xx.trace() + yy.sum() - yy.trace()) / (size * (size - 1))
        values.append(within - 2 * xy.mean())
    stacked = torch.stack(values)
    return stacked.mean().item(), stacked.std(correction=0).item()


def _cubic(x_ND: Tensor, y_MD: Tensor) -> Tensor:
    return (x_ND @ y_MD.T / x_ND.shape[1] + 1) ** 3


def precision_recall(real_ND: Tensor, generated_ND: Tensor, k: int = 3) -> tuple[float, float]:
    """Share of generated inside the real manifold, and of real inside the generated one (Kynkaanniemi et al. 2019, eq. 1-2).

    A manifold is the union of balls around its points, each as wide as the distance to its k-th neighbour.
    """
    between = torch.cdist(generated_ND, real_ND)
    precision = (between <= _radii(real_ND, k)[None]).any(1).float().mean().item()
    recall = (between <= _radii(generated_ND, k)[:, None]).any(0).float().mean().item()
    return precision, recall


def density_coverage(real_ND: Tensor, generated_ND: Tensor, k: int = 5) -> tuple[float, float]:
    """Naeem et al. 2020 (arXiv 2002.09797, eq. 3 and 4): how many real balls hold a generated point, and how many real points have one near."""
    inside = torch.cdist(generated_ND, real_ND) < _radii(real_ND, k)[None]
    return (inside.float().sum() / (k * len(generated_ND))).item(), inside.any(0).float().mean().item()


def _radii(x_ND: Tensor, k: int) -> Tensor:
    """Distance of each point to its k-th neighbour (the nearest is the point itself)."""
    return torch.cdist(x_ND, x_ND).kthvalue(k + 1, dim=1).values


def nearest_distance(x_ND: Tensor, reference_MD: Tensor) -> Tensor:
    """Distance of each row to the nearest of the reference, ``(N,)``."""
    return torch.cat([torch.cdist(rows, reference_MD).amin(1) for rows in x_ND.split(500)])


def nearest_among(x_ND: Tensor) -> Tensor:
    """Distance of each row to the nearest other row, ``(N,)``."""
    return _radii(x_ND, 1)


def memorisation_ratio(generated_ND: Tensor, held_out_ND: Tensor, train_ND: Tensor) -> float:
    """Median distance of generated pictures to the training set over that of held-out real ones; below 1, generated ones are nearer: copies."""
    return (nearest_distance(generated_ND, train_ND).median() / nearest_distance(held_out_ND, train_ND).median()).item()


def mode_statistics(modes_N: Tensor, num_modes: int) -> tuple[int, float]:
    """How many of ``num_modes`` occur, and ``KL(shares || uniform)`` in nats (PacGAN, section 4.2, for stacked MNIST)."""
    shares = torch.bincount(modes_N, minlength=num_modes).double() / len(modes_N)
    present = shares[shares > 0]
    return len(present), (present * (present * num_modes).log()).sum().item()
