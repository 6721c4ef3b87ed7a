from __future__ import annotations

import math

import pytest
import torch

from aigc_core import prompts, seeding
from aigc_core.vae.model import ALPHABET

FIGURES = "0123456789-/.:,+="


@pytest.mark.parametrize(
    ("prompt", "digits", "ignored"),
    [
        ("7", [7], []),
        ("42", [4, 2], []),
        ("Seven and nine", [7, 9], ["and"]),
        ("٣ ３", [3, 3], []),
        ("a red dragon", [], ["a", "red", "dragon"]),
        ("🎲🎲 6", [6], ["🎲"]),
        ("²", [], ["²"]),
        ("", [], []),
    ],
)
def test_digits_of_any_script_are_read(prompt: str, digits: list[int], ignored: list[str]) -> None:
    assert prompts.read_digits(prompt) == (digits, ignored)


@pytest.mark.parametrize(
    ("prompt", "line", "ignored"),
    [
        ("2026-11-23", "2026-11-23", []),
        ("2026–11–23", "2026-11-23", []),
        ("  1   2 ", "1 2", []),
        ("born 1999!", "1999", ["born", "!"]),
        ("שלום 5", "5", ["שלום"]),
    ],
)
def test_lines_keep_what_can_be_written(prompt: str, line: str, ignored: list[str]) -> None:
    assert prompts.read_line(prompt, FIGURES) == (line, ignored)


@pytest.mark.parametrize(
    ("prompt", "line", "ignored"),
    [("See you at 8:30!", "See you at 8:30!", []), ("Café 北京 №5", "Cafe No5", ["北京"]), ("naïve – ½", "naive -", ["½"])],
)
def test_lines_of_letters_lose_accents_only(prompt: str, line: str, ignored: list[str]) -> None:
    assert prompts.read_line(prompt, ALPHABET) == (line, ignored)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_seeds_out_of_range_are_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="a seed is a whole number"):
        seeding.noise(seed, 3)


@pytest.mark.parametrize("strength", [0.0, 0.4, 1.0])
def test_variations_stay_standard_normal(strength: float) -> None:
    """A varied latent has unit variance and correlates with its parent by sqrt(1 - s^2)."""
    z = seeding.noise(1, 50_000)
    varied = seeding.latent(1, [(2, strength)], 50_000)
    assert varied.std().item() == pytest.approx(1.0, abs=0.02)
    assert (z * varied).mean().item() == pytest.approx(math.sqrt(1 - strength**2), abs=0.02)
    assert torch.equal(varied, z) == (strength == 0.0)
