"""``aigc models``."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which model to describe."""
    parser.add_argument("name", nargs="?", help="show this model's card")


def run(arguments: argparse.Namespace) -> int:
    """List the models that a worker on this machine would serve."""
    import json
    import sys

    from aigc_core.checkpoint import CARD, read_json
    from aigc_core.models import find_models

    found = find_models()
    if arguments.name:
        if arguments.name not in found:
            print(f"aigc models: there is no model {arguments.name!r}; there are {', '.join(found)}", file=sys.stderr)
            return 1
        print(json.dumps(read_json(found[arguments.name] / CARD), indent=2, ensure_ascii=False))
        return 0
    for name, folder in found.items():
        card = read_json(folder / CARD)
        size = (folder / "model.safetensors").stat().st_size / 1e6
        print(f"{name:14} {card['family'].upper():4} {card['version']}  {size:4.1f} MB  {card['summary']}")
    return 0
