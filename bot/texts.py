"""Making people's and models' texts safe to show: no markdown, no pings, no broken direction."""

from __future__ import annotations

import re

import discord

FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"
MESSAGE_LIMIT = 2000
_REFERENCE = re.compile(r"<(?=[@#:/at])")
"""What Discord would turn into a mention, an emoji, a command or a time; a space of no width keeps it text."""


def plain(text: str) -> str:
    """Text with every sign of markdown and mentions escaped."""
    return _REFERENCE.sub("<\u200b", discord.utils.escape_mentions(discord.utils.escape_markdown(text)))


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
