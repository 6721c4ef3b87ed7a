"""Configurations are frozen dataclasses beside their model; reading one from JSON refuses what it does not know."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, TypeVar

ConfigT = TypeVar("ConfigT")


def to_dict(config: Any) -> dict[str, Any]:
    """The JSON form of a configuration dataclass."""
    return dataclasses.asdict(config)


def from_dict(cls: type[ConfigT], values: dict[str, Any]) -> ConfigT:
    """Build ``cls`` from JSON values.

    Raises:
        ValueError: a key that ``cls`` does not have (a typo is an error, not a default), or a missing one.
    """
    hints = typing.get_type_hints(cls)
    unknown = sorted(set(values) - set(hints))
    if unknown:
        raise ValueError(f"{cls.__name__} has no setting {', '.join(unknown)}; it has {', '.join(sorted(hints))}")
    try:
        return cls(**{key: _coerce(hints[key], value) for key, value in values.items()})
    except TypeError as error:
        raise ValueError(f"{cls.__name__}: {error}") from error


def _coerce(hint: Any, value: Any) -> Any:
    """JSON knows lists and objects only: turn them into the tuples and nested dataclasses that ``hint`` names."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type) and isinstance(value, dict):
        return from_dict(hint, value)
    if typing.get_origin(hint) is tuple and isinstance(value, list):
        return tuple(value)
    if isinstance(hint, types.UnionType) and isinstance(value, list):
        return tuple(value)
    return value
