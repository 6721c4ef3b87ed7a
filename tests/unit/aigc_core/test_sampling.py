from __future__ import annotations

import pytest
import torch

from aigc_core.rnn.sampling import Recency, SamplerRows, SamplerSettings, Uniforms, ranked_probabilities, sample

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


@pytest.mark.parametrize(
    "bad", [{"temperature": -1}, {"temperature": 9}, {"top_p": 0}, {"top_k": 0}, {"min_p": 1}, {"repetition": -1}, {"half_life": 0}]
)
def test_impossible_settings_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"lies between|at least"):
        SamplerSettings(**bad)  # type: ignore[arg-type]


def test_min_p_keeps_what_is_likely_beside_the_likeliest() -> None:
    """Of 0.5, 0.25, 0.15, 0.1 a min_p of 0.3 keeps what has at least 0.15."""
    p = probabilities(LOGITS, SamplerSettings(temperature=1, top_p=1, min_p=0.3))
    torch.testing.assert_close(p, torch.tensor([0.5, 0.25, 0.15, 0.0]) / 0.9)


def test_banned_tokens_are_never_written() -> None:
    """What is banned has no probability, and the rest keeps its proportions; a row without a ban is left alone."""
    rows = SamplerRows([SamplerSettings(temperature=1, top_p=1, banned=frozenset([0])), SamplerSettings(temperature=1, top_p=1)], 4)
    ranked, tokens = ranked_probabilities(LOGITS.repeat(2, 1), rows)
    p = torch.zeros(2, 4).scatter_(1, tokens, ranked)
    torch.testing.assert_close(p, torch.stack([torch.tensor([0, 0.5, 0.3, 0.2]), LOGITS.exp()]))


def test_only_allowed_tokens_are_written() -> None:
    """A form's mask goes before everything else: with one token allowed, every number gives that one."""
    rows, allowed = SamplerRows([SamplerSettings(top_p=0.1)], 4), torch.tensor([[False, False, False, True]])
    assert all(sample(LOGITS[None], rows, [u], allowed_BV=allowed).tolist() == [3] for u in (0.0, 0.5, 0.999))


def test_a_token_that_was_written_is_less_likely_for_a_while() -> None:
    """Each time costs ``repetition`` of its logit, and half of that after a half-life; what was only read costs nothing."""
    settings = SamplerSettings(temperature=1, top_p=1, repetition=2.0, half_life=1)
    rows, recency = SamplerRows([settings, settings], 4), Recency.none(2, 4)
    recency.note(torch.tensor([0, 0]), rows, torch.tensor([True, False]))
    assert recency.weights_BV.tolist() == [[1, 0, 0, 0], [0, 0, 0, 0]]
    recency.note(torch.tensor([1, 1]), rows, torch.tensor([True, True]))
    assert recency.weights_BV.tolist() == [[0.5, 1, 0, 0], [0, 1, 0, 0]]
    ranked, tokens = ranked_probabilities(LOGITS.repeat(2, 1), rows, recency)
    p = torch.zeros(2, 4).scatter_(1, tokens, ranked)
    expected = torch.softmax(LOGITS - torch.tensor([1.0, 2.0, 0.0, 0.0]), 0)
    torch.testing.assert_close(p[0], expected)


def test_a_large_vocabulary_is_ranked_by_its_head(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same tokens as by ranking all of it, equal probabilities and flat distributions among them."""
    noise = torch.Generator().manual_seed(0)
    peaked, flat = 3 * torch.randn(20, 3000, generator=noise), 0.1 * torch.randn(4, 3000, generator=noise)
    ties = (2 * torch.randn(20, 3000, generator=noise)).round()
    for logits in (peaked, flat, ties, torch.cat([peaked[:3], flat, ties[:3]])):
        rows = SamplerRows([SamplerSettings(temperature=0.0 if row == 0 else 0.8, min_p=0.05 * (row % 2)) for row in range(len(logits))], 3000)
        uniforms = torch.rand(len(logits), generator=noise).tolist()
        by_head = sample(logits, rows, uniforms)
        with monkeypatch.context() as patch:
            patch.setattr("aigc_core.rnn.sampling.HEAD", 10**6)
            assert torch.equal(sample(logits, rows, uniforms), by_head)
