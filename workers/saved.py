"""Where a text stopped, kept with its result: whoever continues it has nothing to read again, however long it is."""

from __future__ import annotations

import json
from dataclasses import dataclass

import safetensors
import safetensors.torch
from torch import Tensor

_LENGTH = 8
"""A safetensors file begins with the length of its header in so many bytes."""


@dataclass(frozen=True, kw_only=True)
class SavedState:
    """The state ``(1, S)`` after a text's last token, and the logits ``(V,)`` of what comes next."""

    state_1S: Tensor
    logits_V: Tensor


def pack(saved: SavedState, version: str) -> bytes:
    """A state as bytes; ``version`` is that of the model's weights."""
    tensors = {"state": saved.state_1S.float().cpu().contiguous(), "logits": saved.logits_V.float().cpu().contiguous()}
    return safetensors.torch.save(tensors, {"version": version})


def unpack(data: bytes | None, version: str, state_size: int, vocab_size: int) -> SavedState | None:
    """The state in ``data``; None where it is of other weights or none: the text is read again then."""
    if data is None:
        return None
    try:
        tensors = safetensors.torch.load(data)
    except safetensors.SafetensorError:
        return None
    same = _version(data) == version and tensors.keys() == {"state", "logits"}
    if not same or tensors["state"].shape != (1, state_size) or tensors["logits"].shape != (vocab_size,):
        return None
    return SavedState(state_1S=tensors["state"], logits_V=tensors["logits"])


def _version(data: bytes) -> str | None:
    """The weights' version in the header of a safetensors file."""
    header = json.loads(data[_LENGTH : _LENGTH + int.from_bytes(data[:_LENGTH], "little")])
    version: str | None = header.get("__metadata__", {}).get("version")
    return version
