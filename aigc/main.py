"""Entry point of ``aigc``. Each command loads only what it needs: ``aigc train`` runs with torch, numpy, pillow and safetensors alone."""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
from collections.abc import Sequence

COMMANDS = {
    "up": "start everything on this machine: on Discord with DISCORD_TOKEN, else on a local chat page",
    "try": "run one slash command through the whole stack and save the answer",
    "bot": "run the bot alone (needs DISCORD_TOKEN and REDIS_URL)",
    "worker": "run a worker alone (needs REDIS_URL)",
    "playground": "run the local Discord-compatible server alone",
    "status": "what waits, what runs, and who works",
    "doctor": "check everything that the bot needs, and say what to do",
    "train": "train a model",
    "sample": "draw or write with a model, without bot and queue",
    "evaluate": "measure a model with an independent judge",
    "models": "list the models of this machine",
    "pack": "write a model's weights in a smaller form",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the exit status is what it returns."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="aigc", description="A self-hosted Discord bot with GAN, VAE and RNN generators.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        if arguments and arguments[0] == name:
            _module(name).add_arguments(command)
    parsed = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    return int(_module(parsed.command).run(parsed))


def _module(name: str):  # type: ignore[no-untyped-def]  # a module with add_arguments and run
    return importlib.import_module(f"aigc.{'trial' if name == 'try' else name}")


if __name__ == "__main__":
    sys.exit(main())
