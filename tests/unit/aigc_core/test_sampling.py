from __future__ import annotations

import pytest
import torch

from aigc_core.rnn.sampling import SamplerSettings, probabilities, sample

LOGITS = torch.log(torch.tensor([0.5, 0.25, 0.15, 0.1]))


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
    settings = SamplerSettings(temperature=1, top_p=1)
    rng = torch.Generator().manual_seed(0)
    counts = torch.bincount(torch.cat([sample(LOGITS[None], [settings], [rng]) for _ in range(4000)]), minlength=4)
    error = (counts / 4000 - LOGITS.exp()).abs()
    assert (error < 4 * (LOGITS.exp() * (1 - LOGITS.exp()) / 4000).sqrt()).all()


def test_neighbours_change_nothing() -> None:
    """A row's draws depend on its own generator, whatever the other rows are."""
    settings = SamplerSettings(temperature=1)
    alone = torch.Generator().manual_seed(5)
    beside = torch.Generator().manual_seed(5)
    other = torch.Generator().manual_seed(9)
    hot = SamplerSettings(temperature=2)
    for _ in range(50):
        expected = sample(LOGITS[None], [settings], [alone])[0]
        assert sample(torch.stack([LOGITS.flip(0), LOGITS]), [hot, settings], [other, beside])[1] == expected


@pytest.mark.parametrize("bad", [{"temperature": -1}, {"temperature": 9}, {"top_p": 0}, {"top_k": 0}])
def test_impossible_settings_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"lies between|at least"):
        SamplerSettings(**bad)  # type: ignore[arg-type]
