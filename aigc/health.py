"""``python -m aigc.health bot|worker``: the health check of the containers; exit status 0 if all is well.

A worker is healthy while it is announced in Redis. The bot is healthy while its event loop touches its heartbeat file.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

BOT_HEARTBEAT = Path("/tmp/aigc-bot-alive")  # noqa: S108 - the container's own temporary file system
FRESH_SECONDS = 30.0


def bot_is_healthy() -> bool:
    """Whether the bot's event loop has touched its file lately."""
    try:
        return time.time() - BOT_HEARTBEAT.stat().st_mtime < FRESH_SECONDS
    except FileNotFoundError:
        return False


def worker_is_healthy() -> bool:
    """Whether a worker of this machine is announced."""
    import redis

    from contracts.redis_store import RedisJobLedger

    with redis.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=5) as client:
        return any(worker.worker_id.startswith(f"{socket.gethostname()}-") for worker in RedisJobLedger(client).workers())


def main(argv: list[str]) -> int:
    """Check one part."""
    checks = {"bot": bot_is_healthy, "worker": worker_is_healthy}
    if len(argv) != 1 or argv[0] not in checks:
        print("usage: python -m aigc.health bot|worker", file=sys.stderr)
        return 2
    return 0 if checks[argv[0]]() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
