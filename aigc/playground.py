"""``aigc playground``."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the playground keeps its messages, and where it listens."""
    parser.add_argument("--home", type=Path, required=True, help="folder for its messages and files")
    parser.add_argument("--socket", type=Path, required=True, help="Unix socket for the bot (AIGC_DISCORD_SOCKET)")
    parser.add_argument("--port", type=int, default=8080, help="port of the chat page on 127.0.0.1; another one if it is taken")
    parser.add_argument("--address-file", type=Path, required=True, help="the page's address is written here")


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal. The bot's token is read from DISCORD_TOKEN, so that it shows in no process list."""
    asyncio.run(_run(arguments))
    return 0


async def _run(arguments: argparse.Namespace) -> None:
    import playground.server

    token = os.environ.get("DISCORD_TOKEN", "")
    serving = asyncio.create_task(playground.server.run(arguments.home, token, arguments.socket, arguments.port, arguments.address_file))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await serving
