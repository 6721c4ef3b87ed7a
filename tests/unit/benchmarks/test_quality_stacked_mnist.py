"""Stacked MNIST: the stacking, the count of modes, and that a run ends with what it promises."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from aigc_core.data.mnist import Digits
from aigc_core.evaluation.judge import load_judge
from aigc_core.models import zoo_folder
from benchmarks.quality_stacked_mnist import (
    StackedTrainer,
    Triples,
    chosen_scale,
    chunks,
    measure,
    mode_numbers,
    new_trainer,
    parser,
    pooled_mnist,
    run,
)


class GreyJudge(nn.Module):
    """Names the digit ``d`` of a plain sheet of grey level ``25 d``."""

    def forward(self, x_BCHW: Tensor) -> Tensor:
        levels = (x_BCHW.mean(dim=(1, 2, 3)) + 1) * 127.5
        return -(levels[:, None] - 25 * torch.arange(10)).abs()


def sheets() -> Digits:
    """Ten plain sheets, a grey level for each digit."""
    labels = torch.arange(10)
    return Digits(levels_NHW=(25 * labels)[:, None, None].expand(10, 28, 28).to(torch.uint8), labels_N=labels)


def arguments(*extra: str) -> list[str]:
    return ["--steps", "2", "--samples", "40", "--batch", "4", "--widths", "12", "8", "4", *extra]


def test_a_number_is_a_triple_of_rows() -> None:
    """Red, green and blue of number 407 of ten sheets are the sheets 4, 0 and 7."""
    triples = Triples(pool=sheets())
    x = triples.pictures(torch.tensor([407, 999]))
    assert x.shape == (2, 3, 28, 28) and len(triples) == 1000
    torch.testing.assert_close(x[0, :, 5, 5], torch.tensor([100.0, 0.0, 175.0]) / 127.5 - 1)
    torch.testing.assert_close(x[1], torch.full((3, 28, 28), 225 / 127.5 - 1))


def test_all_of_mnist_has_more_triples_than_fit_in_32_bits() -> None:
    """The last triple of 70,000 digits is reached, and nothing is said of any: the game is unconditional."""
    pool = Digits(levels_NHW=torch.zeros(70_000, 1, 1, dtype=torch.uint8), labels_N=torch.zeros(70_000, dtype=torch.long))
    pool.levels_NHW[-1] = 255
    triples, last = Triples(pool=pool), torch.tensor([70_000**3 - 1, 69_999])
    assert len(triples) == 70_000**3
    assert triples.pictures(last).flatten(1).tolist() == [[1, 1, 1], [-1, -1, 1]]
    _, descriptions = triples.batch(2, torch.Generator())
    assert descriptions == [((),), ((),)]


def test_random_triples_are_as_many_as_asked_for_and_a_seeds_own() -> None:
    triples = Triples(pool=sheets())
    first, again, other = (torch.cat(list(triples.random(620, seed))) for seed in (1, 1, 2))
    assert len(first) == 620 and torch.equal(first, again) and not torch.equal(first, other)
    assert list(chunks(1200)) == [500, 500, 200] and list(chunks(500)) == [500]


def test_a_mode_is_the_judges_digits_read_as_one_number() -> None:
    numbers = torch.tensor([0, 7, 70, 700, 123, 999])
    x = Triples(pool=sheets()).pictures(numbers)
    assert torch.equal(mode_numbers(x, GreyJudge()), numbers)
    assert torch.equal(mode_numbers(x + 0.02, GreyJudge()), numbers), "a little beyond white is white"


def test_modes_and_kl_where_the_answer_is_known() -> None:
    """Every triple once: 1,000 and 0. One alone: 1 and ln 1000. Half of them, unevenly over batches: 500 and ln 2."""
    pictures = Triples(pool=sheets()).pictures
    assert measure([pictures(torch.arange(1000))], GreyJudge()) == (1000, pytest.approx(0.0, abs=1e-9))
    assert measure([pictures(torch.full((30,), 321))], GreyJudge()) == (1, pytest.approx(math.log(1000)))
    assert measure([pictures(torch.arange(400)), pictures(torch.arange(400, 500))], GreyJudge()) == (500, pytest.approx(math.log(2)))


def test_a_run_tells_what_it_found_and_is_taken_up_again(tmp_path: Path) -> None:
    """Two steps, a folder that holds them, and two steps more from it; 40 samples have 40 modes at most."""
    first = run(sheets(), GreyJudge(), parser().parse_args(arguments()), tmp_path / "run")
    assert (first["steps"], first["pictures_seen"], first["samples"]) == (2, 8, 40)
    assert 1 <= first["modes"] <= 40 and first["kl"] > 0 and 1 < first["floor_modes"] <= 40
    assert (tmp_path / "run" / "samples.png").exists()
    second = run(sheets(), GreyJudge(), parser().parse_args(arguments("--steps", "4", "--resume")), tmp_path / "run")
    assert (second["steps"], second["pictures_seen"], second["floor_kl"]) == (4, 16, first["floor_kl"])
    assert second["parameters"] == first["parameters"] > 0


def test_a_training_that_is_taken_up_again_is_where_it_was(tmp_path: Path) -> None:
    """What was saved is sampled as before, to the last bit."""
    run(sheets(), GreyJudge(), parser().parse_args(arguments()), tmp_path / "run")
    again = [run(sheets(), GreyJudge(), parser().parse_args(arguments("--resume")), tmp_path / "run") for _ in range(2)]
    assert again[0]["steps"] == 2 and again[0] == again[1]


def weights(trainer: StackedTrainer) -> Tensor:
    return trainer.generator.generator.project.weight


def test_a_seed_makes_the_networks() -> None:
    asked = [parser().parse_args(arguments("--seed", seed)) for seed in ("3", "3", "4")]
    first, again, other = (new_trainer(sheets(), chosen_scale(options), options) for options in asked)
    assert torch.equal(weights(first), weights(again)) and not torch.equal(weights(first), weights(other))


def test_an_option_goes_before_the_devices_own() -> None:
    scale = chosen_scale(parser().parse_args(["--device", "cuda", "--batch", "64"]))
    assert (scale.batch, scale.minutes, scale.penalty_every) == (64, 9.0, 1)


def test_the_judge_reads_real_triples(needs_data: None) -> None:
    """Of 400 triples of MNIST the judge names at least 95 of 100 as they are labelled."""
    pool = pooled_mnist("cpu")
    assert len(pool) == 70_000
    triples = Triples(pool=pool)
    numbers = torch.randint(len(triples), (400,), generator=torch.Generator().manual_seed(0))
    red, green, blue = (pool.labels_N[numbers // 70_000**place % 70_000] for place in (2, 1, 0))
    with torch.no_grad():
        seen = mode_numbers(triples.pictures(numbers), load_judge(zoo_folder() / "mnist-judge"))
    assert (seen == 100 * red + 10 * green + blue).float().mean() > 0.95
