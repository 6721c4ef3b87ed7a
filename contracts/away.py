"""When Redis is away for a while: unreachable, loading its data, or not able to write."""

from __future__ import annotations

import redis

UNABLE = ("MISCONF", "OOM", "READONLY", "NOREPLICAS", "MASTERDOWN")
"""Redis's own words for: the disk is full or fails, memory is full, it follows another server."""


def is_away(error: BaseException) -> bool:
    """Whether the same may work later, without anybody having done anything wrong."""
    if isinstance(error, redis.ConnectionError | redis.TimeoutError | OSError):
        return True
    # A script that may not write says so in the middle of its message.
    return isinstance(error, redis.ResponseError) and any(word in str(error) for word in UNABLE)
