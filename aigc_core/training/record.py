"""The resumable record of a training: weights, optimiser, random numbers. Tensors in safetensors, the rest in JSON; nothing is pickled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

_TENSOR = "__tensor__"
_PAIRS = "__pairs__"
TREE = "tree"


def save_record(path: Path, state: dict[str, Any]) -> None:
    """Write ``state`` (nested dicts, lists, numbers, strings, tensors) beside ``path`` and rename: a reader never sees half of it."""
    tensors: dict[str, Tensor] = {}
    tree = _split(state, "", tensors)
    temporary = path.with_name(path.name + ".new")
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, temporary, metadata={TREE: json.dumps(tree)})
    temporary.replace(path)


def load_record(path: Path, device: str = "cpu") -> dict[str, Any]:
    """Read what :func:`save_record` wrote."""
    with safe_open(path, framework="pt", device=device) as file:
        tree = json.loads(file.metadata()[TREE])
        return _join(tree, {key: file.get_tensor(key) for key in file.keys()})  # noqa: SIM118 - not a dict


def _split(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        # A copy: two names of one storage (tied weights) are an error in safetensors.
        tensors[path] = value.detach().to("cpu", copy=True).contiguous()
        return {_TENSOR: path}
    if isinstance(value, dict):
        # Optimiser states have whole numbers as keys, which JSON objects cannot hold: store pairs.
        return {_PAIRS: [[key, _split(item, f"{path}/{key}", tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return [_split(item, f"{path}/{index}", tensors) for index, item in enumerate(value)]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a training record cannot hold {type(value).__name__} at {path}")


def _join(tree: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(tree, dict):
        if _TENSOR in tree:
            return tensors[tree[_TENSOR]]
        return {key: _join(item, tensors) for key, item in tree[_PAIRS]}
    if isinstance(tree, list):
        return [_join(item, tensors) for item in tree]
    return tree
