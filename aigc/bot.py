"""``aigc bot``."""

from __future__ import annotations

import argparse
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``aigc bot`` has no options: its settings come from the environment."""


def run(arguments: argparse.Namespace) -> int:
    """Run the bot until a signal."""
    from pydantic import ValidationError

    from bot.main import run_bot
    from bot.settings import BotSettings

    try:
        settings = BotSettings()
    except ValidationError as error:
        names = ", ".join(str(problem["loc"][0]) for problem in error.errors())
        print(f"aigc bot: these settings are missing or wrong: {names}; see .env.example", file=sys.stderr)
        return 2
    return run_bot(settings)
