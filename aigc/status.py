"""``aigc status``: what waits, what runs, who works."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contracts.overview import Overview

CLEAR = "\033[2J\033[H"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How often to look."""
    parser.add_argument("--watch", action="store_true", help="look again every second until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="one line of JSON instead of a table")


def run(arguments: argparse.Namespace) -> int:
    """Print the state; exit status 1 if Redis cannot be reached."""
    import redis

    from aigc.embedded_redis import address_of
    from aigc.settings import LocalSettings
    from contracts.overview import look

    settings = LocalSettings()
    # Without REDIS_URL: the Redis of the `aigc up` that runs here.
    own = address_of(settings.home / "redis")
    address = settings.redis_url.get_secret_value() if settings.redis_url else own or "redis://127.0.0.1:6379/0"
    with redis.Redis.from_url(address, socket_connect_timeout=2, socket_timeout=5) as client:
        try:
            while True:
                seen = look(client)
                shown = seen.model_dump_json() if arguments.json else table(seen)
                print(f"{CLEAR}{shown}" if arguments.watch and not arguments.json else shown, flush=True)
                if not arguments.watch:
                    return 0
                time.sleep(1)
        except KeyboardInterrupt:
            return 0
        except (redis.ConnectionError, redis.TimeoutError) as error:
            print(f"aigc status: Redis does not answer ({type(error).__name__}); is it running, and is REDIS_URL right?", file=sys.stderr)
            return 1


def table(seen: Overview) -> str:
    """The state for people."""
    rows = [("model", "in line", "sent", "running", "oldest", "s a job", "workers")]
    for route in seen.routes:
        oldest = f"{route.oldest_seconds:.0f} s" if route.oldest_seconds is not None else "-"
        cost = f"{route.mean_cost_seconds:.3f}" if route.mean_cost_seconds is not None else "-"
        rows.append((route.name, str(route.in_line), str(route.sent), str(route.running), oldest, cost, str(route.workers)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) if column == 0 else cell.rjust(width) for column, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]
    lines += [
        "",
        f"workers: {', '.join(f'{w.worker_id} ({w.device})' for w in seen.workers) or 'none'}",
        f"ended and not yet delivered: {seen.undelivered}",
    ]
    return "\n".join(lines)
