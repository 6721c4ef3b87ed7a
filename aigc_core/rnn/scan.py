"""The linear recurrence ``h_t = a_t h_{t-1} + b_t``, exact in fp32, with a hand-written backward pass.

On a processor the steps are taken in turn: each is one pass over memory, and nothing is computed twice. On a GPU, where a step costs a launch,
in two levels: chunks in parallel, steps within a chunk in turn, then the carry from chunk to chunk: about ``2 sqrt(T)`` launches instead of ``T``.
The backward pass is the same recurrence run from the end: ``db_t = g_t + a_{t+1} db_{t+1}`` and ``da_t = h_{t-1} db_t``.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def scan_states(a_BTD: Tensor, b_BTD: Tensor, h0_BD: Tensor) -> Tensor:
    """All states ``h_BTD`` of the recurrence from ``h0_BD``, by the way that suits the device; no gradient is recorded."""
    return in_turn(a_BTD, b_BTD, h0_BD) if a_BTD.device.type == "cpu" else in_chunks(a_BTD, b_BTD, h0_BD)


def in_turn(a_BTD: Tensor, b_BTD: Tensor, h0_BD: Tensor, backwards: bool = False) -> Tensor:
    """The states one after the other; ``backwards`` from the last step to the first, in the places of their steps."""
    steps = list(zip(a_BTD.unbind(1), b_BTD.unbind(1), strict=True))
    states, h = [], h0_BD
    for a, b in reversed(steps) if backwards else steps:
        h = torch.addcmul(b, a, h)
        states.append(h)
    return torch.stack(states[::-1] if backwards else states, 1)


def in_chunks(a_BTD: Tensor, b_BTD: Tensor, h0_BD: Tensor) -> Tensor:
    """The states in about ``2 sqrt(T)`` sequential operations."""
    batch, length, width = a_BTD.shape
    chunk = max(1, math.isqrt(length))
    padding = -length % chunk
    if padding:
        a_BTD, b_BTD = F.pad(a_BTD, (0, 0, 0, padding)), F.pad(b_BTD, (0, 0, 0, padding))
    a = a_BTD.reshape(batch, -1, chunk, width).unbind(2)
    b = b_BTD.reshape(batch, -1, chunk, width).unbind(2)
    local, decay = [b[0]], [a[0]]
    for step in range(1, chunk):
        local.append(torch.addcmul(b[step], a[step], local[-1]))
        decay.append(a[step] * decay[-1])
    carry, carries = h0_BD, []
    for end, total in zip(local[-1].unbind(1), decay[-1].unbind(1), strict=True):
        carries.append(carry)
        carry = torch.addcmul(end, total, carry)
    states = torch.addcmul(torch.stack(local, 2), torch.stack(decay, 2), torch.stack(carries, 1).unsqueeze(2))
    return states.reshape(batch, -1, width)[:, :length]


class LinearScan(torch.autograd.Function):
    """``LinearScan.apply(a_BTD, b_BTD, h0_BD) -> h_BTD``, differentiable in all three."""

    @staticmethod
    def forward(ctx: Any, a_BTD: Tensor, b_BTD: Tensor, h0_BD: Tensor) -> Tensor:
        h_BTD = scan_states(a_BTD, b_BTD, h0_BD)
        ctx.save_for_backward(a_BTD, h_BTD, h0_BD)
        return h_BTD

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        a_BTD, h_BTD, h0_BD = ctx.saved_tensors
        next_a, nothing = F.pad(a_BTD[:, 1:], (0, 0, 0, 1)), torch.zeros_like(h0_BD)
        if a_BTD.device.type == "cpu":
            db_BTD = in_turn(next_a, grads[0], nothing, backwards=True)
        else:
            db_BTD = in_chunks(next_a.flip(1), grads[0].flip(1), nothing).flip(1)
        previous = torch.cat([h0_BD.unsqueeze(1), h_BTD[:, :-1]], dim=1)
        return previous * db_BTD, db_BTD, a_BTD[:, 0] * db_BTD[:, 0]
