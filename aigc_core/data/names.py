"""Names of people, places and creatures: short lists of one kind, as documents."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Sequence
from typing import Any

import numpy as np

from aigc_core.data.corpus import Document
from aigc_core.data.sources import Source, locate

LICENCE = "MIT (first names), CC0 (lists)"
CREDIT = "names of makemore by Andrej Karpathy; lists of corpora by Darius Kazemi and contributors"
PEOPLE = Source(
    path="names/names.txt", url="https://raw.githubusercontent.com/karpathy/makemore/988aa59e4d8fefa526d06f3b453ad116258398d4/names.txt",
    sha256=("0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d",), licence="MIT", credit=CREDIT,
)  # fmt: skip
LISTS = Source(
    path="corpora-cc0/corpora-data.tar.xz", url="https://github.com/dariusk/corpora", licence="CC0", credit=CREDIT,
    sha256=("5741c1584a1240e5659cef66b852d87f65e9750d27d4c49a6cf316d223b62861",), prepared="its folder data as one archive",
)  # fmt: skip
# Each list with the fields that lead to its names; "*" takes all of a level.
PLACES = {
    "geography/english_towns_cities": "*", "geography/norwegian_cities": "cities", "geography/us_cities": "cities", "geography/rivers": "rivers",
}  # fmt: skip
CREATURES = {
    "animals/dinosaurs": "dinosaurs", "mythology/monsters": "names", "mythology/greek_monsters": "greek_monsters",
    "mythology/greek_gods": "greek_gods",
    "mythology/greek_titans": "greek_titans", "mythology/roman_deities": "roman_deities", "mythology/norse_gods": "norse_deities",
    "mythology/egyptian_gods": "egyptian_gods",
}  # fmt: skip
KIND_WORDS = {
    "person": ("person", "people", "name", "names", "girl", "boy", "hero", "heroine", "child"),
    "place": ("place", "places", "town", "towns", "city", "cities", "village", "river"),
    "creature": ("creature", "creatures", "monster", "monsters", "beast", "beasts", "dragon", "dragons", "god", "gods", "demon", "demons"),
}
NAMES_A_LIST, LISTS_A_NAME = 10, 3
HELD_OUT = 20
"""Every so many-th name of a kind is kept out of training."""


def load_names() -> tuple[list[Document], list[Document]]:
    """Lists of names of one kind, a name a line, for training and, of other names, for validation.

    Each name for training stands in about ``LISTS_A_NAME`` lists, places and creatures in more; the others in one each.

    Raises:
        DataError: a file cannot be had or is damaged.
    """
    people = [line.capitalize() for line in locate(PEOPLE).read_text(encoding="utf-8").split()]
    with tarfile.open(locate(LISTS)) as archive:
        kinds = {"person": people, "place": _names(archive, PLACES), "creature": _names(archive, CREATURES)}
    rng = np.random.default_rng(0)
    train: list[Document] = []
    held: list[Document] = []
    taken: set[str] = set()  # a place may be called as a person is
    for kind, all_names in kinds.items():
        names = [name for name in dict.fromkeys(all_names) if name not in taken]
        taken |= set(names)
        shuffled = [names[index] for index in rng.permutation(len(names))]
        times = max(LISTS_A_NAME, round(LISTS_A_NAME * len(people) / len(names) / 3))
        train += _lists(kind, [name for i, name in enumerate(shuffled) if i % HELD_OUT], times, rng)
        held += _lists(kind, shuffled[::HELD_OUT], 1, rng)
    return train, [held[index] for index in rng.permutation(len(held))]


def known_names(documents: Sequence[Document], kinds: Sequence[str]) -> list[str]:
    """All names of some kinds in lists."""
    return sorted({name for one in documents if one.controls[0] in kinds for name in one.text.split("\n")})


def _lists(kind: str, names: list[str], times: int, rng: np.random.Generator) -> list[Document]:
    """Lists of ``NAMES_A_LIST`` names, in which each name stands ``times`` times."""
    order = np.concatenate([rng.permutation(len(names)) for _ in range(times)])
    rows = order[: len(order) // NAMES_A_LIST * NAMES_A_LIST].reshape(-1, NAMES_A_LIST)
    return [Document(text="\n".join(names[index] for index in row), controls=(kind,)) for row in rows.tolist()]


def _names(archive: tarfile.TarFile, lists: dict[str, str]) -> list[str]:
    """The names of some lists, each once."""
    found: dict[str, None] = {}
    for path, field in lists.items():
        file = archive.extractfile(f"data/{path}.json")
        assert file is not None
        value = json.load(file)
        for name in _strings([value[key] for key in value if key not in ("description", "source", "sources")] if field == "*" else value[field]):
            if 2 < len(name) < 30 and not any(sign.isdigit() or sign in "([/" for sign in name):
                found[name] = None
    return list(found)


def _strings(value: Any) -> list[str]:
    """All names in a list, a list of objects with names, or an object of such lists (or one whose keys are the names)."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [name for item in value for name in _strings(item)]
    named = next((value[key] for key in ("name", "city") if isinstance(value.get(key), str)), None)
    if named is not None:
        return [named]
    if all(isinstance(item, dict) for item in value.values()):
        return list(value)
    return [name for item in value.values() for name in _strings(item)]
