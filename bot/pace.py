"""How often the messages of a channel are edited to show progress: as fast as Discord takes it, shared by all jobs of the channel."""

from __future__ import annotations

import time
from dataclasses import dataclass

FASTEST_SECONDS, SLOWEST_SECONDS = 0.1, 10.0
HELD_UP_SECONDS = 1.0
"""discord.py waits out a 429 by itself: an edit that takes this long has met one, or a Discord that is slow anyway."""
BURST_SECONDS = 0.5


@dataclass
class _Channel:
    interval: float = FASTEST_SECONDS
    next_at: float = 0.0


class Pace:
    """One interval for each channel: doubled when an edit was held up, shortened by a tenth when one was not."""

    def __init__(self) -> None:
        self._channels: dict[str, _Channel] = {}

    def take(self, channel_id: str, now: float | None = None) -> bool:
        """Whether progress may be shown in this channel now; a True is a turn taken."""
        now = time.monotonic() if now is None else now
        channel = self._channels.setdefault(channel_id, _Channel())
        if channel.next_at > now:
            return False
        channel.next_at = max(channel.next_at, now - BURST_SECONDS) + channel.interval
        return True

    def note(self, channel_id: str, seconds: float) -> None:
        """Learn from an edit that took so long."""
        channel = self._channels.setdefault(channel_id, _Channel())
        factor = 2.0 if seconds > HELD_UP_SECONDS else 0.9
        channel.interval = min(SLOWEST_SECONDS, max(FASTEST_SECONDS, factor * channel.interval))

    def interval(self, channel_id: str) -> float:
        """Seconds between two edits in a channel."""
        return self._channels[channel_id].interval if channel_id in self._channels else FASTEST_SECONDS

    def keep(self, channel_ids: set[str]) -> None:
        """Forget the channels in which nothing is followed any more."""
        for channel_id in self._channels.keys() - channel_ids:
            del self._channels[channel_id]
