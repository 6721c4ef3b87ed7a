"""Arithmetic of training: bfloat16 where the device multiplies it natively, float32 elsewhere.

Convolutions and matrix products of a small network take half of float32's time in bfloat16 on a processor with AVX512-BF16 or AMX, and a
fraction of it on a GPU. Weights, optimiser, losses and averages stay float32; bfloat16 has float32's range, so no loss is scaled (Kalamkar et
al. 2019, arXiv 1905.12322). R3GAN trains its upper stages so (Huang et al. 2024, supplement).
"""

from __future__ import annotations

import torch


def multiplies_bfloat16(device: str) -> bool:
    """Whether ``device`` has instructions for products of bfloat16."""
    if device.startswith("cuda"):
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def fast_products(device: str) -> torch.autocast:
    """A context in which convolutions and matrix products are taken in bfloat16, where that is the faster way on ``device``."""
    kind = "cuda" if device.startswith("cuda") else "cpu"
    return torch.autocast(kind, dtype=torch.bfloat16, enabled=multiplies_bfloat16(device))
