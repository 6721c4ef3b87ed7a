"""Does the game find a thousand modes? Stacked MNIST, after PacGAN (Lin et al. 2018, section 4.2 and table 2) and R3GAN (Huang et al. 2024).

Three random digits of MNIST (all 70,000) are the colours of one picture of 28x28, drawn anew at every step. The generator is told nothing but
noise. On a CPU it starts as the decoder of a VAE, as the zoo's models do; the published rows have no such start, and --warm-start 0 leaves it out.
A judge names the digit in each colour of 26,000 samples: a mode is one of the 1,000 triples, found if it has a sample; KL is that of the triples'
shares against uniform, in nats. As many real triples stand beside it: no sampler of the data gets below their KL of about 0.0235.

Published modes and KL: DCGAN 99, 3.40; PacDCGAN2 1000, 0.06; StyleGAN2 940, 0.42; R3GAN 1000, 0.029. Run it as
``python -m benchmarks.quality_stacked_mnist``. Prints a JSON object on the last line.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from aigc_core import images
from aigc_core.data.mnist import Digits, load_mnist
from aigc_core.evaluation.judge import load_judge
from aigc_core.evaluation.measures import mode_statistics
from aigc_core.gan.condition import Description, WordsConfig
from aigc_core.gan.picture_networks import PictureGanConfig
from aigc_core.gan.picture_training import PictureGanTrainer, PictureRecipe
from aigc_core.models import zoo_folder
from aigc_core.training.budget import Budget
from aigc_core.training.loop import Progress, train

NUM_MODES, NUM_SAMPLES, CHUNK = 1_000, 26_000, 500


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What a device can afford; each value of it that is also an option is that option's default."""

    minutes: float
    batch: int
    widths: tuple[int, ...]
    lr: float
    gamma: float
    penalty_every: int
    ema_half_life: float
    warm_start: float
    """Share of the time in which the generator is first the decoder of a VAE; 0: the game alone, as in the published tables."""


SCALES = {
    # Two cores see a hundred thousand pictures in all, which is too few for the game alone to draw a stroke: it starts from a decoder.
    "cpu": Scale(minutes=20.0, batch=32, widths=(96, 64, 32), lr=2e-4, gamma=0.3, penalty_every=4, ema_half_life=20_000.0, warm_start=0.4),
    "cuda": Scale(minutes=9.0, batch=256, widths=(256, 128, 64), lr=2e-4, gamma=1.0, penalty_every=1, ema_half_life=100_000.0, warm_start=0.0),
}
KL_WEIGHT, ANCHOR = 1.0, 0.3


@dataclass(frozen=True, kw_only=True)
class Triples:
    """All ordered triples of a pool of digits, without words. Number ``n`` has as rows the digits of ``n`` to the base of the pool's size."""

    pool: Digits

    def __len__(self) -> int:
        return len(self.pool.levels_NHW) ** 3

    def pictures(self, index: Tensor) -> Tensor:
        """``x_BCHW`` in [-1, 1], three colours, of the triples ``index``, on the device of the pool."""
        size, index = len(self.pool.levels_NHW), index.to(self.pool.levels_NHW.device)
        return torch.cat([self.pool.pictures(index // size**place % size) for place in (2, 1, 0)], dim=1)

    def random(self, count: int, seed: int) -> Iterator[Tensor]:
        """``count`` triples, a chunk at a time."""
        rng = torch.Generator().manual_seed(seed)
        for size in chunks(count):
            yield self.pictures(torch.randint(len(self), (size,), generator=rng))

    def batch(self, count: int, rng: torch.Generator) -> tuple[Tensor, list[Description]]:
        """Triples drawn anew; there is nothing to say of them."""
        return self.pictures(torch.randint(len(self), (count,), generator=rng)), [((),)] * count

    def held_out(self, count: int) -> tuple[Tensor, list[Description]]:
        """Fixed triples: none of so many is ever met twice."""
        return next(self.random(count, seed=0)), [((),)] * count

    def lexicon(self) -> dict[str, Any]:
        """No word is known."""
        return {"phrases": [[]], "closed": False}


class StackedTrainer(PictureGanTrainer):
    """The trainer of the picture GANs without words: the condition is then a constant."""

    @torch.no_grad()
    def samples(self, count: int, seed: int) -> Iterator[Tensor]:
        """``count`` pictures ``x_BCHW`` of the averaged generator, a chunk at a time."""
        rng = torch.Generator().manual_seed(seed)
        for size in chunks(count):
            z = torch.randn(size, self.config.latent_dim, generator=rng).to(self.device)
            yield self.ema.module(z, [((),)] * size)

    def verdict(self) -> str | None:
        """No end before the budget's: a measure is taken of whatever came out."""
        return None

    def preview(self, folder: Path) -> Path:
        """A sheet of samples."""
        sheet = images.grid([images.to_pil(x) for x in next(self.samples(100, seed=1))], gap=2, background=0, num_columns=10)
        path = folder / "samples.png"
        images.enlarge(sheet, 2, smooth=False).save(path)
        return path


def chunks(count: int) -> Iterator[int]:
    """Sizes of at most ``CHUNK`` that add up to ``count``."""
    for start in range(0, count, CHUNK):
        yield min(CHUNK, count - start)


def mode_numbers(x_BCHW: Tensor, judge: nn.Module) -> Tensor:
    """``(B,)`` in 0..999: the judge's digits in red, green and blue, read as one number."""
    logits: Tensor = judge(x_BCHW.clamp(-1, 1).flatten(0, 1).unsqueeze(1))
    digits = logits.argmax(1).reshape(-1, 3)
    red, green, blue = digits.unbind(1)
    return 100 * red + 10 * green + blue


@torch.no_grad()
def measure(batches: Iterable[Tensor], judge: nn.Module) -> tuple[int, float]:
    """Modes found in all batches ``x_BCHW`` together, and KL(shares || uniform) in nats."""
    return mode_statistics(torch.cat([mode_numbers(x, judge) for x in batches]).cpu(), NUM_MODES)


def pooled_mnist(device: str) -> Digits:
    """Training and test digits together, on ``device``.

    Raises:
        DataError: MNIST cannot be had.
    """
    splits = [load_mnist(name) for name in ("train", "test")]
    levels, labels = torch.cat([split.levels_NHW for split in splits]), torch.cat([split.labels_N for split in splits])
    return Digits(levels_NHW=levels.to(device), labels_N=labels)


def chosen_scale(arguments: argparse.Namespace) -> Scale:
    """The device's scale with what the options say instead."""
    said = {name: getattr(arguments, name) for name in ("minutes", "batch", "widths", "lr", "gamma", "warm_start")}
    return replace(SCALES[arguments.device], **{name: value for name, value in said.items() if value is not None})


def new_trainer(pool: Digits, scale: Scale, arguments: argparse.Namespace) -> StackedTrainer:
    """Networks and game for the device; every random choice follows from the seed."""
    widths, words = tuple(scale.widths), WordsConfig(slots=("words",), vocabulary=(), num_buckets=1, word_dim=8, slot_dim=8)
    config = PictureGanConfig(image_size=28, image_channels=3, condition_dim=words.condition_dim, widths=widths, critic_widths=widths)
    recipe = PictureRecipe(
        batch=scale.batch, lr=(scale.lr, scale.lr / 4), gamma=(scale.gamma, scale.gamma / 5), penalty_every=scale.penalty_every,
        ema_half_life=scale.ema_half_life, warm_start=scale.warm_start, posterior=scale.warm_start > 0, kl_weight=KL_WEIGHT,
        critic_rate=2.5 if scale.warm_start > 0 else 1.0, critic_first=0.04 if scale.warm_start > 0 else 0.0,
        anchor=ANCHOR if scale.warm_start > 0 else 0.0, mismatch=0.0, all_dropout=0.0, typos=0.0, anonymous=0.0,
    )  # fmt: skip
    return StackedTrainer(config, words, recipe, Triples(pool=pool), {}, arguments.device, arguments.seed)


def run(pool: Digits, judge: nn.Module, arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Train, or take up a training, until the budget is spent; then count the modes of samples and of real triples."""
    scale = chosen_scale(arguments)
    trainer = new_trainer(pool, scale, arguments)
    budget = Budget(num_steps=arguments.steps, minutes=scale.minutes)
    progress = train(trainer, folder, budget, resume=arguments.resume, command="python -m benchmarks.quality_stacked_mnist")
    print(f"judging {arguments.samples} samples and as many real triples", file=sys.stderr)
    # Noise and triples for the count come from seeds of their own, not from the stream that a training has used.
    found = measure(trainer.samples(arguments.samples, arguments.seed + 1), judge)
    floor = measure(Triples(pool=pool).random(arguments.samples, arguments.seed + 2), judge)
    return result(arguments, trainer, progress, found, floor)


def result(
    arguments: argparse.Namespace, trainer: StackedTrainer, progress: Progress, found: tuple[int, float], floor: tuple[int, float]
) -> dict[str, Any]:
    """What is printed; ``parameters`` are those of the generator, which alone is kept."""
    return {
        "benchmark": "quality_stacked_mnist",
        "device": arguments.device,
        "seed": arguments.seed,
        "minutes": round(progress.seconds / 60, 2),
        "steps": progress.step,
        "skipped_steps": progress.num_skipped,
        "pictures_seen": trainer.ema.num_seen,
        "warm_start": trainer.recipe.warm_start,
        "samples": arguments.samples,
        "modes": found[0],
        "kl": round(found[1], 4),
        "floor_modes": floor[0],
        "floor_kl": round(floor[1], 4),
        "parameters": sum(weights.numel() for weights in trainer.generator.parameters()),
        "critic_parameters": sum(weights.numel() for weights in trainer.critic.parameters()),
    }


def parser() -> argparse.ArgumentParser:
    """The options."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    options.add_argument("--minutes", type=float, help="of training (cpu 20, cuda 9)")
    options.add_argument("--steps", type=int, default=10**9, help="end after this many, if the minutes have not")
    options.add_argument("--samples", type=int, default=NUM_SAMPLES)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--batch", type=int, help="pictures in a step (cpu 32, cuda 256)")
    options.add_argument("--widths", type=int, nargs="+", help="channels from the lowest resolution to the highest, the critic's likewise")
    options.add_argument("--lr", type=float, help="of Adam, ends at a quarter (2e-4)")
    options.add_argument("--gamma", type=float, help="weight of R1 and R2, ends at a fifth (cpu 0.3, cuda 1)")
    options.add_argument("--warm-start", type=float, help="share of the time as the decoder of a VAE before the game (cpu 0.4, cuda 0)")
    options.add_argument("--threads", type=int, default=1, help="processor cores to use")
    options.add_argument("--checkpoint", type=Path, help="folder for weights, samples and the resumable record, written each minute and at the end")
    options.add_argument("--resume", action="store_true", help="go on with the training that --checkpoint holds")
    return options


def main() -> None:
    options = parser()
    arguments = options.parse_args()
    if arguments.resume and not arguments.checkpoint:
        options.error("--resume needs --checkpoint")
    torch.set_num_threads(arguments.threads)
    torch.backends.cudnn.benchmark = True  # all batches have one shape: the fastest kernel is worth a search
    judge = load_judge(zoo_folder() / "mnist-judge").to(arguments.device)
    with tempfile.TemporaryDirectory() as temporary:
        print(json.dumps(run(pooled_mnist(arguments.device), judge, arguments, arguments.checkpoint or Path(temporary) / "run")))


if __name__ == "__main__":
    main()
