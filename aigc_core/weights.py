"""How weights lie on disk: two bytes a number, or one. They are computed with as float32 whatever they lay as."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

FORMS = ("fp16", "bf16", "int8")
SCALE = ".scale"
"""The name of an int8 tensor's scales is its own with this behind it."""
FEWEST_FOR_BYTES = 1024
"""Smaller tensors, and those of one dimension, stay fp16: there is nothing to gain, and biases and decays are felt most."""
_BYTE = 127


def packed(weights: Mapping[str, Tensor], form: str = "fp16") -> dict[str, Tensor]:
    """Weights as they are written. int8 has one scale a row: the row's largest number is 127."""
    if form == "int8":
        return {name: tensor for key, weight in weights.items() for name, tensor in _in_bytes(key, weight.detach().cpu()).items()}
    dtype = {"fp16": torch.float16, "bf16": torch.bfloat16}[form]
    return {name: _cast(tensor, dtype) for name, tensor in weights.items()}


def unpacked(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """fp32 weights of what :func:`packed` made; integers that are no packed weights stay what they are."""
    scales = {name + SCALE for name, tensor in tensors.items() if tensor.dtype is torch.int8}
    return {
        name: _single(tensor, tensors.get(name + SCALE) if name + SCALE in scales else None) for name, tensor in tensors.items() if name not in scales
    }


def _in_bytes(name: str, weight: Tensor) -> dict[str, Tensor]:
    if not weight.is_floating_point() or weight.ndim < 2 or weight.numel() < FEWEST_FOR_BYTES:
        return {name: _cast(weight, torch.float16)}
    scale = weight.flatten(1).abs().amax(1).clamp(min=1e-12) / _BYTE
    rows = (weight.flatten(1) / scale[:, None]).round().to(torch.int8)
    return {name: rows.view(weight.shape).contiguous(), name + SCALE: scale.float()}


def _cast(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    # clone: safetensors refuses two names of one storage
    return tensor.detach().to("cpu").to(dtype if tensor.is_floating_point() else tensor.dtype).clone().contiguous()


def _single(tensor: Tensor, scale: Tensor | None) -> Tensor:
    if scale is not None:
        return (tensor.flatten(1).float() * scale[:, None]).view(tensor.shape)
    return tensor.float() if tensor.is_floating_point() else tensor
