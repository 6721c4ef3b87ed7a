from __future__ import annotations

import pytest
import torch

from aigc_core.rnn.sampling import SamplerRows, SamplerSettings, Uniforms, ranked_probabilities, sample

LOGITS = torch.log(torch.tensor([0.5, 0.25, 0.15, 0.1]))


def probabilities(logits_V: torch.Tensor, settings: SamplerSettings) -> torch.Tensor:
    """The normalised distribution of one text, by token."""
    ranked_BV, tokens_BV = ranked_probabilities(logits_V[None], SamplerRows([settings], len(logits_V)))
    return torch.zeros_like(logits_V).scatter_(0, tokens_BV[0], ranked_BV[0] / ranked_BV[0].sum())


def test_temperature_one_and_no_limits_is_the_model_itself() -> None:
    torch.testing.assert_close(probabilities(LOGITS, SamplerSettings(temperature=1, top_p=1)), LOGITS.exp())


def test_temperature_zero_takes_the_likeliest() -> None:
    assert probabilities(LOGITS, SamplerSettings(temperature=0)).tolist() == [1, 0, 0, 0]


def test_top_k_keeps_k_and_renormalises() -> None:
    p = probabilities(LOGITS, SamplerSettings(temperature=1, top_k=2, top_p=1))
    torch.testing.assert_close(p, torch.tensor([2 / 3, 1 / 3, 0, 0]))


def test_top_p_keeps_the_smallest_set_that_reaches_it() -> None:
    p = probabilities(LOGITS, SamplerSettings(temperature=1, top_p=0.7))
    torch.testing.assert_close(p, torch.tensor([2 / 3, 1 / 3, 0, 0]))


def test_draws_follow_the_distribution() -> None:
    """4,000 draws agree with the probabilities within four standard errors."""
    rows, uniforms = SamplerRows([SamplerSettings(temperature=1, top_p=1)], 4), Uniforms(0)
    counts = torch.bincount(torch.cat([sample(LOGITS[None], rows, [uniforms.next()]) for _ in range(4000)]), minlength=4)
    error = (counts / 4000 - LOGITS.exp()).abs()
    assert (error < 4 * (LOGITS.exp() * (1 - LOGITS.exp()) / 4000).sqrt()).all()


@pytest.mark.parametrize("uniform", [0.0, 0.49999, 0.5, 0.74999, 0.75, 1 - 2**-53])
def test_the_number_drawn_decides_at_the_edges(uniform: float) -> None:
    """The first token whose cumulative probability exceeds the number: no token of probability zero, none beyond the last."""
    exact = torch.tensor([[0.5, 0.25, 0.25, 0.0]]).log()
    expected = 0 if uniform < 0.5 else 1 if uniform < 0.75 else 2
    assert sample(exact, SamplerRows([SamplerSettings(temperature=1, top_p=1)], 4), [uniform]).tolist() == [expected]


def test_neighbours_change_nothing() -> None:
    """A row's token depends on its own logits, settings and number, whatever the other rows are."""
    torch.manual_seed(0)
    logits = torch.randn(32, 65)
    settings = [SamplerSettings(temperature=0.1 * (i % 20), top_p=1 - i / 64, top_k=1 + i if i % 3 else None) for i in range(32)]
    uniforms = [Uniforms(seed).next() for seed in range(32)]
    together = sample(logits, SamplerRows(settings, 65), uniforms)
    alone = [sample(logits[i : i + 1], SamplerRows(settings[i : i + 1], 65), uniforms[i : i + 1]) for i in range(32)]
    assert together.tolist() == torch.cat(alone).tolist()


@pytest.mark.parametrize("bad", [{"temperature": -1}, {"temperature": 9}, {"top_p": 0}, {"top_k": 0}])
def test_impossible_settings_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"lies between|at least"):
        SamplerSettings(**bad)  # type: ignore[arg-type]
