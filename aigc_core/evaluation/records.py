"""Measures as a model's card keeps them: each with how many samples it rests on, what to hold it against, and what command found it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

COUNTS = ("num_pictures", "pictures", "samples", "num_held_out")
"""Names under which measures say how many samples they rest on; ``n_NAME`` says it for one of them."""
SETTINGS = ("truncation", "importance_samples")
REAL = "real_"
"""A measure's name with this in front is what real data get: its floor, or the most that can be had."""


def records(measures: Mapping[str, Any], *, command: str, device: str, minutes: float) -> list[dict[str, Any]]:
    """One record a measure: ``name``, ``value``, ``n``, ``reference``, ``command``, ``device``, ``minutes``."""
    count = next((measures[name] for name in COUNTS if name in measures), None)
    made = {"command": command, "device": device, "minutes": round(minutes, 1)}
    return [
        {"name": name, "value": value, "n": measures.get(f"n_{name}", count), "reference": measures.get(REAL + name), **made}
        for name, value in measures.items()
        if _is_measure(name) and isinstance(value, int | float)
    ]


def _is_measure(name: str) -> bool:
    return name not in (*COUNTS, *SETTINGS) and not name.startswith((REAL, "n_"))


def merged(known: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Both, the new ones instead of known ones of the same name."""
    return [dict(record) for record in {record["name"]: record for record in (*known, *new)}.values()]


def figures(card: Mapping[str, Any]) -> dict[str, Any]:
    """A card's measures by name; references as ``real_NAME``, the number of samples as ``n_NAME``."""
    found: dict[str, Any] = {}
    for record in card.get("metrics", ()):
        found[record["name"]] = record["value"]
        found |= {f"{prefix}{record['name']}": record[key] for prefix, key in ((REAL, "reference"), ("n_", "n")) if record.get(key) is not None}
    return found
