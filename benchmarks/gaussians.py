"""Does the game find all modes? The grid of 25 Gaussians of VEEGAN (Srivastava et al. 2017) and PacGAN (Lin et al. 2018, table 1).

Centres {-4, -2, 0, 2, 4}^2, standard deviation 0.05, 100,000 training points, 2,500 samples; a sample is of high quality if it lies within three
standard deviations of the nearest centre, a mode is found if it has such a sample; KL of the modes' shares against uniform. A perfect sampler
has 98.9 % of high quality and a KL of 0.005. With ``--rows FILE`` each seed's result is kept there, and seeds that are there already are not run
again. Prints a JSON object on the last line.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from aigc_core.gan.losses import Relativistic, gradient_penalty
from aigc_core.training.budget import cosine
from aigc_core.training.ema import Ema

SIGMA, NUM_TRAINING, NUM_SAMPLES = 0.05, 100_000, 2_500
SCALE = 3.0
"""Points are divided by this for the networks, so that coordinates are near unit scale."""


def centres() -> Tensor:
    """``(25, 2)``."""
    axis = torch.arange(-4.0, 4.1, 2.0)
    return torch.cartesian_prod(axis, axis)


def training_points(rng: torch.Generator) -> Tensor:
    """``(NUM_TRAINING, 2)``, the modes at random."""
    mode = torch.randint(25, (NUM_TRAINING,), generator=rng)
    return centres()[mode] + SIGMA * torch.randn(NUM_TRAINING, 2, generator=rng)


def measure(points_N2: Tensor) -> dict[str, float]:
    """Modes found, share of high quality, and of its points KL(shares || uniform) in nats and the spread around the centres over the real one.

    The measure that others publish has no spread: modes that are too narrow gain by it.
    """
    distance, mode = torch.cdist(points_N2, centres()).min(1)
    good = distance <= 3 * SIGMA
    counts = torch.bincount(mode[good], minlength=25).double()
    shares = counts / counts.sum().clamp(min=1)
    kl = torch.where(shares > 0, shares * (shares * 25).log(), 0.0).sum().item()
    spread = (distance[good].square().mean().sqrt() / (SIGMA * 2**0.5)).item()
    return {"modes": float((counts > 0).sum()), "high_quality": good.double().mean().item(), "kl": kl, "spread": spread}


def network(num_in: int, num_out: int, width: int, depth: int) -> nn.Sequential:
    """Leaky ReLU layers without normalisation."""
    sizes = [num_in, *[width] * depth]
    layers = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), nn.LeakyReLU(0.2))]
    return nn.Sequential(*layers, nn.Linear(width, num_out))


class Generator(nn.Module):
    """x = z + f(z), f zero at the start: the plane is parted from where it lies, so that neighbours stay neighbours.

    A network that starts anywhere folds the plane, and what lies between two modes that should not be neighbours crosses half the grid.
    """

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.network = network(2, 2, width, depth)
        nn.init.zeros_(self.network[-1].weight)
        nn.init.zeros_(self.network[-1].bias)

    def forward(self, z_N2: Tensor) -> Tensor:
        return z_N2 + self.network(z_N2)


class Critic(nn.Module):
    """Sines and cosines of the coordinates (Tancik et al. 2020, arXiv 2006.10739), then a plain network: it can see a spread of 0.05."""

    def __init__(self, width: int, octaves: int) -> None:
        super().__init__()
        self.frequencies: Tensor
        self.register_buffer("frequencies", 2.0 ** torch.arange(octaves))
        self.network = network(2 + 4 * octaves, 1, width, 3)

    def forward(self, points_N2: Tensor) -> Tensor:
        angles = (points_N2[:, :, None] * self.frequencies).flatten(1)
        return self.network(torch.cat([points_N2, angles.sin(), angles.cos()], dim=1))[:, 0]


def run(seed: int, arguments: argparse.Namespace) -> dict[str, float]:
    """One training from a seed; the game of R3GAN, penalties at every step."""
    torch.manual_seed(seed)
    rng = torch.Generator().manual_seed(seed)
    points = training_points(rng) / SCALE
    generator, critic = Generator(arguments.width, arguments.depth), Critic(arguments.width, arguments.octaves)
    ema, loss = Ema(generator, half_life=arguments.ema * arguments.batch, rampup=None), Relativistic()
    optimisers = [torch.optim.Adam(part.parameters(), lr=arguments.lr, betas=(0.0, 0.99), fused=True) for part in (generator, critic)]
    for step in range(arguments.steps):
        fraction = step / arguments.steps
        for optimiser in optimisers:
            optimiser.param_groups[0]["lr"] = cosine(arguments.lr, arguments.lr / 50, fraction)
        gamma = cosine(arguments.gamma, arguments.gamma / arguments.relax, fraction)
        real = points[torch.randint(len(points), (arguments.batch,), generator=rng)]
        with torch.no_grad():
            fake = generator(torch.randn(arguments.batch, 2, generator=rng))
        both = torch.cat([real, fake]).requires_grad_()
        logits = critic(both)
        real_logits, fake_logits = logits.chunk(2)
        penalty = 2 * gradient_penalty(logits, both)
        descend(optimisers[1], loss.discriminator(real_logits, fake_logits) + 0.5 * gamma * penalty)
        critic.requires_grad_(False)
        real = points[torch.randint(len(points), (arguments.batch,), generator=rng)]
        fake_logits = critic(generator(torch.randn(arguments.batch, 2, generator=rng)))
        descend(optimisers[0], loss.generator(critic(real).detach(), fake_logits))
        critic.requires_grad_(True)
        ema.update(generator, arguments.batch)
    with torch.no_grad():
        return measure(SCALE * ema.module(torch.randn(NUM_SAMPLES, 2, generator=rng)))


def descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--first", type=int, default=101, help="first seed; earlier ones were used to choose the settings")
    parser.add_argument("--steps", type=int, default=11_000)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--gamma", type=float, default=0.1)
    parser.add_argument("--depth", type=int, default=4, help="hidden layers of the generator")
    parser.add_argument("--octaves", type=int, default=6, help="frequencies of the critic")
    parser.add_argument("--relax", type=float, default=1000.0, help="gamma ends at this part of its start")
    parser.add_argument("--ema", type=int, default=500, help="half-life of the averaged generator in steps")
    parser.add_argument("--rows", type=Path, default=None, help="a file of results, a line a seed, to go on from and to add to")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    results = kept(arguments.rows)
    for seed in range(arguments.first, arguments.first + arguments.runs):
        if seed in results:
            continue
        started = time.monotonic()
        results[seed] = {**run(seed, arguments), "minutes": round((time.monotonic() - started) / 60, 1)}
        print(f"seed {seed}: {results[seed]}", file=sys.stderr)
        if arguments.rows:
            with arguments.rows.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"seed": seed, **results[seed]}) + "\n")
    print(json.dumps(summary(list(results.values()))))


def kept(path: Path | None) -> dict[int, dict[str, float]]:
    """Earlier results by seed."""
    if path is None or not path.exists():
        return {}
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {row.pop("seed"): row for row in rows}


def summary(results: list[dict[str, float]]) -> dict[str, float | str]:
    """Means, the worst run, and what as many points of the real distribution get."""
    means = {key: round(statistics.mean(row[key] for row in results), 4) for key in ("modes", "high_quality", "kl", "spread")}
    worst = {"modes_min": min(row["modes"] for row in results), "high_quality_min": round(min(row["high_quality"] for row in results), 4)}
    floor = measure(training_points(torch.Generator().manual_seed(1))[:NUM_SAMPLES])
    real = {f"floor_{key}": round(value, 4) for key, value in floor.items()}
    minutes = round(sum(row["minutes"] for row in results), 1)
    return {"benchmark": "gaussians", "runs": len(results), **means, **worst, **real, "minutes": minutes}


if __name__ == "__main__":
    main()
