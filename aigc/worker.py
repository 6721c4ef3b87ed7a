"""``aigc worker``."""

from __future__ import annotations

import argparse
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``aigc worker`` has no options: its settings come from the environment."""


def run(arguments: argparse.Namespace) -> int:
    """Run a worker until a signal."""
    from pydantic import ValidationError

    from workers.main import run_worker
    from workers.settings import WorkerSettings

    try:
        settings = WorkerSettings()
    except ValidationError as error:
        names = ", ".join(str(problem["loc"][0]) for problem in error.errors())
        print(f"aigc worker: these settings are wrong: {names}; see .env.example", file=sys.stderr)
        return 2
    run_worker(settings)
    return 0
