from __future__ import annotations

import pytest
import torch

from aigc_core.rnn.scan import LinearScan, in_chunks, in_turn


def slow_scan(a: torch.Tensor, b: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
    states = []
    for t in range(a.shape[1]):
        h = a[:, t] * h + b[:, t]
        states.append(h)
    return torch.stack(states, 1)


@pytest.mark.parametrize("length", [1, 2, 3, 16, 17, 100])
def test_both_ways_equal_the_plain_recurrence(length: int) -> None:
    """In turn, from the end, and in chunks, at lengths that fill chunks and that do not."""
    rng = torch.Generator().manual_seed(length)
    a, b = torch.rand(3, length, 5, generator=rng), torch.randn(3, length, 5, generator=rng)
    h0 = torch.randn(3, 5, generator=rng)
    expected = slow_scan(a, b, h0)
    for states in (in_turn(a, b, h0), in_chunks(a, b, h0), in_turn(a.flip(1), b.flip(1), h0, backwards=True).flip(1)):
        torch.testing.assert_close(states, expected, rtol=1e-5, atol=1e-6)


def test_gradients_are_exact() -> None:
    """The hand-written backward pass agrees with finite differences in fp64, for all three inputs."""
    rng = torch.Generator().manual_seed(0)
    a = torch.rand(2, 7, 3, generator=rng, dtype=torch.double, requires_grad=True)
    b = torch.randn(2, 7, 3, generator=rng, dtype=torch.double, requires_grad=True)
    h0 = torch.randn(2, 3, generator=rng, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(LinearScan.apply, (a, b, h0))
