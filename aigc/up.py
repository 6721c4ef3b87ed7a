"""``aigc up``: everything on one machine."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the data lives and where the chat page listens."""
    parser.add_argument("--home", type=Path, default=None, help="folder for data and logs (default: $AIGC_HOME or .aigc)")
    parser.add_argument("--port", type=int, default=8080, help="port of the chat page; another one if it is taken")


def run(arguments: argparse.Namespace) -> int:
    """Run until Ctrl-C or SIGTERM; nothing is left running."""
    return asyncio.run(_run(arguments.home, arguments.port))


async def _run(home: Path | None, port: int) -> int:
    from aigc.children import ChildFailed
    from aigc.embedded_redis import NoRedisError
    from aigc.settings import LocalSettings
    from aigc.stack import running_stack

    settings = LocalSettings()
    token, redis_url = (value.get_secret_value() if value else None for value in (settings.token, settings.redis_url))
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    started = time.monotonic()
    _say("Starting (Ctrl-C ends everything) …")
    try:
        await _serve(running_stack(home or settings.home, port, _say, token=token, redis_url=redis_url), stop, started)
    except (ChildFailed, NoRedisError) as error:
        print(f"aigc up: {error}", file=sys.stderr)
        return 1
    _say("Stopped.")
    return 0


async def _serve(running, stop: asyncio.Event, started: float) -> None:  # type: ignore[no-untyped-def]
    stopping = asyncio.create_task(stop.wait())
    entering = asyncio.create_task(running.__aenter__())
    keeping = None
    try:
        await asyncio.wait({stopping, entering}, return_when=asyncio.FIRST_COMPLETED)
        if not entering.done():
            return
        stack = entering.result()
        where = f"open {stack.address}" if stack.address else "the bot is on its way to Discord"
        _say(f"Ready in {time.monotonic() - started:.1f} s: {where}")
        keeping = asyncio.create_task(stack.keep())
        await asyncio.wait({stopping, keeping}, return_when=asyncio.FIRST_COMPLETED)
        if keeping.done():
            keeping.result()
    finally:
        stopping.cancel()
        if keeping and not keeping.done():
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
        if not entering.done():
            entering.cancel()
            await asyncio.gather(entering, return_exceptions=True)
        elif entering.exception() is None:
            _say("Stopping …")
            await running.__aexit__(None, None, None)


def _say(text: str) -> None:
    print(text, flush=True)
