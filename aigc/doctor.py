"""``aigc doctor``: is everything there that the bot needs, and if not, what to do."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to leave out."""
    parser.add_argument("--offline", action="store_true", help="do not ask Discord about the token")


def run(arguments: argparse.Namespace) -> int:
    """Print one line a check; exit status 1 if one failed."""
    from aigc import checks
    from aigc.settings import LocalSettings

    settings = LocalSettings()
    found = [*checks.of_redis(settings), *checks.of_disk(settings.home), *checks.of_models(), *checks.of_device()]
    found += checks.of_token(settings, offline=arguments.offline)
    for check in found:
        print(f"{check.mark} {check.name}: {check.words}")
        if check.advice:
            print(f"  → {check.advice}")
    return 1 if any(check.failed for check in found) else 0
