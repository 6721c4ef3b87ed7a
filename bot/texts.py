"""Making people's and models' texts safe to show: no markdown, no pings, no broken direction."""

from __future__ import annotations

import re
from collections.abc import Sequence

import discord

FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"
MESSAGE_LIMIT = 2000
_REFERENCE = re.compile(r"<(?=[@#:/at])")
"""What Discord would turn into a mention, an emoji, a command or a time; a space of no width keeps it text."""


def plain(text: str) -> str:
    """Text with every sign of markdown and mentions escaped."""
    escaped = discord.utils.escape_markdown(text, ignore_links=False)
    return _REFERENCE.sub("<\u200b", discord.utils.escape_mentions(escaped)).replace("](", "]\u200b(")


def cut(text: str, limit: int) -> str:
    """The beginning of an escaped text, up to a word's end where there is one, and never through an escape."""
    if len(text) <= limit:
        return text
    head = text[:limit]
    words = head.rsplit(" ", 1)[0] or head
    num_backslashes = len(words) - len(words.rstrip("\\"))
    return words[:-1] if num_backslashes % 2 else words


def fitting(lines: Sequence[str], limit: int = MESSAGE_LIMIT) -> str:
    """As many whole lines as fit a message; if some do not, a last line says how many."""
    if len("\n".join(lines)) <= limit:
        return "\n".join(lines)
    room = limit - len(f"\n… and {len(lines)} more")
    shown: list[str] = []
    for line in lines:
        if len("\n".join([*shown, line])) > room:
            break
        shown.append(line)
    return "\n".join([*shown, f"… and {len(lines) - len(shown)} more"])


def quoted(text: str, limit: int = 150) -> str:
    """A prompt as it is shown: on one line, shortened with an ellipsis, its direction kept to itself."""
    line = " ".join(text.split())
    shown = line if len(line) <= limit else line[: limit - 1] + "…"
    return f"{FIRST_STRONG_ISOLATE}{plain(shown)}{POP_ISOLATE}"


def seconds(value: float) -> str:
    """A duration for people."""
    if value < 1:
        return "less than a second"
    if value < 90:
        return f"about {round(value)} s"
    return f"about {round(value / 60)} min"
